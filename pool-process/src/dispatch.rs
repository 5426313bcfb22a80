//! Dispatch: the queue, the seats, and who gets which job.
//!
//! Everything here is decided under one lock, which is held for a few instructions and
//! never while user code, a system call or a scan of the queue runs. Whoever changes
//! something that it may have to act on pokes the supervisor, which looks at everything
//! before it sleeps: see `supervisor/poller.rs`. So there is one place where it is decided
//! who runs what, and no job is left behind as long as somebody supervises: see
//! `supervisor/role.rs`.
//!
//! # Who runs a job
//!
//! `submit` posts it to the worker that went idle last, see `direct`. If none is idle it is
//! queued, and the supervisor sees to it: if there is a seat to spare, a new worker starts.
//! A worker that has nothing is given one job, or a share if many wait; unless there are more
//! workers than processors and jobs are so short that [few](roster) suffice. One that is busy is
//! sent more only while at least as many wait as there are workers: so short jobs travel in
//! batches and long ones are not tied to a worker before their time. What is with a worker
//! and has not begun is still queued: it is taken back for a worker that is idle.

mod direct;
mod ending;
#[cfg(test)]
mod model;
mod plan;
mod roster;
mod starts;

pub(crate) use self::direct::wait_here;
pub(crate) use self::ending::Ending;
use self::ending::shut_down;
pub(crate) use self::plan::Plan;
use self::roster::Roster;

use crate::config::Config;
use crate::crew::Crew;
use crate::image;
use crate::process::Process;
use crate::seat::{Occupant, Seat};
use crate::starter::Starter;
use crate::stderr::Relay;
use crate::supervisor::Poller;
use crate::tally::{Counts, Tally};
use crate::transport::processors;
use crate::unresolved::Unresolved;
use crossbeam_utils::CachePadded;
use executor_core::fork::{self, Generation};
use executor_core::queue::{Husks, JobQueue, Ledger, STEP};
use executor_core::{Job, Promise, ShutdownMode, TaskError};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What the handles and the threads of a pool share. What the supervisor writes with each
/// job stands apart from what each submit reads.
#[derive(Debug)]
pub(crate) struct Dispatch {
    /// In a forked child none of the rest is to be touched: the threads are not there, and
    /// the locks may be held for ever.
    pub(crate) made: Generation,
    pub(crate) config: Config,
    ledger: Ledger,
    pub(crate) tally: Arc<Tally>,
    state: CachePadded<Mutex<State>>,
    /// What is looked at often, without the lock: how often the workers that serve have
    /// changed, and whether the pool is ending.
    changes: Arc<AtomicU64>,
    is_ending: AtomicBool,
    pub(crate) unresolved: CachePadded<Unresolved>,
    pub(crate) poller: CachePadded<Poller>,
    pub(crate) crew: Crew,
    pub(crate) starter: Starter,
    pub(crate) relay: Relay,
}

#[derive(Debug)]
pub(crate) struct State {
    queue: JobQueue,
    pub(crate) roster: Roster<Arc<Occupant>>,
    /// Those who wait until every seat has a worker.
    warming: Vec<Promise<()>>,
    ending: Option<Ending>,
    /// Processes that were killed and have not ended in time, by their occupant's id.
    unkilled: Vec<(u64, Arc<Process>)>,
    /// The supervisor may sleep for longer than it is to look after a worker that has a job.
    pub(crate) sleeps_long: bool,
    /// Until when it sleeps, if nothing happens; `None` is for ever.
    pub(crate) sleeps_until: Option<Instant>,
}

/// A worker that has had no job for so long is not in constant use.
const UNTIDY: Duration = Duration::from_millis(100);

