//! A test binary as a program of its own: started again in a role, and looked at
//! from outside.
//!
//! The binary has a test that plays the role when [`role`] gives one and does
//! nothing otherwise. What it [`say`]s is marked, so that the harness' own lines
//! are told apart.

use super::{LONG, kill};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

const VARIABLE: &str = "POOL_PROCESS_TEST_ROLE";
const MARK: &str = "role> ";

/// The role that this process was started in.
pub(crate) fn role() -> Option<String> {
    std::env::var(VARIABLE).ok()
}

/// Tells the test that looks on.
pub(crate) fn say(line: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{MARK}{line}")
        .and_then(|()| out.flush())
        .expect("somebody listens");
}

/// A program in a role, killed if it is forgotten or does not end.
pub(crate) struct Program {
    child: Child,
    output: BufReader<ChildStdout>,
    watch: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Program {
    /// Starts this binary again, to run the one test `test` in a role; `set_up`
    /// adds to the command.
    pub(crate) fn start(test: &str, role: &str, set_up: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new("/proc/self/exe");
        command
            .args(["--exact", test, "--nocapture", "--quiet"])
            .env(VARIABLE, role)
            .stdout(Stdio::piped());
        set_up(&mut command);
        let mut child = command.spawn().expect("it starts");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let (pid, (done, told)) = (child.id(), channel());
        let watch = std::thread::spawn(move || {
            if told.recv_timeout(LONG) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                kill(pid);
            }
        });
        let watch = Some((done, watch));
        Self {
            child,
            output,
            watch,
        }
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// The next line it says; `None` if it has ended.
    pub(crate) fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        while self.output.read_line(&mut line).expect("text") > 0 {
            if let Some((_, said)) = line.trim_end().split_once(MARK) {
                return Some(said.to_owned());
            }
            line.clear();
        }
        None
    }

    /// The next line it says, as numbers.
    pub(crate) fn pids(&mut self) -> Vec<u32> {
        let line = self.line().expect("it says its workers");
        let pids = line.split_whitespace();
        pids.map(|pid| pid.parse().expect("a pid")).collect()
    }

    /// What it says from now on, and how it ends by itself.
    pub(crate) fn end(mut self) -> (Vec<String>, ExitStatus) {
        let said: Vec<_> = std::iter::from_fn(|| self.line()).collect();
        let status = self.child.wait().expect("it is ours");
        (said, status)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // First, so that the number is not that of a stranger.
        if let Some((done, watch)) = self.watch.take() {
            drop(done);
            let _ = watch.join();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
