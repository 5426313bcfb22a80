//! [`Ledger`]: what jobs tell their executor by themselves.
//!
//! # Withdrawn jobs
//!
//! A job in a [`JobQueue`](super::JobQueue) leaves it in one of two ways, and one
//! operation on its word of state decides which: the queue takes it out, or somebody
//! withdraws it. In the second case it is counted here, after that operation and before
//! its task is done. A queue subtracts what was counted from what stands in it, so a
//! job whose cancellation has not returned may still count as waiting; one whose task
//! is done does not.
//!
//! # Admitted jobs
//!
//! [`try_admit`](Ledger::try_admit) adds one to a gauge unless it has reached its bound:
//! one compare-and-swap, and a refusal is one load. An admitted job leaves the gauge
//! exactly once, by itself: see `cell/place.rs`. The models in `queue/loom.rs` check
//! both.

use super::table;
use crate::job::Job;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

/// The counters that jobs keep of themselves, for one executor. Clones are handles of
/// the same ledger.
///
/// A job belongs to one ledger at a time: an executor gives the same to its queues and
/// to [`try_admit`](Self::try_admit).
#[derive(Clone)]
pub struct Ledger(Arc<Lease>);

struct Lease {
    number: u32,
}

impl Drop for Lease {
    fn drop(&mut self) {
        table::give_back(self.number);
    }
}

impl Ledger {
    /// A ledger in which nothing is counted yet.
    pub fn new() -> Self {
        let number = table::take();
        Self(Arc::new(Lease { number }))
    }

    /// Admits this job, unless there are as many as `most` already; never blocks.
    ///
    /// An executor with a bound on how many jobs may wait calls this first of all, with
    /// `most` as that bound plus the number of its workers: so a job waits only if each
    /// worker has one. The job leaves by itself, exactly once:
    ///
    /// * when it is cancelled, expires or is refused while it is queued;
    /// * else when it ends: after its done callbacks, which may hold up its worker, and
    ///   before its task counts as done, so that whoever waits for it finds its place
    ///   free. A job that a time limit has given up while its function goes on in this
    ///   process leaves when the function ends;
    /// * or earlier, when [`HeldJob::leave_ledger`](crate::HeldJob::leave_ledger) is
    ///   called. A job that is released to be run again keeps its place.
    pub fn try_admit(&self, job: &Job, most: usize) -> bool {
        if !count(self.number(), most) {
            return false;
        }
        if !job.admit(self.number()) {
            leave(self.number());
        }
        true
    }

    /// How many jobs have been admitted and have not left.
    pub fn admitted(&self) -> usize {
        table::block(self.number()).admitted.load(Acquire)
    }

    /// How many jobs were withdrawn from queues of this ledger.
    pub fn withdrawn(&self) -> usize {
        table::block(self.number()).withdrawn.load(Acquire)
    }

    pub(super) fn number(&self) -> u32 {
        self.0.number
    }

    /// A queue is gone that has taken so many husks out.
    pub(super) fn settle(&self, removed: usize) {
        let block = table::block(self.number());
        block.removed.fetch_add(removed, Release);
    }
}

impl Default for Ledger {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger")
            .field("withdrawn", &self.withdrawn())
            .field("admitted", &self.admitted())
            .finish()
    }
}

/// Adds one to the admitted jobs, unless there are as many as `most` already.
pub(super) fn count(number: u32, most: usize) -> bool {
    let gauge = &table::block(number).admitted;
    let mut now = gauge.load(Relaxed);
    while now < most {
        match gauge.compare_exchange_weak(now, now + 1, AcqRel, Relaxed) {
            Ok(_) => return true,
            Err(other) => now = other,
        }
    }
    false
}

/// A job was withdrawn that stood in a queue of the ledger with this number.
pub(crate) fn withdraw(number: u32) {
    table::block(number).withdrawn.fetch_add(1, Release);
}

/// A job is over that the ledger with this number has admitted.
pub(crate) fn leave(number: u32) {
    table::block(number).admitted.fetch_sub(1, Release);
}