impl Dispatch {
    pub(crate) fn new(config: Config) -> io::Result<Self> {
        let ledger = Ledger::new();
        let roster = Roster::new(config.max_workers, config.min_workers, processors());
        let changes = roster.changes.clone();
        let state = State {
            queue: JobQueue::new(ledger.clone()),
            roster,
            warming: Vec::new(),
            ending: None,
            unkilled: Vec::new(),
            sleeps_long: true,
            sleeps_until: None,
        };
        Ok(Self {
            made: Generation::current(),
            ledger,
            tally: Arc::default(),
            changes,
            is_ending: AtomicBool::new(false),
            crew: Crew::new(),
            starter: Starter::default(),
            relay: Relay::new()?,
            config,
            state: CachePadded::new(Mutex::new(state)),
            unresolved: CachePadded::default(),
            poller: CachePadded::new(Poller::new()?),
        })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Encodes a job, on this thread, and queues it. False if it is not taken, which its
    /// owner was told.
    pub(crate) fn place(&self, job: Job) -> bool {
        if let Some(error) = self.refusal(&job) {
            job.fail(error);
            return false;
        }
        let Some(job) = job.encode() else {
            return false;
        };
        // Not before: a job that is being encoded takes nobody's place.
        if let Some(bound) = self.config.max_queued
            && !self.ledger.try_admit(&job, self.most_admitted(bound))
        {
            job.fail(full(bound));
            return false;
        }
        // Dropped after the lock: that may run code that is not ours.
        let mut husks = Husks::new();
        let mut state = self.lock();
        if state.ending.is_some() {
            drop(state);
            job.fail(shut_down());
            return false;
        }
        let few_sufficed = state.roster.few_suffice();
        let worker = self.direct_to(&mut state);
        state.queue.push_back(job);
        if let Some(worker) = worker {
            state.hand_out(&worker, 1);
            let pokes = state.sleeps_long;
            drop(state);
            self.give_directly(&worker, pokes);
            return true;
        }
        state.queue.tidy(&mut husks);
        let newly = state.roster.few_suffice() && !few_sufficed;
        self.tell_of_jobs(state);
        if newly {
            // From now on it looks each millisecond whether that still holds.
            self.poller.poke();
        }
        true
    }

    /// Why a job cannot be taken.
    fn refusal(&self, job: &Job) -> Option<TaskError> {
        if self.is_ending() {
            return Some(shut_down());
        }
        let Some(entry) = job.entry() else {
            let why = "it cannot leave its process";
            return Some(TaskError::encode("a closure that captures", why));
        };
        if image::offset_of(entry).is_none() {
            let subject = format!("function `{}`", job.function());
            let why = "it is not part of the program itself but of a dynamic library, where a \
                       worker could not find it";
            return Some(TaskError::encode(subject, why));
        }
        let bound = self.config.max_queued?;
        (self.ledger.admitted() >= self.most_admitted(bound)).then(|| full(bound))
    }

    /// A job waits only if each worker has one.
    fn most_admitted(&self, bound: usize) -> usize {
        self.config.max_workers.saturating_add(bound)
    }

    /// Puts jobs back that had been taken, in front of all others, in their order.
    pub(crate) fn put_back(&self, jobs: impl DoubleEndedIterator<Item = Job>) {
        self.put_back_into(self.lock(), jobs);
    }

    fn put_back_into(
        &self,
        mut state: MutexGuard<'_, State>,
        jobs: impl DoubleEndedIterator<Item = Job>,
    ) {
        if state.mode() >= Some(ShutdownMode::CancelPending) {
            drop(state);
            return self.cancel(jobs);
        }
        for job in jobs.rev() {
            state.queue.push_front(job);
        }
        drop(state);
        self.poller.poke();
    }

    /// Cancels jobs because the pool is being shut down.
    fn cancel(&self, jobs: impl Iterator<Item = Job>) {
        self.unresolved
            .cancel(jobs.inspect(|_| self.tally.cancel(1)));
    }

    /// How many jobs have come to their end so far.
    fn counts(&self) -> Counts {
        let mut counts = self.tally.now();
        counts.cancelled += self.ledger.withdrawn();
        counts
    }

    /// Takes out everything that waits in the queue.
    pub(crate) fn empty_queue(&self) -> Vec<Job> {
        let mut all = Vec::new();
        loop {
            let mut husks = Husks::new();
            let mut state = self.lock();
            if state.queue.is_empty() {
                return all;
            }
            let some = state.queue.pop_up_to(STEP, &mut husks);
            drop(state);
            all.extend(some);
        }
    }

    /// Has something said through `tracing`, whose subscriber is not ours: it may block or
    /// panic, and has its turn among the rest of what is foreign.
    pub(crate) fn tell(&self, say: impl FnOnce(&str) + Send + 'static) {
        let pool = self.config.name.clone();
        self.unresolved.call(move || say(&pool));
        self.poller.poke();
    }

    /// Why nothing can be had of the pool in a forked child.
    pub(crate) fn forked(&self) -> TaskError {
        fork::refusal(&self.config.name)
    }

    /// How often the workers that serve have changed.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Whether the pool is ending.
    pub(crate) fn is_ending(&self) -> bool {
        self.is_ending.load(Ordering::SeqCst)
    }

    /// How many jobs wait for a worker, in the queue or at one that is busy.
    pub(crate) fn queued(&self) -> usize {
        let state = self.lock();
        let ahead = |seat: &Seat| seat.serving().map_or(0, |worker| worker.waiting());
        state.queue.waiting() + state.roster.seats.iter().map(ahead).sum::<usize>()
    }

    /// A worker has nothing, unless it was given a job since that was found.
    pub(crate) fn idle(&self, worker: &Occupant) {
        let mut state = self.lock();
        if worker.is_idle() {
            state.roster.idle(worker.id);
        }
        self.tell_of_jobs(state);
    }

    /// Pokes the supervisor if there is something to be done about a job that waits. If not
    /// it is left alone: when a worker is idle, or a seat is free, it looks by itself.
    fn tell_of_jobs(&self, state: MutexGuard<'_, State>) {
        let concerns = state.roster.may_take_jobs() && !state.nothing_waits();
        drop(state);
        if concerns {
            self.poller.poke();
        }
    }

    /// Moves what is in the hand of a worker back to the queue.
    pub(crate) fn empty_hand(&self, worker: &Occupant) {
        let entries = std::mem::take(&mut *worker.hand());
        if entries.is_empty() {
            return;
        }
        let mut husks = Husks::new();
        let mut state = self.lock();
        let leave = |entry| state.queue.leave(entry, &mut husks);
        let jobs: Vec<_> = entries.into_iter().filter_map(leave).collect();
        self.put_back_into(state, jobs.into_iter());
        self.unresolved.drop_later(husks);
    }

    /// Sees to what is left of jobs that were taken off the queue and had been cancelled.
    pub(crate) fn bury_husks(&self, husks: Husks) {
        if !husks.is_empty() {
            self.lock().queue.count_husks(husks.len());
            self.unresolved.drop_later(husks);
        }
    }
}

fn full(bound: usize) -> TaskError {
    TaskError::rejected(format!("the queue is full: {bound} jobs wait"))
}

impl State {
    /// How the pool is ending, if it is.
    pub(crate) fn mode(&self) -> Option<ShutdownMode> {
        self.ending.as_ref().map(|ending| ending.mode)
    }

