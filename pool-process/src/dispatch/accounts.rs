//! Keeping account of jobs: how many came to which end, and what a shutdown
//! cancels.

use super::Dispatch;
use crate::flight::Flight;
use executor_core::{Job, ShutdownMode, TaskError};

/// Why jobs are cancelled then.
const SHUT_DOWN: &str = "its pool was shut down";

impl Dispatch {
    /// Cancels jobs because the pool is being shut down, and counts them.
    pub(crate) fn cancel_all(&self, jobs: impl IntoIterator<Item = Job>) {
        let cancel = |job: Job| usize::from(job.cancel(SHUT_DOWN));
        let cancelled = jobs.into_iter().map(cancel).sum();
        self.count(0, cancelled);
    }

    /// Takes back what has not begun and cancels it, if the pool is being shut
    /// down that way.
    pub(crate) fn cancel_if_ending(&self, flight: &Flight) {
        if self.mode() >= Some(ShutdownMode::CancelPending) {
            let jobs = flight.take_back_all();
            let cancelled = jobs.len();
            // Counted first: the report is made when the last seat is given up.
            self.count(0, cancelled);
            for job in jobs {
                job.fail(TaskError::cancelled(SHUT_DOWN));
            }
        }
    }

    /// A job was resolved by a worker. For the report.
    pub(crate) fn count(&self, finished: usize, cancelled: usize) {
        if let Some(ending) = &mut self.lock().ending {
            ending.report.finished += finished;
            ending.report.cancelled += cancelled;
        }
    }

    /// True if the pool is ending and nothing waits.
    pub(crate) fn is_finished(&self) -> bool {
        let state = self.lock();
        state.ending.is_some() && state.queue.is_empty()
    }

    /// How the pool is ending, if it is.
    pub(crate) fn mode(&self) -> Option<ShutdownMode> {
        self.lock().mode()
    }
}
