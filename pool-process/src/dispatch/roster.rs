//! The roster: who sits where, who is idle, and what is to be done next.
//!
//! Everything that is decided about workers is decided here, from the seats and from how
//! many jobs wait. Nothing here knows processes, clocks or jobs: so [`model`](super::model)
//! can run exactly this code through every order of events.
//!
//! | what is asked for | until |
//! |---|---|
//! | a worker for each job that waits | one is starting for each |
//! | `warming`: a worker in each seat | all serve, or one does not start |
//! | `wanted`: one in place of each that has died, and so many as are to stay | started |
//!
//! A worker that starts for one of these reasons counts for all of them. So `wanted` is
//! never more than the seats that are free.
//!
//! A job that waits is given to a worker that is idle, unless a few of the others are
//! [quick](few) enough for all.
//!
//! The list of idle workers is a hint. A thread that has lost the supervisor's role may
//! post a job to a worker that stands in it, so whoever takes a worker from the list asks
//! the worker as well. A worker that has become idle is always entered.

mod ends;
mod few;
mod starts;

use crate::seat::{LOOKS, Phase, Seat};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// A worker that takes jobs, as far as it matters here.
pub(crate) trait Hand: Clone {
    /// How many more jobs it may be given.
    fn room(&self) -> usize;
    /// How many jobs are with it and wait for another.
    fn waiting(&self) -> usize;
    /// True if nothing is with it, or about to be, and it is not being killed for what it
    /// has said.
    fn is_idle(&self) -> bool;
    /// True if jobs were posted to it, and some are not finished.
    fn is_busy(&self) -> bool;
    /// True if its last jobs took less than to wake another worker for them, and it gets on
    /// with what it has.
    fn is_quick(&self) -> bool;
    /// It is given a job and had none for long.
    fn begin_anew(&self);
}

#[derive(Clone, Debug)]
pub(crate) struct Roster<W> {
    max_workers: usize,
    min_workers: usize,
    /// So many workers can run at a time.
    processors: usize,
    pub(crate) seats: Vec<Seat<W>>,
    /// The workers that have nothing, in the order in which that happened.
    idle: Vec<(u64, Instant)>,
    /// How often the workers that serve have changed. It is looked at without the lock.
    pub(crate) changes: Arc<AtomicU64>,
    /// How many workers are to be started although no job needs them.
    wanted: usize,
    /// Somebody waits until every seat has a worker.
    pub(crate) warming: bool,
    /// So many are quick that jobs may wait although others are idle.
    few_suffice: bool,
    /// Whoever dies is not replaced, and no start is put off.
    ending: bool,
    /// Failed starts in a row.
    failures: u32,
    /// No worker is started before.
    not_before: Option<Instant>,
    /// Numbers the occupants, from one on.
    last_id: u64,
}

/// What is to be done next.
#[derive(Clone, Debug)]
pub(crate) enum Next<W> {
    /// Give so many jobs to this worker.
    Give(W, usize),
    /// Take jobs back from one of these, for the idle worker.
    TakeBack(Vec<W>, W),
    /// Start a process for the seat with this occupant and number.
    Start(u64, usize),
}

impl<W: Hand> Roster<W> {
    pub(crate) fn new(max_workers: usize, min_workers: usize, processors: usize) -> Self {
        Self {
            max_workers,
            min_workers,
            processors,
            seats: Vec::new(),
            idle: Vec::new(),
            changes: Arc::default(),
            wanted: 0,
            warming: false,
            few_suffice: false,
            ending: false,
            failures: 0,
            not_before: None,
            last_id: 0,
        }
    }

    // ----- what is to be done -----

