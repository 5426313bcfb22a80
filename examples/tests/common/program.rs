//! Running a program, but not for ever.

use std::fmt;
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// No program here needs more than a few seconds: one that does hangs.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A running program. It is killed when the test is over, however it ends.
pub struct Program {
    child: Child,
    stdout: Stream,
    stderr: Stream,
    deadline: Instant,
}

/// What a program printed, and how it ended.
pub struct Output {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

/// Runs `command` to its end.
pub fn run(command: &mut Command) -> Output {
    Program::start(command).finish()
}

impl Program {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
        Self {
            stdout: Stream::read(child.stdout.take().unwrap()),
            stderr: Stream::read(child.stderr.take().unwrap()),
            child,
            deadline: Instant::now() + DEADLINE,
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`, of the program alone.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks `question` until it has an answer.
    pub fn until<T>(&mut self, what: &str, mut question: impl FnMut() -> Option<T>) -> T {
        loop {
            if let Some(answer) = question() {
                return answer;
            }
            if Instant::now() > self.deadline {
                self.give_up(what);
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until it has ended, and its workers have: they hold the same pipes.
    pub fn finish(mut self) -> Output {
        let Some(stdout) = self.stdout.all(self.deadline) else {
            self.give_up("the end of stdout");
        };
        let Some(stderr) = self.stderr.all(self.deadline) else {
            self.give_up("the end of stderr");
        };
        // It has closed its output, and has nothing left to wait for but itself.
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None if Instant::now() > self.deadline => self.give_up("its end"),
                None => thread::sleep(Duration::from_millis(5)),
            }
        };
        Output {
            status,
            stdout,
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
        }
    }

    fn give_up(&mut self, what: &str) -> ! {
        let (stdout, stderr) = (self.stdout.text(), self.stderr.text());
        panic!("waited too long for {what}\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stdout = String::from_utf8_lossy(&self.stdout);
        let (status, stderr) = (self.status, &self.stderr);
        write!(
            f,
            "{status}\n--- stdout\n{stdout}\n--- stderr\n{stderr}\n---"
        )
    }
}

/// One of the two outputs, read by a thread so that the program never blocks.
struct Stream {
    chunks: Receiver<Vec<u8>>,
    seen: Vec<u8>,
}

impl Stream {
    fn read(mut pipe: impl Read + Send + 'static) -> Self {
        let (sender, chunks) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(length @ 1..) = pipe.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        let seen = Vec::new();
        Self { chunks, seen }
    }

    /// All that comes until the end; `None` if that is not before the deadline.
    fn all(&mut self, deadline: Instant) -> Option<Vec<u8>> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.chunks.recv_timeout(left) {
                Ok(chunk) => self.seen.extend(chunk),
                Err(RecvTimeoutError::Disconnected) => return Some(std::mem::take(&mut self.seen)),
                Err(RecvTimeoutError::Timeout) => return None,
            }
        }
    }

    fn text(&mut self) -> String {
        self.seen.extend(self.chunks.try_iter().flatten());
        String::from_utf8_lossy(&self.seen).into_owned()
    }
}
