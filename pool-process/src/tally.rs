//! [`Tally`]: how many jobs of a pool have come to their end, for the reports of shutdowns.
//!
//! A job counts here once, by whoever ends it. Those that were withdrawn while they were
//! queued count in the [`Ledger`](executor_core::queue::Ledger), by themselves.

use std::ops::Sub;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

#[derive(Debug, Default)]
pub(crate) struct Tally {
    finished: AtomicUsize,
    cancelled: AtomicUsize,
}

/// What it shows at some moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Came to their end, well or badly.
    pub(crate) finished: usize,
    pub(crate) cancelled: usize,
}

impl Tally {
    pub(crate) fn finish(&self, jobs: usize) {
        self.finished.fetch_add(jobs, Relaxed);
    }

    pub(crate) fn cancel(&self, jobs: usize) {
        self.cancelled.fetch_add(jobs, Relaxed);
    }

    pub(crate) fn now(&self) -> Counts {
        Counts {
            finished: self.finished.load(Relaxed),
            cancelled: self.cancelled.load(Relaxed),
        }
    }
}

impl Sub for Counts {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            finished: self.finished.saturating_sub(before.finished),
            cancelled: self.cancelled.saturating_sub(before.cancelled),
        }
    }
}
