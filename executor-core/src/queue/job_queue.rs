//! [`JobQueue`]: jobs that wait for a worker, in order.

use super::line::Line;
use super::{Husks, Ledger, STEP};
use crate::job::{AnyJob, HeldJob, Job};
use crate::task::TaskId;
use std::collections::VecDeque;
use std::sync::Arc;

/// A queue is not swept below this length.
const SHORT: usize = 2 * STEP;

/// Jobs that wait, first in, first out. An executor keeps it under its own lock: no
/// method runs user code, blocks, or looks at more than [`STEP`] jobs, but for those
/// that look for one task.
///
/// When it is dropped, the jobs in it fail.
#[derive(Debug)]
pub struct JobQueue {
    ledger: Ledger,
    /// The jobs in front of the others: those that a sweep has seen, while there is one.
    seen: Line,
    /// How many jobs of the others the sweep is still to look at: zero if there is none.
    /// Those that came since are left to the next.
    unseen: usize,
    rest: Line,
    /// How many stand in both, husks among them.
    entries: usize,
    /// How many husks have been taken out.
    removed: usize,
    /// The length at which it is swept next; a sweep that has begun goes on.
    sweep_at: usize,
    /// How many jobs had been withdrawn when the last sweep began.
    withdrawn: usize,
}

/// What stands at the front of a queue.
#[derive(Debug)]
#[must_use]
pub enum Next<T> {
    /// A job that was not withdrawn.
    Job(T),
    /// [`STEP`] husks, and there is more: let go of the lock, and ask again.
    Again,
    /// Nothing.
    Empty,
}

impl JobQueue {
    /// An empty queue, whose jobs are counted in this ledger.
    pub fn new(ledger: Ledger) -> Self {
        Self {
            ledger,
            seen: Line::default(),
            rest: Line::default(),
            entries: 0,
            removed: 0,
            sweep_at: SHORT,
            withdrawn: 0,
            unseen: 0,
        }
    }

    /// The ledger that its jobs are counted in.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Adds a job behind all others. [`tidy`](Self::tidy) is to be called now and then.
    #[inline]
    pub fn push_back(&mut self, job: Job) {
        self.enter(&job);
        self.rest.push_back(job);
    }

    /// Puts a job back, in front of all others.
    pub fn push_front(&mut self, job: Job) {
        self.enter(&job);
        match self.unseen {
            0 => self.rest.push_front(job),
            _ => self.seen.push_front(job),
        }
    }

    #[inline]
    fn enter(&mut self, job: &Job) {
        if !job.enter(self.ledger.number()) {
            // It came as a husk.
            super::ledger::withdraw(self.ledger.number());
        }
        self.entries += 1;
    }

    #[inline]
    fn pop_entry(&mut self) -> Option<Job> {
        let seen = match self.unseen {
            0 => None,
            _ => self.seen.pop_front(),
        };
        let job = seen.or_else(|| self.rest.pop_front())?;
        self.entries -= 1;
        Some(job)
    }

    /// The job whose turn it is. It cannot be cancelled any more: it leaves the queue
    /// and that state in one step.
    #[inline]
    pub fn begin_next(&mut self, husks: &mut Husks) -> Next<HeldJob> {
        self.next(husks, Job::begin_or_husk)
    }

    /// The job whose turn it is, which is still queued in every other respect.
    pub fn pop(&mut self, husks: &mut Husks) -> Next<Job> {
        self.next(husks, Job::exit_or_husk)
    }

    #[inline]
    fn next<T>(
        &mut self,
        husks: &mut Husks,
        take: impl Fn(Job) -> Result<T, Arc<dyn AnyJob>>,
    ) -> Next<T> {
        for _ in 0..STEP {
            let Some(job) = self.pop_entry() else {
                return Next::Empty;
            };
            match take(job) {
                Ok(job) => return Next::Job(job),
                Err(husk) => self.remove(husk, husks),
            }
        }
        match self.is_empty() {
            true => Next::Empty,
            false => Next::Again,
        }
    }

    #[cold]
    fn remove(&mut self, husk: Arc<dyn AnyJob>, husks: &mut Husks) {
        self.removed += 1;
        husks.add(husk);
    }

    /// Takes up to `most` entries out, at most [`STEP`], in order, and looks at none of
    /// them: so it is short however many there are, where an executor's lock is held.
    /// Each is then to be begun or held, or given to [`leave`](Self::leave). Husks that are
    /// found so are to be [counted](Self::count_husks).
    pub fn take_entries(&mut self, most: usize, to: &mut VecDeque<Job>) {
        let mut left = most.min(STEP);
        to.reserve(left.min(self.entries));
        while left > 0 {
            let seen = match self.unseen {
                0 => 0,
                _ => self.seen.move_some(left, to),
            };
            let moved = match seen {
                0 => self.rest.move_some(left, to),
                _ => seen,
            };
            if moved == 0 {
                return;
            }
            self.entries -= moved;
            left -= moved;
        }
    }

    /// Has an entry that was taken out count no more: the job is still queued in every
    /// other respect. `None` if it was a husk.
    pub fn leave(&mut self, entry: Job, husks: &mut Husks) -> Option<Job> {
        match entry.exit_or_husk() {
            Ok(job) => Some(job),
            Err(husk) => {
                self.remove(husk, husks);
                None
            }
        }
    }

    /// So many of the entries that were taken out were husks.
    pub fn count_husks(&mut self, husks: usize) {
        self.removed += husks;
    }

