//! Jobs that wait: the queue, and the ledger that counts what nobody tells the queue.
//!
//! For those who write executors. A job is cancelled, or expires, without its executor
//! having a part in it: its argument is dropped at once, and what stays in the queue is
//! a *husk*, two words and a small allocation. Three things follow, which each executor
//! would otherwise have to see to:
//!
//! * **The count is exact.** A job tells the [`Ledger`] of its queue when it is
//!   withdrawn, before its task counts as done. So a [`JobQueue`] knows how many of its
//!   jobs wait without looking at them, and cancelling jobs of one executor costs no
//!   other anything.
//! * **Husks do not pile up.** A queue that has grown to twice its last length is swept,
//!   in steps of [`STEP`] jobs, so that no call looks at more of them under the
//!   executor's lock.
//! * **Husks are dropped elsewhere.** The last reference of a job may report an error
//!   that nobody looked at, through the program's `tracing` subscriber, and so run any
//!   code. What a queue takes out it hands over as [`Husks`], to be dropped when the
//!   executor's lock is not held.
//!
//! A ledger can also bound how many jobs are there, waiting or running:
//! [`Ledger::try_admit`].
//!
//! ```
//! use executor_core::queue::{Husks, JobQueue, Ledger, Next};
//! use executor_core::{Job, JobOptions};
//!
//! let mut queue = JobQueue::new(Ledger::new());
//! let mut husks = Husks::new(); // declared before a lock is taken, so dropped after it
//! let (job, first) = Job::from_closure(|| 1, JobOptions::default());
//! queue.push_back(job);
//! let (job, second) = Job::from_closure(|| 2, JobOptions::default());
//! queue.push_back(job);
//! first.cancel();
//! assert_eq!(queue.waiting(), 1);
//! if let Next::Job(job) = queue.begin_next(&mut husks) {
//!     job.run_with(|| (), || ());
//! }
//! assert_eq!(second.wait().unwrap(), 2);
//! ```

mod job_queue;
pub(crate) mod ledger;
mod line;
#[cfg(all(test, loom))]
mod loom;
mod table;

pub use self::job_queue::{JobQueue, Next};
pub use self::ledger::Ledger;

use crate::job::AnyJob;
use crate::panic::discard;
use std::fmt;
use std::sync::Arc;

/// The most jobs that one call of a [`JobQueue`] looks at.
pub const STEP: usize = 256;

/// What is left of jobs that were withdrawn. To drop it may run code that is not ours.
#[derive(Default)]
#[must_use = "it is to be dropped when no lock is held"]
pub struct Husks(Vec<Arc<dyn AnyJob>>);

impl Husks {
    /// None so far.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn add(&mut self, husk: Arc<dyn AnyJob>) {
        self.0.push(husk);
    }

    #[cold]
    fn bury(&mut self) {
        // A panic in one of them harms no other.
        self.0.drain(..).for_each(discard);
    }
}

impl Drop for Husks {
    #[inline]
    fn drop(&mut self) {
        if !self.0.is_empty() {
            self.bury();
        }
    }
}

impl fmt::Debug for Husks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Husks").field(&self.0.len()).finish()
    }
}