    /// How many jobs wait in the queue.
    pub(crate) fn waiting(&self) -> usize {
        match self.queue.is_empty() {
            true => 0,
            false => self.queue.waiting(),
        }
    }

    pub(crate) fn nothing_waits(&self) -> bool {
        self.waiting() == 0
    }

    /// A worker that has been idle for its time and may go.
    pub(crate) fn idle_for_long(&self, config: &Config) -> Option<Arc<Occupant>> {
        let limit = config.idle_timeout?;
        let over = |since: Instant| since.elapsed() >= limit;
        let (worker, _) = self.roster.idlers().find(|(_, since)| over(*since))?;
        self.roster.may_shrink().then(|| worker.clone())
    }

    /// When that will be, at the earliest.
    pub(crate) fn next_idle_end(&self, config: &Config) -> Option<Instant> {
        let limit = config.idle_timeout.filter(|_| self.roster.may_shrink())?;
        let (_, since) = self.roster.idlers().next()?;
        since.checked_add(limit)
    }

    /// Whether the supervisor sleeps for longer than that, as far as anybody knows.
    fn sleeps_too_long(&self, config: &Config) -> bool {
        let end = self.next_idle_end(config);
        end.is_some_and(|end| self.sleeps_until.is_none_or(|until| end < until))
    }

    /// A worker that has been idle for a moment, and has memory to be given back.
    pub(crate) fn untidy(&self) -> Option<(Arc<Occupant>, Instant)> {
        let mut idlers = self.roster.idlers();
        let untidy = idlers.find(|(worker, _)| !worker.tidy.load(Ordering::Relaxed));
        untidy.map(|(worker, since)| (worker.clone(), since + UNTIDY))
    }

    /// When a worker may be started, if some wait for that.
    pub(crate) fn next_start(&self) -> Option<Instant> {
        self.roster.next_start(self.waiting())
    }

    /// Keeps a process that was killed and has not ended.
    pub(crate) fn keep_unkilled(&mut self, id: u64, process: Arc<Process>) {
        if !self.is_unkilled(id) {
            self.unkilled.push((id, process));
        }
    }

    /// Those processes, by their occupant's id.
    pub(crate) fn unkilled(&self) -> impl Iterator<Item = &(u64, Arc<Process>)> {
        self.unkilled.iter()
    }

    pub(crate) fn is_unkilled(&self, id: u64) -> bool {
        self.unkilled.iter().any(|(its, _)| *its == id)
    }

    /// The process of this occupant has ended.
    pub(crate) fn forget_unkilled(&mut self, id: u64) {
        self.unkilled.retain(|(its, _)| *its != id);
    }

    pub(crate) fn has_unkilled(&self) -> bool {
        !self.unkilled.is_empty()
    }
}
