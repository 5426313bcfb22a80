//! What a worker does while the job it runs waits for another job of its pool:
//! it runs that one, if it is still queued.
//!
//! So jobs may submit jobs and wait for them, however few workers there are. It
//! runs no other job: that one might need a lock which the waiting one holds, and
//! a wait that would have ended would then not.

use crate::bell::Bell;
use crate::intake::Both;
use crate::shared::Shared;
use executor_core::current::Helper;
use executor_core::queue::Husks;
use executor_core::{TaskError, TaskId};
use std::sync::Arc;

/// How many jobs may be at work on one thread, each waiting for the next: their
/// frames share its stack.
const DEPTH: usize = 64;

/// The worker at this seat, seen from the job that it runs.
pub(crate) struct Meanwhile {
    shared: Arc<Shared>,
    seat: usize,
    bell: Arc<Bell>,
}

impl Meanwhile {
    pub(crate) fn new(shared: Arc<Shared>, seat: usize, bell: Arc<Bell>) -> Self {
        Self { shared, seat, bell }
    }

    /// Too many wait here already: another worker has to run it, if there is one.
    fn leave_it(&self, both: &Both<'_>, id: TaskId) -> Result<bool, TaskError> {
        let all = self.shared.settings.max_workers;
        let seats = &both.intake.seats;
        let none_free = seats.taken() >= all && !seats.any_idle() && seats.coming() == 0;
        if none_free && both.has(id) {
            return Err(TaskError::would_deadlock(format!(
                "all {all} workers of the pool `{}` are busy, and on this one {DEPTH} jobs \
                 already wait for each other",
                self.shared.settings.name
            )));
        }
        Ok(false)
    }
}

impl Helper for Meanwhile {
    fn others_may_come(&self) -> bool {
        if self.shared.made.is_foreign() {
            return false;
        }
        let both = self.shared.lock();
        let seats = &both.intake.seats;
        seats.taken() < self.shared.settings.max_workers
            || seats.any_idle()
            || seats.coming() > 0
            || both.dispatch.others_work(self.seat)
    }

    fn set_waiting(&self, waiting: bool) {
        self.bell.set_waiting(waiting);
    }

    fn run_queued(&self, id: TaskId) -> Result<bool, TaskError> {
        if self.shared.made.is_foreign() {
            return Ok(false);
        }
        let mut husks = Husks::new();
        let mut both = self.shared.lock();
        if both.dispatch.depth(self.seat) >= DEPTH {
            return self.leave_it(&both, id);
        }
        let Some(job) = both.begin_task(id, &mut husks) else {
            return Ok(false);
        };
        if let Some(running) = both.dispatch.at(self.seat) {
            running.meanwhile.push(job.owned_name());
        }
        drop(both);
        drop(husks);
        // It takes no worker from the others.
        job.leave_ledger();
        job.run_with(|| (), || ());
        let mut both = self.shared.lock();
        if let Some(running) = both.dispatch.at(self.seat) {
            running.meanwhile.pop();
        }
        both.dispatch.count_finished(1);
        let settled = both.settle();
        drop(both);
        settled.carry_out();
        Ok(true)
    }
}
