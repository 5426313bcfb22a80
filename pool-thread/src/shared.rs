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
use crate::dispatch::Dispatch;
use crate::intake::{Both, Intake};
use crate::{overdue, threads, worker};
use executor_core::fork::{self, Generation};
use executor_core::queue::{Husks, Ledger, Next as Turn};
use executor_core::{CancelToken, HeldJob, Job, TaskError, say};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
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

impl Settings {
    /// How many jobs may be there, if there is a bound: each worker takes one.
    fn most(&self) -> Option<usize> {
        let bound = self.max_queued?;
        Some(bound.saturating_add(self.max_workers))
    }
}

pub(crate) struct Shared {
    pub(crate) settings: Settings,
    /// Cancelled when the pool is killed: the tokens of its jobs are children of it.
    pub(crate) killed: CancelToken,
    /// In a forked child none of the rest is to be touched: the workers are not there, and
    /// the locks may be held for ever.
    pub(crate) made: Generation,
    /// Counts jobs that were withdrawn and, if the queue is bounded, all that are there.
    ledger: Ledger,
    /// No job is taken any more: for those who are refused without a lock.
    pub(crate) closed: AtomicBool,
    dispatch: Apart<Mutex<Dispatch>>,
    intake: Apart<Mutex<Intake>>,
    /// How many workers stay awake although they have nothing to do.
    awake: AtomicUsize,
    cpus: usize,
}

/// On cache lines of its own: who has one of the locks is not to slow down who has the
/// other.
#[repr(align(128))]
struct Apart<T>(T);

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
        let ledger = Ledger::new();
        Self {
            settings,
            killed: CancelToken::new(),
            made: Generation::current(),
            dispatch: Apart(Mutex::new(Dispatch::new(ledger.clone()))),
            intake: Apart(Mutex::new(Intake::new(ledger.clone()))),
            ledger,
            closed: AtomicBool::new(false),
            awake: AtomicUsize::new(0),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }

    /// Takes both locks.
    pub(crate) fn lock(&self) -> Both<'_> {
        let dispatch = lock(&self.dispatch.0);
        let intake = lock(&self.intake.0);
        Both { dispatch, intake }
    }

    /// Takes a job in, or fails it with the reason.
    pub(crate) fn submit(self: &Arc<Self>, job: Job) {
        if self.made.is_foreign() {
            return job.fail(self.forked());
        }
        if let Some(most) = self.settings.most()
            && !self.ledger.try_admit(&job, most)
        {
            return self.refuse(job);
        }
        let mut intake = lock(&self.intake.0);
        if intake.is_busy(&self.settings) {
            intake.queue.push_back(job);
            return;
        }
        drop(intake);
        let mut husks = Husks::new();
        let mut both = self.lock();
        if both.intake.closing.is_some() {
            drop(both);
            return self.refuse(job);
        }
        both.tidy(&mut husks);
        both.intake.queue.push_back(job);
        let call = both.call(self.settings.max_workers);
        drop(both);
        self.carry_out(call);
    }

    /// Why nothing can be had of the pool in a forked child.
    pub(crate) fn forked(&self) -> TaskError {
        fork::refusal(&self.settings.name)
    }

    /// Fails a job that is not taken.
    #[cold]
    fn refuse(&self, job: Job) {
        let Settings {
            name, max_queued, ..
        } = &self.settings;
        job.fail(TaskError::rejected(match max_queued {
            Some(bound) if !self.closed.load(Ordering::Acquire) => {
                format!("the queue of the pool `{name}` is full (max_queued is {bound})")
            }
            _ => format!("the pool `{name}` has been shut down"),
        }));
    }

    /// What the worker at this seat does next; `called` says that it was started
    /// or woken.
    pub(crate) fn next(&self, seat: usize, called: bool) -> Next {
        loop {
            // Dropped when the locks are released.
            let mut husks = Husks::new();
            let mut dispatch = lock(&self.dispatch.0);
            dispatch.arrive(seat);
            if !called {
                match dispatch.begin(seat, &mut husks) {
                    Turn::Job((job, number)) => return Next::Run(job, number),
                    Turn::Again => continue,
                    Turn::Empty => {}
                }
            }
            let intake = lock(&self.intake.0);
            let mut both = Both { dispatch, intake };
            both.intake.seats.arrive(seat);
            match both.begin(seat, &mut husks) {
                Turn::Job((job, number)) => return Next::Run(job, number),
                Turn::Again => continue,
                Turn::Empty => {}
            }
            if both.intake.closing.is_none() {
                both.intake.seats.rest(seat);
                return Next::Sleep;
            }
            both.intake.seats.leave(seat);
            let settled = both.settle();
            drop(both);
            settled.carry_out();
            return Next::Leave;
        }
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
    fn start_failed(self: &Arc<Self>, seat: usize, reason: &str) {
        let mut both = self.lock();
        both.intake.seats.leave(seat);
        both.intake.start_again = Instant::now().checked_add(PAUSE);
        both.intake.clearing += 1;
        drop(both);
        let name = &self.settings.name;
        say!(warn, pool = name, reason, "a thread could not be started");
        let failed = self.clear(
            |both| both.intake.seats.taken() == 0,
            |job| {
                let message = format!("no thread of the pool `{name}` could be started");
                job.fail(TaskError::pool_broken(message, reason));
            },
        );
        let mut both = self.lock();
        both.intake.clearing -= 1;
        both.dispatch.count_finished(failed);
        let waits = !both.none_wait();
        let settled = both.settle();
        drop(both);
        settled.carry_out();
        if waits {
            overdue::try_again(self, PAUSE + Duration::from_millis(1));
        }
    }

    /// Takes what waits out of the queue, as long as `goes_on`, and resolves it under no
    /// lock. Says how many jobs that were.
    pub(crate) fn clear(
        &self,
        goes_on: impl Fn(&Both<'_>) -> bool,
        resolve: impl Fn(Job),
    ) -> usize {
        let mut count = 0;
        loop {
            let mut husks = Husks::new();
            let mut both = self.lock();
            if !goes_on(&both) {
                return count;
            }
            let (jobs, more) = both.clear(&mut husks);
            drop(both);
            count += jobs.len();
            jobs.into_iter().for_each(&resolve);
            if !more {
                return count;
            }
        }
    }
}
