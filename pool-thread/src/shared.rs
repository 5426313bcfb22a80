//! What the handles and the workers of a pool share, and how a job that comes
//! finds a worker.
//!
//! # Two locks
//!
//! Jobs wait in one line, of which each lock guards a part:
//!
//! * the [`Intake`]: the jobs that came last, who sleeps, and the end of the
//!   pool. A submit takes this lock alone, as long as nobody could be called for
//!   its job anyway;
//! * the [`Dispatch`]: the jobs that are next, and who runs what. A worker that
//!   goes from one job to the next takes this lock alone.
//!
//! A worker that finds the dispatch's part empty takes the intake's lock as well
//! and moves all of its part over, in one step whatever its length. So under load
//! submits and workers meet once for many jobs, and still jobs begin in the very
//! order in which they came. Jobs of one pool may rely on that where they wait for
//! each other: none is begun while an earlier one waits.
//!
//! Whoever needs both takes the dispatch's lock first; [`Both`] is that state.
//! Nothing of the user's runs under either. What has to be done without them
//! (waking, starting, failing) is decided under them and returned as a [`Call`].
//!
//! # No wake-up is lost, and no thread is started in vain
//!
//! Whenever both locks are free, one of these holds:
//!
//! * as many workers are on their way to the queue as there are jobs in it:
//!   started, woken, or returning from a job whose function is over;
//! * nobody sleeps and there can be no more workers;
//! * whoever added the last job is about to take both locks, to see to this.
//!
//! A submit adds a job and, where that breaks the rule, sends for one worker. A
//! worker on its way takes both locks, and a job or what it came for is gone. It
//! sleeps only if it finds, under both, nothing to do.
//!
//! That returning workers count is what makes jobs in sequence share a thread:
//! who sees a task done and submits the next job would often come before the
//! worker is back at the queue. `overdue` looks after those who do not come.

use crate::bell::Bell;
use crate::closing::Closing;
use crate::dispatch::Dispatch;
use crate::queue::JobQueue;
use crate::seats::Seats;
use crate::{overdue, threads, worker};
use executor_core::{CancelToken, HeldJob, Job, TaskError, TaskId};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
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
    dispatch: Mutex<Dispatch>,
    intake: Mutex<Intake>,
    /// How many workers stay awake although they have nothing to do.
    awake: AtomicUsize,
    cpus: usize,
}

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
    start_again: Option<Instant>,
}

/// The whole pool, under both locks.
pub(crate) struct Both<'a> {
    pub(crate) dispatch: MutexGuard<'a, Dispatch>,
    pub(crate) intake: MutexGuard<'a, Intake>,
}

/// Who has to be called for a job, once the locks are released.
#[must_use = "the job may wait for ever if nobody is called"]
pub(crate) enum Call {
    /// Enough workers are on their way, or there are no more.
    Nobody,
    /// Enough are on their way, of whom some may be held up.
    Watch,
    Wake(Arc<Bell>),
    Start(usize, Arc<Bell>),
}

/// Counts a worker that stays awake.
pub(crate) struct Awake<'a>(&'a AtomicUsize);

impl Drop for Awake<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a worker does next.
pub(crate) enum Next {
    /// Run this job, which has this number.
    Run(HeldJob, u64),
    Sleep,
    /// It has left its seat.
    Leave,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            killed: CancelToken::new(),
            dispatch: Mutex::default(),
            intake: Mutex::default(),
            awake: AtomicUsize::new(0),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }

    /// Takes both locks.
    pub(crate) fn lock(&self) -> Both<'_> {
        let dispatch = lock(&self.dispatch);
        let intake = lock(&self.intake);
        Both { dispatch, intake }
    }

    /// Takes a job in, or fails it with the reason.
    pub(crate) fn submit(self: &Arc<Self>, job: Job) {
        let mut intake = lock(&self.intake);
        if intake.is_busy(&self.settings) {
            intake.queue.push(job);
            return;
        }
        drop(intake);
        let mut both = self.lock();
        if let Err(why) = both.admit(&self.settings) {
            drop(both);
            job.fail(TaskError::rejected(why));
            return;
        }
        if both.intake.queue.is_long() {
            both.sweep();
        }
        both.intake.queue.push(job);
        let call = both.call(self.settings.max_workers);
        drop(both);
        self.carry_out(call);
    }

    /// What the worker at this seat does next; `called` says that it was started
    /// or woken.
    pub(crate) fn next(&self, seat: usize, called: bool) -> Next {
        let mut dispatch = lock(&self.dispatch);
        dispatch.arrive(seat);
        if !called && let Some((job, number)) = dispatch.begin(seat) {
            return Next::Run(job, number);
        }
        let intake = lock(&self.intake);
        let mut both = Both { dispatch, intake };
        both.intake.seats.arrive(seat);
        if let Some((job, number)) = both.begin(seat) {
            return Next::Run(job, number);
        }
        if both.intake.closing.is_some() {
            both.intake.seats.leave(seat);
            let settled = both.settle();
            drop(both);
            settled.carry_out();
            return Next::Leave;
        }
        both.intake.seats.rest(seat);
        Next::Sleep
    }

    /// Lets a worker stay awake for a moment, until what it is given is dropped: no
    /// more of them than there are CPUs.
    pub(crate) fn stay_awake(&self) -> Option<Awake<'_>> {
        let awake = Awake(&self.awake);
        (self.awake.fetch_add(1, Ordering::Relaxed) < self.cpus).then_some(awake)
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
        let mut both = self.lock();
        both.intake.seats.leave(seat);
        both.intake.start_again = Instant::now().checked_add(PAUSE);
        let stranded = match both.intake.seats.taken() {
            0 => both.take_all(),
            _ => VecDeque::new(),
        };
        stranded.iter().for_each(|_| both.dispatch.count_finished());
        let settled = both.settle();
        drop(both);
        let name = &self.settings.name;
        tracing::warn!(pool = name, reason, "a thread could not be started");
        for job in stranded {
            let message = format!("no thread of the pool `{name}` could be started");
            job.fail(TaskError::pool_broken(message, reason));
        }
        settled.carry_out();
    }
}

impl Intake {
    /// Whether a job has only to be put to the others: there is room for it, and
    /// nobody to be called.
    fn is_busy(&self, settings: &Settings) -> bool {
        let waiting = || self.queue.len() + self.moved;
        !self.seats.any_idle()
            && self.seats.taken() >= settings.max_workers
            && self.closing.is_none()
            && !self.queue.is_long()
            && settings.max_queued.is_none_or(|bound| waiting() < bound)
    }
}

impl Both<'_> {
    fn admit(&mut self, settings: &Settings) -> Result<(), String> {
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
    fn begin(&mut self, seat: usize) -> Option<(HeldJob, u64)> {
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

    fn sweep(&mut self) {
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
