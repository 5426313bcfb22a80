//! Which workers may start, and what becomes of jobs when they do not.

use super::{Dispatch, announce};
use crate::boot::BootError;
use crate::config::MAX_BOOTS;
use crate::seat::Seat;
use executor_core::{Job, Promise, TaskError};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

impl Dispatch {
    /// A worker has proved to be of use.
    pub(crate) fn proved(&self) {
        self.lock().failures = 0;
    }

    /// A worker has failed to start. Gives the number of failures in a row; or,
    /// if the seat is given up for now, `None`.
    pub(crate) fn failed_to_boot(&self, seat: &Arc<Seat>, error: &BootError) -> Option<u32> {
        let mut state = self.lock();
        state.failures += 1;
        let failures = state.failures;
        if state.queue.is_empty() || failures >= error.most_in_a_row() {
            let others_work = state.seats.iter().any(|seat| seat.flight().is_some());
            let jobs = match others_work {
                true => VecDeque::new(),
                false => std::mem::take(&mut state.queue),
            };
            state.failures = 0;
            let warming = std::mem::take(&mut state.warming);
            let over = state.remove(seat);
            drop(state);
            // The jobs first: who waits for the end of the pool finds them done.
            let message = format!("its workers do not start, after {failures} attempts");
            fail_all(jobs, &message, &error.to_string());
            fail_warming(warming, &error.to_string());
            announce(over);
            return None;
        }
        Some(failures)
    }

    /// Gives the seat up for good; if it was the last, what waits fails.
    pub(crate) fn abandon(&self, seat: &Arc<Seat>, cause: &str) {
        let mut state = self.lock();
        let jobs = match state.seats.len() {
            0 | 1 => std::mem::take(&mut state.queue),
            _ => VecDeque::new(),
        };
        let warming = std::mem::take(&mut state.warming);
        let over = state.remove(seat);
        drop(state);
        fail_all(jobs, "it has no worker left", cause);
        fail_warming(warming, cause);
        announce(over);
    }

    /// Seats for those workers that are still missing, whose supervisors are to
    /// be started, for somebody who waits until all are there.
    pub(crate) fn warm_up(&self, promise: Promise<()>) -> Vec<Arc<Seat>> {
        let mut state = self.lock();
        if state.ending.is_some() {
            drop(state);
            let error = TaskError::rejected("the process pool has been shut down");
            promise.resolve(Err(error));
            return Vec::new();
        }
        let missing = self.config.max_workers - state.seats.len();
        let seats = (0..missing).map(|_| state.add_seat()).collect();
        state.warming.push(promise);
        drop(state);
        self.warmed();
        seats
    }

    /// A worker has become ready: tells those who wait, if it was the last.
    pub(crate) fn warmed(&self) {
        let mut state = self.lock();
        let all = state.seats.len() == self.config.max_workers
            && state.seats.iter().all(|seat| seat.flight().is_some());
        let warming = match all {
            true => std::mem::take(&mut state.warming),
            false => Vec::new(),
        };
        drop(state);
        for promise in warming {
            promise.resolve(Ok(()));
        }
    }

    /// Waits for permission to start a worker.
    pub(crate) fn boot_slot(&self) -> BootSlot {
        let mut open = self.boots.lock();
        while *open >= MAX_BOOTS {
            let waited = self.boots.freed.wait(open);
            open = waited.unwrap_or_else(PoisonError::into_inner);
        }
        *open += 1;
        BootSlot(self.boots.clone())
    }

    /// Permission to start a worker, if it can be had at once.
    pub(crate) fn try_boot_slot(&self) -> Option<BootSlot> {
        let mut open = self.boots.lock();
        if *open >= MAX_BOOTS {
            return None;
        }
        *open += 1;
        Some(BootSlot(self.boots.clone()))
    }
}

/// How many workers are starting.
#[derive(Debug, Default)]
pub(super) struct Boots {
    open: Mutex<usize>,
    freed: Condvar,
}

impl Boots {
    fn lock(&self) -> MutexGuard<'_, usize> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The permission to start a worker.
#[derive(Debug)]
pub(crate) struct BootSlot(Arc<Boots>);

impl Drop for BootSlot {
    fn drop(&mut self) {
        *self.0.lock() -= 1;
        self.0.freed.notify_one();
    }
}

/// Fails those who wait for all workers, of which one does not start.
fn fail_warming(warming: Vec<Promise<()>>, cause: &str) {
    for promise in warming {
        promise.resolve(Err(TaskError::pool_broken("a worker did not start", cause)));
    }
}

/// Fails jobs for which there will be no worker; each gets its own error.
pub(crate) fn fail_all(jobs: impl IntoIterator<Item = Job>, message: &str, cause: &str) {
    for job in jobs {
        job.fail(TaskError::pool_broken(message, cause));
    }
}
