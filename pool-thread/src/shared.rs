//! What the handles and the workers of a pool share, and how a job that comes
//! finds a worker.
//!
//! One lock guards queue, seats and the end of the pool; nothing of the user's
//! runs under it. What has to be done without it (waking, starting, failing) is
//! decided under it and returned as a [`Call`].
//!
//! # No wake-up is lost, and no thread is started in vain
//!
//! Whenever the lock is free, one of these holds:
//!
//! * as many workers are on their way to the queue as there are jobs in it:
//!   started, woken, or returning from a job whose function is over;
//! * nobody sleeps and there can be no more workers.
//!
//! A submit adds a job and, where that breaks the rule, sends for one worker. A
//! worker on its way takes the lock, and a job or what it came for is gone. It
//! sleeps only if it finds, under the lock, the queue empty.
//!
//! That returning workers count is what makes jobs in sequence share a thread:
//! who sees a task done and submits the next job would often come before the
//! worker is back at the queue. `overdue` looks after those who do not come.

use crate::bell::Bell;
use crate::closing::Closing;
use crate::queue::JobQueue;
use crate::seats::Seats;
use crate::{overdue, threads, worker};
use executor_core::{CancelToken, Job, TaskError};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// For how long no thread is started after one could not be, unless there is
/// none at all.
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) name: String,
    pub(crate) max_workers: usize,
    pub(crate) max_queued: Option<usize>,
    pub(crate) stack_size: Option<usize>,
}

pub(crate) struct Shared {
    pub(crate) settings: Settings,
    /// Cancelled when the pool is killed: the tokens of its jobs are children of it.
    pub(crate) killed: CancelToken,
    state: Mutex<State>,
}

pub(crate) struct State {
    pub(crate) queue: JobQueue,
    pub(crate) seats: Seats,
    pub(crate) closing: Option<Closing>,
    /// Somebody will look for overdue workers.
    pub(crate) watched: bool,
    /// No thread is started before, since the system had none to give.
    start_again: Option<Instant>,
}

/// Who has to be called for a job, once the lock is released.
#[must_use = "the job may wait for ever if nobody is called"]
pub(crate) enum Call {
    /// Enough workers are on their way, or there are no more.
    Nobody,
    /// Enough are on their way, of whom some may be held up.
    Watch,
    Wake(Arc<Bell>),
    Start(usize, Arc<Bell>),
}

impl Shared {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            killed: CancelToken::new(),
            state: Mutex::new(State {
                queue: JobQueue::new(),
                seats: Seats::default(),
                closing: None,
                watched: false,
                start_again: None,
            }),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a job in, or fails it with the reason.
    pub(crate) fn submit(self: &Arc<Self>, job: Job) {
        let mut state = self.lock();
        if let Err(why) = self.admit(&mut state) {
            drop(state);
            job.fail(TaskError::rejected(why));
            return;
        }
        state.queue.push(job);
        let call = state.call(self.settings.max_workers);
        drop(state);
        self.carry_out(call);
    }

    fn admit(&self, state: &mut State) -> Result<(), String> {
        let name = &self.settings.name;
        if state.closing.is_some() {
            return Err(format!("the pool `{name}` has been shut down"));
        }
        let Some(bound) = self.settings.max_queued else {
            return Ok(());
        };
        // Those that a worker is free for do not count as waiting.
        let workers = self.settings.max_workers;
        let full = |len, state: &State| {
            let free = workers.saturating_sub(state.seats.busy());
            len >= bound.saturating_add(free)
        };
        if state.queue.len() >= bound
            && full(state.queue.len(), state)
            && full(state.queue.live(), state)
        {
            return Err(format!(
                "the queue of the pool `{name}` is full (max_queued is {bound})"
            ));
        }
        Ok(())
    }

    pub(crate) fn carry_out(self: &Arc<Self>, call: Call) {
        match call {
            Call::Nobody => {}
            Call::Watch => overdue::watch(self),
            Call::Wake(bell) => bell.ring(),
            Call::Start(seat, bell) => self.start(seat, bell),
        }
    }

    fn start(self: &Arc<Self>, seat: usize, bell: Arc<Bell>) {
        let shared = self.clone();
        let name = format!("{}_{seat}", self.settings.name);
        let body = move || worker::work(&shared, seat, &bell);
        if let Err(reason) = threads::start(name, self.settings.stack_size, body) {
            self.start_failed(seat, &reason);
        }
    }

    /// The jobs wait for another worker; if there is none, they fail.
    fn start_failed(&self, seat: usize, reason: &str) {
        let mut state = self.lock();
        state.seats.leave(seat);
        state.start_again = Instant::now().checked_add(PAUSE);
        let stranded = match state.seats.taken() {
            0 => state.queue.take_all(),
            _ => VecDeque::new(),
        };
        if let Some(closing) = &mut state.closing {
            closing.finished += stranded.len();
        }
        let settled = state.settle();
        drop(state);
        let name = &self.settings.name;
        tracing::warn!(pool = name, reason, "a thread could not be started");
        for job in stranded {
            let message = format!("no thread of the pool `{name}` could be started");
            job.fail(TaskError::pool_broken(message, reason));
        }
        settled.carry_out();
    }
}

impl State {
    /// Sends for a worker, if the jobs in the queue need one more.
    pub(crate) fn call(&mut self, max_workers: usize) -> Call {
        let seats = &mut self.seats;
        if !seats.any_idle() && seats.taken() >= max_workers {
            return Call::Nobody;
        }
        if self.queue.len() <= seats.coming() {
            return Call::Nobody;
        }
        let expected = seats.coming() + seats.returning();
        // Starting a thread is dear: not for jobs that were cancelled.
        if self.queue.len() <= expected || !seats.any_idle() && self.queue.live() <= expected {
            return match self.queue.len() > seats.coming() && !self.watched {
                true => Call::Watch,
                false => Call::Nobody,
            };
        }
        if let Some(bell) = seats.wake() {
            return Call::Wake(bell);
        }
        if seats.taken() > 0 && self.start_again.is_some_and(|at| Instant::now() < at) {
            return Call::Nobody;
        }
        let (seat, bell) = seats.take();
        Call::Start(seat, bell)
    }
}
