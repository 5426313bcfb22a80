//! The process of one worker: killing it, and learning how it ended.
//!
//! One watcher thread waits for the exit without reaping, so that the pid stays
//! ours until `kill` can no longer be called with it: killing and reaping share
//! a lock, and no signal ever reaches a stranger who was given the same pid.

use executor_core::WorkerExit;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ExitStatus};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(crate) struct Process {
    pid: u32,
    child: Mutex<Child>,
    exit: Mutex<Option<WorkerExit>>,
    exited: Condvar,
}

impl Process {
    pub(crate) fn new(child: Child) -> Self {
        Self {
            pid: child.id(),
            child: Mutex::new(child),
            exit: Mutex::new(None),
            exited: Condvar::new(),
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Sends SIGKILL, unless it is known to have ended.
    pub(crate) fn kill(&self) {
        // An error means that it ended just now.
        let _ = self.child().kill();
    }

    /// Waits for the end of the process, reaps it, and tells those who wait.
    /// Called once, on a thread of its own.
    pub(crate) fn watch(&self) {
        let pid = Pid::from_raw(self.pid as i32);
        if let Some(pid) = pid {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            // Any other error means that somebody else reaps our children; what
            // there is to learn, `Child::wait` will say.
            while waitid(WaitId::Pid(pid), options).is_err_and(|e| e == rustix::io::Errno::INTR) {}
        }
        let exit = match self.child().wait() {
            Ok(status) => describe(status),
            Err(_) => WorkerExit::Unknown,
        };
        *self.exit_slot() = Some(exit);
        self.exited.notify_all();
    }

    /// How the process ended, if it has.
    pub(crate) fn exit(&self) -> Option<WorkerExit> {
        *self.exit_slot()
    }

    /// Waits for the end; `None` if `limit` passes first.
    pub(crate) fn wait(&self, limit: Duration) -> Option<WorkerExit> {
        let deadline = Instant::now() + limit;
        let mut exit = self.exit_slot();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if exit.is_some() || left.is_zero() {
                return *exit;
            }
            let waited = self.exited.wait_timeout(exit, left);
            exit = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Kills it and waits for its end, which nothing can refuse.
    pub(crate) fn end(&self) -> WorkerExit {
        self.kill();
        let mut exit = self.exit_slot();
        loop {
            match *exit {
                Some(exit) => return exit,
                None => {
                    let waited = self.exited.wait(exit);
                    exit = waited.unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn exit_slot(&self) -> MutexGuard<'_, Option<WorkerExit>> {
        self.exit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn describe(status: ExitStatus) -> WorkerExit {
    match (status.code(), status.signal()) {
        (Some(code), _) => WorkerExit::Code(code),
        (None, Some(signal)) => WorkerExit::Signal(signal),
        (None, None) => WorkerExit::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;
    use std::sync::Arc;

    const DEADLINE: Duration = Duration::from_secs(60);

    fn start(program: &str, argument: &str) -> Arc<Process> {
        let child = Command::new(program).arg(argument).spawn().unwrap();
        let process = Arc::new(Process::new(child));
        let watched = process.clone();
        std::thread::spawn(move || watched.watch());
        process
    }

    #[test]
    fn an_exit_code_and_a_signal_are_told_apart() {
        assert_eq!(start("false", "").wait(DEADLINE), Some(WorkerExit::Code(1)));
        let sleeper = start("sleep", "1000");
        assert_eq!(sleeper.exit(), None);
        assert_eq!(sleeper.end(), WorkerExit::Signal(9));
        sleeper.kill();
        assert_eq!(sleeper.wait(DEADLINE), Some(WorkerExit::Signal(9)));
    }
}
