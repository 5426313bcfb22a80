//! Whole programs: what happens to workers when their parent is killed, returns
//! from `main`, or is replaced on disk.
//!
//! This binary has a `main` of its own, which calls `init` as a program does.
//! Each test starts it again in a role and looks at it from outside.

mod common;
mod roles;

use common::{LONG, eventually, is_alive, kill};
use libtest_mimic::{Arguments, Failed, Trial};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

fn main() {
    roles::fail_if_broken();
    pool_process::init();
    if let Ok(role) = std::env::var(roles::VARIABLE) {
        return roles::play(&role);
    }
    let test = |name: &str, run: fn()| {
        Trial::test(name, move || {
            run();
            Ok::<(), Failed>(())
        })
    };
    let tests = vec![
        test("workers_in_an_endless_loop_die_with_their_parent", orphans),
        test("stopped_workers_die_with_their_parent", stopped_orphans),
        test(
            "returning_from_main_finishes_what_a_dropped_pool_had",
            drained,
        ),
        test("exiting_with_a_pool_in_use_leaves_no_worker", exited),
        test("a_replaced_binary_changes_nothing", replaced),
        test(
            "a_program_that_does_not_start_again_is_reported",
            unstartable,
        ),
        test("a_worker_that_is_silent_is_given_up", silent),
        test(
            "a_changed_directory_and_environment_change_no_worker",
            moved,
        ),
        test("an_interrupted_system_call_does_no_harm", interrupted),
    ];
    libtest_mimic::run(&Arguments::from_args(), tests).exit();
}

/// A program in a role, killed if it is forgotten.
struct Program {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Program {
    fn start(binary: &Path, role: &str) -> Self {
        let mut child = Command::new(binary)
            .env(roles::VARIABLE, role)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, output }
    }

    fn this(role: &str) -> Self {
        Self::start(&std::env::current_exe().expect("it has a path"), role)
    }

    /// The next line it prints.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("it prints");
        assert!(!line.is_empty(), "the program ended early");
        line.trim_end().to_owned()
    }

    fn pids(&mut self) -> Vec<u32> {
        let line = self.line();
        let pids = line
            .split_whitespace()
            .map(|pid| pid.parse().expect("a pid"));
        pids.collect()
    }

    /// Everything that it prints, once it has ended by itself.
    fn end(mut self) -> (String, Option<i32>) {
        let (tell, told) = channel();
        let pid = self.child.id();
        let watch = std::thread::spawn(move || {
            if told.recv_timeout(LONG).is_err() {
                kill(pid);
            }
        });
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).expect("text");
        let status = self.child.wait().expect("it is ours");
        let _ = tell.send(());
        watch.join().expect("it does not panic");
        assert!(status.code().is_some(), "it did not end: {status}\n{rest}");
        (rest, status.code())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn gone_within_a_second(pids: &[u32]) {
    let start = Instant::now();
    eventually("the workers are gone", || {
        !pids.iter().any(|&pid| is_alive(pid))
    });
    let took = start.elapsed();
    // The promise is a second; a loaded machine gets more before it counts.
    assert!(took < Duration::from_secs(20), "it took {took:?}");
    println!("gone after {took:?}");
}

fn orphans() {
    let mut program = Program::this("endless");
    let pids = program.pids();
    assert_eq!(pids.len(), 3);
    assert!(pids.iter().all(|&pid| is_alive(pid)));
    kill(program.child.id());
    gone_within_a_second(&pids);
}

fn stopped_orphans() {
    let mut program = Program::this("endless");
    let pids = program.pids();
    for &pid in &pids {
        let pid = rustix::process::Pid::from_raw(pid as i32).expect("a pid");
        rustix::process::kill_process(pid, rustix::process::Signal::STOP).expect("it is ours");
    }
    kill(program.child.id());
    gone_within_a_second(&pids);
}

fn drained() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut program = Program::this(&format!("drain {}", directory.path().display()));
    let pids = program.pids();
    let (_, status) = program.end();
    assert_eq!(status, Some(0));
    let files = std::fs::read_dir(&directory).expect("it is there").count();
    assert_eq!(files, 60, "jobs were lost");
    assert!(!pids.iter().any(|&pid| is_alive(pid)));
}

fn exited() {
    let mut program = Program::this("exit");
    let pids = program.pids();
    let (_, status) = program.end();
    assert_eq!(status, Some(7));
    gone_within_a_second(&pids);
}

/// Every build replaces the binary, while the program that it was goes on.
fn replaced() {
    let directory = tempfile::tempdir().expect("a directory");
    let binary = directory.path().join("program");
    // By another process: a descriptor that is open for writing here might be
    // inherited by a program that some other test starts, and then the copy
    // could not be executed.
    let this = std::env::current_exe().expect("a path");
    let copied = Command::new("cp").arg(this).arg(&binary).status();
    assert!(copied.expect("there is a cp").success());
    let mut program = Program::start(&binary, "replaced");
    assert_eq!(program.line(), "before: 42");
    std::fs::remove_file(&binary).expect("it is there");
    std::fs::write(&binary, "#!/bin/false\n").expect("it is written");
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&binary, executable).expect("it is ours");
    std::fs::write(directory.path().join("go"), "").expect("it is written");
    let (rest, status) = program.end();
    assert_eq!((rest.as_str(), status), ("after: 42\n", Some(0)));
}

fn unstartable() {
    let (output, status) = Program::this("unstartable").end();
    assert_eq!(status, Some(0), "{output}");
    let lines: Vec<_> = output.lines().collect();
    assert_eq!(lines.len(), 4, "{output}");
    for line in &lines[..3] {
        assert!(line.contains("PoolBroken"), "{line}");
        assert!(line.contains("exited with code 9"), "{line}");
    }
    assert_eq!(lines[3], "then: 42");
}

fn silent() {
    let (output, status) = Program::this("silent").end();
    assert_eq!(status, Some(0), "{output}");
    assert!(output.contains("PoolBroken"), "{output}");
    assert!(output.contains("did not say hello within 20ms"), "{output}");
}

fn moved() {
    let (output, status) = Program::this("moved").end();
    assert_eq!((output.as_str(), status), ("same\n", Some(0)));
}

fn interrupted() {
    let (output, status) = Program::this("interrupted").end();
    assert_eq!((output.as_str(), status), ("fine\n", Some(0)));
}
