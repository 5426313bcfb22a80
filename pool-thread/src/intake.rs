//! [`Intake`]: what submits touch, and [`Both`]: the whole pool, under both locks.

use crate::closing::Closing;
use crate::dispatch::Dispatch;
use crate::seats::Seats;
use crate::shared::{Call, Settings};
use executor_core::queue::{Husks, JobQueue, Ledger, Next, STEP};
use executor_core::{HeldJob, Job, TaskId};
use std::sync::MutexGuard;
use std::time::Instant;

/// The submits' side of the pool.
pub(crate) struct Intake {
    /// The jobs that came last.
    pub(crate) queue: JobQueue,
    pub(crate) seats: Seats,
    pub(crate) closing: Option<Closing>,
    /// How many are taking jobs out of the queue, to resolve them: the pool's end waits
    /// for them.
    pub(crate) clearing: usize,
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
    pub(crate) fn new(ledger: Ledger) -> Self {
        Self {
            queue: JobQueue::new(ledger),
            seats: Seats::default(),
            closing: None,
            clearing: 0,
            watched: false,
            start_again: None,
        }
    }

    /// Whether a job has only to be put to the others: nobody is to be called, and
    /// nothing to be tidied up.
    pub(crate) fn is_busy(&self, settings: &Settings) -> bool {
        !self.seats.any_idle()
            && self.seats.taken() >= settings.max_workers
            && self.closing.is_none()
            && !self.queue.is_crowded()
    }
}

impl Both<'_> {
    /// Sends for a worker, if the jobs in the queue need one more.
    pub(crate) fn call(&mut self, max_workers: usize) -> Call {
        let seats = &self.intake.seats;
        if !seats.any_idle() && seats.taken() >= max_workers {
            return Call::Nobody;
        }
        let (waiting, coming) = (self.waiting(), seats.coming());
        if waiting <= coming {
            return Call::Nobody;
        }
        if waiting <= coming + seats.returning() {
            return match self.intake.watched {
                true => Call::Nobody,
                false => Call::Watch,
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
    pub(crate) fn begin(&mut self, seat: usize, husks: &mut Husks) -> Next<(HeldJob, u64)> {
        match self.dispatch.begin(seat, husks) {
            Next::Empty if !self.dispatch.stopped => {
                self.dispatch.queue.take_over(&mut self.intake.queue);
                self.dispatch.begin(seat, husks)
            }
            next => next,
        }
    }

    /// How many jobs wait that are not cancelled.
    pub(crate) fn waiting(&self) -> usize {
        JobQueue::waiting_in([&self.dispatch.queue, &self.intake.queue])
    }

    /// Whether nothing waits, although husks may be left.
    pub(crate) fn none_wait(&self) -> bool {
        let queues = [&self.dispatch.queue, &self.intake.queue];
        // What is empty is so at once; a count may lag behind a cancel for a moment.
        queues.iter().all(|queue| queue.is_empty()) || self.waiting() == 0
    }

    /// Takes husks out of a part of the queue, if it has become long.
    pub(crate) fn tidy(&mut self, husks: &mut Husks) {
        if !self.intake.queue.is_crowded() {
            return;
        }
        // In proportion to what has come since.
        if self.intake.queue.entries() >= self.dispatch.queue.entries() {
            self.dispatch.queue.sweep(husks);
        }
        self.intake.queue.sweep(husks);
    }

    /// How many queued jobs have been cancelled so far.
    pub(crate) fn withdrawn(&self) -> usize {
        let queues = [&self.dispatch.queue, &self.intake.queue];
        let removed = queues.iter().map(|queue| queue.removed()).sum();
        self.intake.queue.ledger().withdrawn().max(removed)
    }

    /// The job of this task, out of its turn, if it waits here. What is asked for
    /// came late as a rule, so it is looked for from the end.
    pub(crate) fn begin_task(&mut self, id: TaskId, husks: &mut Husks) -> Option<HeldJob> {
        let late = self.intake.queue.begin_task(id, husks);
        late.or_else(|| self.dispatch.queue.begin_task(id, husks))
    }

    pub(crate) fn has(&self, id: TaskId) -> bool {
        self.intake.queue.has(id) || self.dispatch.queue.has(id)
    }

    /// Takes out some of what waits, if there is anything, to be resolved under no lock.
    /// Whether there is more is in the second place.
    pub(crate) fn clear(&mut self, husks: &mut Husks) -> (Vec<Job>, bool) {
        let mut jobs = self.dispatch.queue.pop_up_to(STEP, husks);
        if self.dispatch.queue.is_empty() {
            jobs.append(&mut self.intake.queue.pop_up_to(STEP, husks));
        }
        let all = self.dispatch.queue.is_empty() && self.intake.queue.is_empty();
        (jobs, !all)
    }
}