    /// The next step, if so many jobs wait. `tried` says that nothing was to be taken back
    /// just now, `is_past` whether a moment is.
    pub(crate) fn next(
        &mut self,
        waiting: usize,
        tried: bool,
        is_past: impl FnOnce(Instant) -> bool,
    ) -> Option<Next<W>> {
        let few_suffice = self.judge();
        if waiting > 0
            && !few_suffice
            && let Some((id, worker)) = self.take_last_idle()
        {
            let share = self.share_of_idle(id, waiting, worker.room());
            return Some(Next::Give(worker, share));
        }
        if self.lacks_one(waiting) && self.put_off_until().is_none_or(is_past) {
            let (id, number) = self.start();
            return Some(Next::Start(id, number));
        }
        if tried || waiting > 0 || few_suffice {
            return None;
        }
        let (_, worker) = self.last_idle()?;
        let has_more = |worker: &&W| worker.waiting() > 0;
        let others: Vec<_> = self.serving().filter(has_more).cloned().collect();
        (!others.is_empty()).then_some(Next::TakeBack(others, worker))
    }

    /// A worker that is idle, and is given a job at once.
    pub(crate) fn take_idle(&mut self) -> Option<W> {
        if self.few_suffice || self.judge() {
            return None;
        }
        self.take_last_idle().map(|(_, worker)| worker)
    }

    /// How many jobs a worker gets that has none and room for so many, if so many wait.
    pub(crate) fn share_of_idle(&self, id: u64, waiting: usize, room: usize) -> usize {
        self.share(id, waiting).clamp(1, room.max(1))
    }

    /// Whether [`next`](Self::next) may be about a job that waits: if not, it need not be
    /// asked when one more comes.
    pub(crate) fn may_take_jobs(&self) -> bool {
        !self.few_suffice && (!self.idle.is_empty() || self.seats.len() < self.max_workers)
    }

    /// How many more jobs a worker gets that is busy, if so many wait.
    pub(crate) fn more(&self, id: u64, worker: &W, waiting: usize) -> usize {
        match self.share(id, waiting) {
            0 => 0,
            share => share.min(worker.room()),
        }
    }

    /// How many of those that wait are a worker's share: others may be done sooner. What a
    /// worker has before its time is taken back for one that is idle, or is started.
    fn share(&self, id: u64, waiting: usize) -> usize {
        match waiting {
            0 => 0,
            _ => waiting / self.sharers(id),
        }
    }

    /// The worker that went idle last, the warmest. Those are struck off that are not idle
    /// any more: one to which a former supervisor has given a job since, which is entered
    /// again when it has finished, and one that is distrusted.
    fn last_idle(&mut self) -> Option<(u64, W)> {
        while let Some(&(id, _)) = self.idle.last() {
            let worker = self.find(id).and_then(Seat::serving);
            if let Some(worker) = worker.filter(|worker| worker.is_idle()) {
                return Some((id, worker.clone()));
            }
            self.idle.pop();
        }
        None
    }

    /// The same, which is about to be given a job.
    fn take_last_idle(&mut self) -> Option<(u64, W)> {
        let (id, worker) = self.last_idle()?;
        let since = self.idle.pop().map(|(_, since)| since);
        if worker.is_quick() && since.is_some_and(|since| since.elapsed() >= LOOKS) {
            worker.begin_anew();
        }
        Some((id, worker))
    }

    // ----- who is there -----

    /// The workers that take jobs.
    pub(crate) fn serving(&self) -> impl Iterator<Item = &W> {
        self.seats.iter().filter_map(Seat::serving)
    }

    pub(crate) fn seat(&mut self, id: u64) -> Option<&mut Seat<W>> {
        self.seats.iter_mut().find(|seat| seat.id == id)
    }

    fn find(&self, id: u64) -> Option<&Seat<W>> {
        self.seats.iter().find(|seat| seat.id == id)
    }

    /// The workers that serve are others than before.
    fn changed(&mut self) {
        self.few_suffice = false;
        self.changes.fetch_add(1, Ordering::Release);
    }

    fn starting(&self) -> usize {
        let starting = |seat: &&Seat<W>| matches!(seat.phase, Phase::Starting);
        self.seats.iter().filter(starting).count()
    }
}

#[cfg(test)]
impl<W> Roster<W> {
    /// What is not to be seen otherwise: `wanted`, the failures, whether starts are put off.
    pub(crate) fn counters(&self) -> (usize, u32, bool) {
        (self.wanted, self.failures, self.not_before.is_some())
    }
}
