//! The process of one worker: killing it, and learning how it ended.
//!
//! A kill is an order, not a wait. The kernel announces the end of a process through a
//! descriptor that belongs to it (a pidfd), on which the supervisor waits together with
//! everything else; it then [`reap`](Process::reap)s the process. Killing and reaping
//! share a lock, so that no signal ever reaches a stranger who was given the same pid.
//!
//! Each worker leads a process group of its own. So an interrupt at the terminal
//! reaches the program alone, which can then drain; and what a worker has
//! started itself can be killed with it.

use crate::stderr::Tail;
use executor_core::WorkerExit;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, pidfd_send_signal};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ExitStatus};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(crate) struct Process {
    pid: u32,
    /// Whether its whole group goes with it.
    tree: bool,
    child: Mutex<Child>,
    /// Becomes readable when the process has ended.
    pidfd: OwnedFd,
    exit: Mutex<Option<WorkerExit>>,
    exited: Condvar,
    /// When this pool first killed it.
    killed: OnceLock<Instant>,
    /// What this pool killed it for, if it has misbehaved.
    misbehaved: OnceLock<&'static str>,
    pub(crate) stderr: Tail,
}

impl Process {
    /// Takes charge of a process that was just started.
    ///
    /// # Errors
    /// The system has no descriptor for it; it is killed and reaped then.
    pub(crate) fn new(mut child: Child, tree: bool) -> io::Result<Self> {
        let pid = child.id();
        let raw = Pid::from_child(&child);
        // Not reaped yet, so the number is still that of this process.
        let pidfd = match pidfd_open(raw, PidfdFlags::empty()) {
            Ok(pidfd) => pidfd,
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(error.into());
            }
        };
        Ok(Self {
            pid,
            tree,
            child: Mutex::new(child),
            pidfd,
            exit: Mutex::new(None),
            exited: Condvar::new(),
            killed: OnceLock::new(),
            misbehaved: OnceLock::new(),
            stderr: Tail::default(),
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Sends SIGKILL, unless it is known to have ended.
    pub(crate) fn kill(&self) {
        let _child = self.child();
        if self.exit().is_some() {
            return;
        }
        let _ = self.killed.set(Instant::now());
        self.kill_group();
        // Not by its number, which may be a stranger's where the program reaps our children
        // itself. An error means that it ended just now.
        let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
    }

    /// Kills it, since it has misbehaved in this way.
    pub(crate) fn kill_for(&self, what: &'static str) {
        let _ = self.misbehaved.set(what);
        self.kill();
    }

    /// What this pool killed it for, if it has misbehaved.
    pub(crate) fn misbehaved(&self) -> Option<&'static str> {
        self.misbehaved.get().copied()
    }

    /// When this pool killed it, if it did.
    pub(crate) fn killed_at(&self) -> Option<Instant> {
        self.killed.get().copied()
    }

    fn kill_group(&self) {
        if self.tree
            && let Some(group) = Pid::from_raw(self.pid as i32)
        {
            // An error means that nobody is left in it.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    /// Reaps the process if it has ended, and tells those who wait. Never blocks.
    pub(crate) fn reap(&self) -> Option<WorkerExit> {
        let mut child = self.child();
        if let Some(exit) = self.exit() {
            return Some(exit);
        }
        if self.tree && self.has_ended() {
            // Until it is reaped, the number of its group belongs to nobody else.
            self.kill_group();
        }
        let exit = match child.try_wait() {
            Ok(Some(status)) => describe(status),
            Ok(None) => return None,
            // Somebody else reaps our children.
            Err(_) if self.has_ended() => WorkerExit::Unknown,
            Err(_) => return None,
        };
        *self.exit_slot() = Some(exit);
        drop(child);
        self.exited.notify_all();
        Some(exit)
    }

    /// Whether the kernel says that it has ended.
    fn has_ended(&self) -> bool {
        let mut polled = [rustix::event::PollFd::new(
            &self.pidfd,
            rustix::event::PollFlags::IN,
        )];
        let now = rustix::time::Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        rustix::event::poll(&mut polled, Some(&now)).is_ok_and(|ready| ready > 0)
    }

    /// How the process ended, if it was reaped.
    pub(crate) fn exit(&self) -> Option<WorkerExit> {
        *self.exit_slot()
    }

    /// Waits until it was reaped; `None` if `limit` passes first.
    pub(crate) fn wait(&self, limit: Duration) -> Option<WorkerExit> {
        let deadline = Instant::now().checked_add(limit);
        let mut exit = self.exit_slot();
        loop {
            let left = deadline.map_or(Duration::MAX, |at| {
                at.saturating_duration_since(Instant::now())
            });
            if exit.is_some() || left.is_zero() {
                return *exit;
            }
            let waited = self.exited.wait_timeout(exit, left);
            exit = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Whether it has been stopped, by SIGSTOP or the like.
    pub(crate) fn is_stopped(&self) -> bool {
        state_in(&format!("/proc/{}/stat", self.pid)) == Some(b'T')
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
}

impl AsFd for Process {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

/// The letter of the state of the process or thread that this `stat` file of procfs is
/// about, as in proc_pid_stat(5). `None` if the system does not tell.
pub(crate) fn state_in(path: &str) -> Option<u8> {
    let stat = std::fs::read(path).ok()?;
    // The name before the state may hold any bytes, also parentheses.
    let end_of_name = stat.windows(2).rposition(|two| two == b") ")?;
    stat.get(end_of_name + 2).copied()
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

    const DEADLINE: Duration = Duration::from_secs(60);

    fn start(program: &str, argument: &str) -> Process {
        let child = Command::new(program).arg(argument).spawn().unwrap();
        Process::new(child, false).unwrap()
    }

    fn end(process: &Process) -> WorkerExit {
        let since = Instant::now();
        loop {
            if let Some(exit) = process.reap() {
                return exit;
            }
            assert!(since.elapsed() < DEADLINE, "it does not end");
            std::thread::yield_now();
        }
    }

    #[test]
    fn an_exit_code_and_a_signal_are_told_apart() {
        assert_eq!(end(&start("false", "")), WorkerExit::Code(1));
        let sleeper = start("sleep", "1000");
        assert_eq!((sleeper.exit(), sleeper.killed_at()), (None, None));
        assert!(sleeper.resident().is_some_and(|bytes| bytes > 1000));
        sleeper.kill();
        assert!(sleeper.killed_at().is_some());
        assert_eq!(end(&sleeper), WorkerExit::Signal(9));
        sleeper.kill();
        assert_eq!(sleeper.wait(Duration::MAX), Some(WorkerExit::Signal(9)));
    }

    /// The kernel cuts a name off after 15 bytes, which may be in the midst of a letter.
    #[test]
    fn the_state_is_found_behind_any_name() {
        for name in ["plain", ") S 1 (", "fourteen bytes\u{e4}"] {
            let look = || {
                let thread = rustix::thread::gettid();
                state_in(&format!("/proc/self/task/{thread}/stat"))
            };
            let builder = std::thread::Builder::new().name(name.to_owned());
            let state = builder.spawn(look).unwrap().join().unwrap();
            assert_eq!(state, Some(b'R'), "{name}");
        }
    }

    #[test]
    fn a_process_that_runs_is_not_waited_for() {
        let sleeper = start("sleep", "1000");
        assert_eq!((sleeper.reap(), sleeper.wait(Duration::ZERO)), (None, None));
        sleeper.kill();
        end(&sleeper);
    }
}
