//! [`Inline`]: the executor that has no workers.

use crate::error::TaskError;
use crate::executor::Executor;
use crate::job::Job;
use crate::shutdown::{Shutdown, ShutdownReport};
use crate::task::Task;
use std::sync::atomic::{AtomicBool, Ordering};

/// Runs each job on the thread that submits it, before `submit` returns.
///
/// For tests, for debugging, and for programs that offer "no workers" as a
/// setting. It has no threads and no locks, so a forked child may go on using it. It is the one executor whose `submit` takes as long as the function
/// does: not for asynchronous code.
#[derive(Debug, Default)]
pub struct Inline {
    closed: AtomicBool,
}

impl Inline {
    /// An executor without workers.
    pub const fn new() -> Self {
        Self {
            closed: AtomicBool::new(false),
        }
    }
}

impl Executor for Inline {
    fn execute(&self, job: Job) {
        if self.closed.load(Ordering::Acquire) {
            job.fail(TaskError::rejected("the executor has been shut down"));
        } else {
            job.run();
        }
    }

    fn shutdown(&self, _how: Shutdown) -> Task<ShutdownReport> {
        self.closed.store(true, Ordering::Release);
        Task::ready("shutdown", Ok(ShutdownReport::default()))
    }

    fn concurrency(&self) -> usize {
        1
    }
}
