//! The process of one worker: killing it, and learning how it ended.
//!
//! One watcher thread waits for the exit without reaping, so that the pid stays
//! ours until `kill` can no longer be called with it: killing and reaping share
//! a lock, and no signal ever reaches a stranger who was given the same pid.
//! Each worker leads a process group of its own. So an interrupt at the terminal
//! reaches the program alone, which can then drain; and what a worker has
//! started itself can be killed with it.

use crate::stderr::Tail;
use executor_core::{DeathCause, WorkerExit};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ExitStatus};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(crate) struct Process {
    pid: u32,
    /// Whether its whole group goes with it.
    tree: bool,
    child: Mutex<Child>,
    exit: Mutex<Option<WorkerExit>>,
    exited: Condvar,
    /// Why this pool killed it, if that is to be told.
    reason: Mutex<Option<DeathCause>>,
    pub(crate) stderr: Tail,
}

impl Process {
    pub(crate) fn new(child: Child, tree: bool) -> Self {
        Self {
            pid: child.id(),
            tree,
            child: Mutex::new(child),
            exit: Mutex::new(None),
            exited: Condvar::new(),
            reason: Mutex::new(None),
            stderr: Tail::default(),
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    fn raw(&self) -> Option<Pid> {
        Pid::from_raw(self.pid as i32)
    }

    /// Sends SIGKILL, unless it is known to have ended.
    pub(crate) fn kill(&self) {
        let mut child = self.child();
        if self.exit().is_some() {
            return;
        }
        self.kill_group();
        // An error means that it ended just now.
        let _ = child.kill();
    }

    /// Kills it, and notes why.
    pub(crate) fn kill_for(&self, cause: DeathCause) {
        self.reason().get_or_insert(cause);
        self.kill();
    }

    /// Why this pool killed it, if it did and that is to be told.
    pub(crate) fn killed_for(&self) -> Option<DeathCause> {
        *self.reason()
    }

    fn kill_group(&self) {
        if self.tree
            && let Some(group) = self.raw()
        {
            // An error means that nobody is left in it.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    /// Waits for the end of the process, reaps it, and tells those who wait.
    /// Called once, on a thread of its own.
    pub(crate) fn watch(&self) {
        if let Some(pid) = self.raw() {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            // Any other error means that somebody else reaps our children; what
            // there is to learn, `Child::wait` will say.
            while waitid(WaitId::Pid(pid), options).is_err_and(|e| e == rustix::io::Errno::INTR) {}
        }
        let mut child = self.child();
        // Until it is reaped, the number of its group belongs to nobody else.
        self.kill_group();
        let exit = match child.wait() {
            Ok(status) => describe(status),
            Err(_) => WorkerExit::Unknown,
        };
        *self.exit_slot() = Some(exit);
        drop(child);
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

    /// Whether it has been stopped, by SIGSTOP or the like.
    pub(crate) fn is_stopped(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid));
        // The name before the state may hold anything, also parentheses.
        stat.is_ok_and(|stat| {
            let after_name = stat.rsplit_once(") ").map(|(_, rest)| rest);
            after_name.is_some_and(|rest| rest.starts_with('T'))
        })
    }

    /// Its resident memory in bytes, where the system tells.
    pub(crate) fn resident(&self) -> Option<u64> {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.pid)).ok()?;
        let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
        Some(pages * rustix::param::page_size() as u64)
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn exit_slot(&self) -> MutexGuard<'_, Option<WorkerExit>> {
        self.exit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reason(&self) -> MutexGuard<'_, Option<DeathCause>> {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner)
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
        let process = Arc::new(Process::new(child, false));
        let watched = process.clone();
        std::thread::spawn(move || watched.watch());
        process
    }

    #[test]
    fn an_exit_code_and_a_signal_are_told_apart() {
        assert_eq!(start("false", "").wait(DEADLINE), Some(WorkerExit::Code(1)));
        let sleeper = start("sleep", "1000");
        assert_eq!(sleeper.exit(), None);
        assert!(sleeper.resident().is_some_and(|bytes| bytes > 1000));
        assert_eq!(sleeper.end(), WorkerExit::Signal(9));
        sleeper.kill();
        assert_eq!(sleeper.wait(DEADLINE), Some(WorkerExit::Signal(9)));
    }
}
