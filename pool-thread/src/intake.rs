//! [`Intake`]: what submits touch, and [`Both`]: the whole pool, under both locks.

use crate::closing::Closing;
use crate::dispatch::Dispatch;
use crate::queue::JobQueue;
use crate::seats::Seats;
use crate::shared::{Call, Settings};
use executor_core::{HeldJob, Job, TaskId};
use std::collections::VecDeque;
use std::sync::MutexGuard;
use std::time::Instant;

/// The submits' side of the pool.
#[derive(Default)]
pub(crate) struct Intake {
    /// The jobs that came last.
    pub(crate) queue: JobQueue,
    /// How many were moved to the dispatch last: there cannot be more.
    moved: usize,
    pub(crate) seats: Seats,
    pub(crate) closing: Option<Closing>,
    /// Somebody will look for overdue workers.
    pub(crate) watched: bool,
    /// No thread is started before, since the system had none to give.
    pub(crate) start_again: Option<Instant>,
}

/// The whole pool, under both locks.
pub(crate) struct Both<'a> {
    pub(crate) dispatch: MutexGuard<'a, Dispatch>,
    pub(crate) intake: MutexGuard<'a, Intake>,
}

impl Intake {
    /// Whether a job has only to be put to the others: there is room for it, and
    /// nobody to be called.
    pub(crate) fn is_busy(&self, settings: &Settings) -> bool {
        let waiting = || self.queue.len() + self.moved;
        !self.seats.any_idle()
            && self.seats.taken() >= settings.max_workers
            && self.closing.is_none()
            && !self.queue.is_long()
            && settings.max_queued.is_none_or(|bound| waiting() < bound)
    }
}

impl Both<'_> {
    pub(crate) fn admit(&mut self, settings: &Settings) -> Result<(), String> {
        let name = &settings.name;
        if self.intake.closing.is_some() {
            return Err(format!("the pool `{name}` has been shut down"));
        }
        let Some(bound) = settings.max_queued else {
            return Ok(());
        };
        // Those that a worker is free for do not count as waiting.
        let free = settings.max_workers.saturating_sub(self.dispatch.busy());
        let full = |len| len >= bound.saturating_add(free);
        if full(self.len()) && full(self.live()) {
            return Err(format!(
                "the queue of the pool `{name}` is full (max_queued is {bound})"
            ));
        }
        Ok(())
    }

    /// Sends for a worker, if the jobs in the queue need one more.
    pub(crate) fn call(&mut self, max_workers: usize) -> Call {
        let seats = &self.intake.seats;
        if !seats.any_idle() && seats.taken() >= max_workers {
            return Call::Nobody;
        }
        let (len, coming) = (self.len(), seats.coming());
        if len <= coming {
            return Call::Nobody;
        }
        let (expected, any_idle) = (coming + seats.returning(), seats.any_idle());
        // Starting a thread is dear: not for jobs that were cancelled.
        if len <= expected || !any_idle && self.live() <= expected {
            return match self.len() > coming && !self.intake.watched {
                true => Call::Watch,
                false => Call::Nobody,
            };
        }
        let intake = &mut *self.intake;
        if let Some(bell) = intake.seats.wake() {
            return Call::Wake(bell);
        }
        let pausing = intake.start_again.is_some_and(|at| Instant::now() < at);
        if intake.seats.taken() > 0 && pausing {
            return Call::Nobody;
        }
        let (seat, bell) = intake.seats.take();
        self.dispatch.hang(seat, bell.clone());
        Call::Start(seat, bell)
    }

    /// The job whose turn it is, with its number; the worker at this seat begins
    /// it.
    pub(crate) fn begin(&mut self, seat: usize) -> Option<(HeldJob, u64)> {
        if let Some(next) = self.dispatch.begin(seat) {
            return Some(next);
        }
        self.dispatch.queue.take_over(&mut self.intake.queue);
        self.intake.moved = self.dispatch.queue.len();
        self.dispatch.begin(seat)
    }

    /// How many jobs wait, and perhaps some that were cancelled.
    fn len(&self) -> usize {
        self.dispatch.queue.len() + self.intake.queue.len()
    }

    /// How many jobs wait that are not cancelled.
    pub(crate) fn live(&mut self) -> usize {
        self.dispatch.queue.live() + self.intake.queue.live()
    }

    pub(crate) fn sweep(&mut self) {
        // In proportion to what has come since.
        if self.intake.queue.len() >= self.dispatch.queue.len() {
            self.dispatch.queue.live();
        }
        self.intake.queue.sweep();
    }

    /// How many cancelled jobs have been taken out so far.
    pub(crate) fn removed(&self) -> usize {
        self.dispatch.queue.removed() + self.intake.queue.removed()
    }

    /// The job of this task, out of its turn, if it waits here. What is asked for
    /// came late as a rule, so it is looked for from the end.
    pub(crate) fn pop_task(&mut self, id: TaskId) -> Option<HeldJob> {
        let late = self.intake.queue.pop_task(id);
        late.or_else(|| self.dispatch.queue.pop_task(id))
    }

    pub(crate) fn has(&self, id: TaskId) -> bool {
        self.intake.queue.has(id) || self.dispatch.queue.has(id)
    }

    /// Takes out everything that waits.
    pub(crate) fn take_all(&mut self) -> VecDeque<Job> {
        let mut all = self.dispatch.queue.take_all();
        all.append(&mut self.intake.queue.take_all());
        all
    }
}