    /// Up to `most` jobs, at most [`STEP`], in order. There may be fewer than that
    /// although more wait, because of husks; none, only if the queue
    /// [is empty](Self::is_empty) or there was nothing else.
    pub fn pop_up_to(&mut self, most: usize, husks: &mut Husks) -> Vec<Job> {
        let mut jobs = Vec::new();
        for _ in 0..STEP {
            if jobs.len() == most {
                break;
            }
            let Some(job) = self.pop_entry() else { break };
            jobs.extend(self.leave(job, husks));
        }
        jobs
    }

    /// The job of this task, out of its turn, if it waits here. It is looked for from
    /// the end, however long the queue is: what is asked for came late, as a rule.
    pub fn begin_task(&mut self, id: TaskId, husks: &mut Husks) -> Option<HeldJob> {
        let found = |job: &Job| job.id() == id;
        let rest = self.rest.find_from_back(found);
        let job = match rest {
            Some(place) => self.rest.remove(place),
            None => {
                let place = self.seen.find_from_back(found)?;
                self.seen.remove(place)
            }
        }?;
        self.entries -= 1;
        match job.begin_or_husk() {
            Ok(job) => Some(job),
            Err(husk) => {
                self.remove(husk, husks);
                None
            }
        }
    }

    /// Whether the job of this task waits here, looked for in the same way.
    pub fn has(&self, id: TaskId) -> bool {
        let found = |job: &Job| job.id() == id && job.is_queued();
        self.rest.find_from_back(found).is_some() || self.seen.find_from_back(found).is_some()
    }

    /// True if nothing is left in it, husks included.
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// How many jobs stand in it, husks included.
    pub fn entries(&self) -> usize {
        self.entries
    }

    /// How many jobs wait that were not withdrawn, if this is the only queue of its
    /// ledger. A job whose cancellation is under way at this moment may be among them.
    pub fn waiting(&self) -> usize {
        Self::waiting_in([self])
    }

    /// How many jobs wait in all queues of one ledger, which these are.
    pub fn waiting_in<const N: usize>(queues: [&Self; N]) -> usize {
        let entries: usize = queues.iter().map(|queue| queue.entries).sum();
        let removed: usize = queues.iter().map(|queue| queue.removed).sum();
        let withdrawn = queues.first().map_or(0, |queue| queue.ledger.withdrawn());
        // A husk may be taken out before it is counted.
        entries - withdrawn.saturating_sub(removed).min(entries)
    }

    /// How many husks have been taken out so far.
    pub fn removed(&self) -> usize {
        self.removed
    }

    /// Whether it is long enough to be [swept](Self::sweep).
    #[inline]
    pub fn is_crowded(&self) -> bool {
        self.entries >= self.sweep_at || self.unseen > 0
    }

    /// Takes one more step of a sweep, if it [is crowded](Self::is_crowded): to be called
    /// with each job that comes, so that husks do not pile up.
    #[inline]
    pub fn tidy(&mut self, husks: &mut Husks) {
        if self.is_crowded() {
            self.sweep(husks);
        }
    }

    /// Takes the husks out of the next [`STEP`] jobs. A sweep begins at the front, unless
    /// nothing was withdrawn since the last one, and ends at the back.
    #[cold]
    pub fn sweep(&mut self, husks: &mut Husks) {
        if self.unseen == 0 {
            let withdrawn = self.ledger.withdrawn();
            if withdrawn == self.withdrawn {
                self.sweep_at = SHORT.max(2 * self.entries);
                return;
            }
            self.withdrawn = withdrawn;
            self.unseen = self.entries;
        }
        let segment = self.rest.pop_segment().unwrap_or_default();
        // Jobs that were taken out meanwhile are missing in the rest.
        self.unseen = match segment.is_empty() {
            true => 0,
            false => self.unseen.saturating_sub(segment.len()),
        };
        for job in segment {
            if job.is_queued() {
                self.seen.push_back(job);
            } else {
                self.entries -= 1;
                self.remove(job.into_husk(), husks);
            }
        }
        if self.unseen == 0 {
            let rest = std::mem::take(&mut self.rest);
            self.rest = std::mem::take(&mut self.seen);
            self.rest.append(rest);
            self.sweep_at = SHORT.max(2 * self.entries);
        }
    }

    /// Takes all jobs of the queue behind this one, which is empty, in one step. Both have
    /// the same ledger.
    pub fn take_over(&mut self, behind: &mut Self) {
        debug_assert!(self.is_empty() && self.ledger.number() == behind.ledger.number());
        if !self.is_empty() || behind.is_empty() {
            return;
        }
        std::mem::swap(&mut self.seen, &mut behind.seen);
        std::mem::swap(&mut self.rest, &mut behind.rest);
        std::mem::swap(&mut self.entries, &mut behind.entries);
        self.withdrawn = behind.withdrawn;
        self.sweep_at = behind.sweep_at;
        self.unseen = std::mem::take(&mut behind.unseen);
        behind.sweep_at = SHORT;
    }
}

impl Drop for JobQueue {
    fn drop(&mut self) {
        let mut husks = Husks::new();
        loop {
            match self.pop(&mut husks) {
                Next::Job(job) => drop(job),
                Next::Again => drop(std::mem::take(&mut husks)),
                Next::Empty => break,
            }
        }
        self.ledger.settle(self.removed);
    }
}
