//! What is to be resolved: results, failures, wakers, reports.
//!
//! To resolve a task is to run code that is not ours, which may block for ever, and may
//! wait for another task that stands here. So it all stands in one table, from which a
//! supervisor takes one piece at a time: if it does not come back, the next supervisor
//! goes on with the rest, see `supervisor/role.rs`.
//!
//! The order: results that nobody but a waiter looks at; then the wakers of those, so
//! that whoever is woken finds all results; then parts of results; then results with
//! callbacks or watchers, and everything else, in the order in which it came; of these, as
//! many as there is time for in a round. What concerns a job whose parts stand here waits
//! for those, see `lanes`.

mod lanes;

pub(crate) use self::lanes::Part;

use self::lanes::{Lanes, Step};
use crate::reply;
use crate::transport::Slot;
use executor_core::panic::catch;
use executor_core::queue::Husks;
use executor_core::{HeldJob, Job, TaskError, TaskId, Wakeups, say, spare};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// The table.
#[derive(Default)]
pub(crate) struct Unresolved(Mutex<Found>);

/// What stands in it.
#[derive(Default)]
pub(crate) struct Found {
    /// Results that nobody but a waiter looks at: the small ones, and others.
    plain: VecDeque<Plain>,
    unfollowed: VecDeque<Harvest>,
    wakers: VecDeque<Waker>,
    lanes: Lanes,
    followed: VecDeque<Harvest>,
    errands: VecDeque<Errand>,
    /// Jobs that are cancelled because the pool is being shut down.
    cancelled: VecDeque<Job>,
    /// The small results, one after another.
    small: Vec<u8>,
    /// How many pieces are at work.
    at_work: usize,
    /// How many results were ever added.
    added: u64,
}

type Errand = Box<dyn FnOnce() + Send>;

/// A job and its result, which is small: nothing that would have to be moved in memory.
struct Plain {
    job: HeldJob,
    kind: u32,
    small: Small,
}

/// A job and its result.
pub(crate) struct Harvest {
    pub(crate) job: HeldJob,
    pub(crate) kind: u32,
    pub(crate) bytes: Payload,
    /// What its owner is told in place of the result.
    pub(crate) overruled: Option<TaskError>,
}

/// The bytes of a result.
pub(crate) enum Payload {
    Small(Small),
    Large(Vec<u8>),
}

/// Where the bytes of a result are among the small ones.
#[derive(Clone, Copy)]
pub(crate) struct Small {
    start: usize,
    len: u32,
}

/// One piece of work.
enum Piece {
    Resolve(Harvest),
    Wake(Waker),
    Step(TaskId, Step),
    Errand(Errand),
    Cancel(Job),
}

/// What a supervisor keeps from piece to piece.
#[derive(Default)]
pub(crate) struct Scratch {
    buffer: Vec<u8>,
    wakeups: Wakeups,
    at_work: bool,
    /// The job at whose lane it worked last.
    lane: Option<TaskId>,
}

impl Scratch {
    /// The piece that was worked at is done, and this thread takes no other: it wakes
    /// whoever waits for that task, and goes on with what waited for that piece, since
    /// there may be nobody left to do so.
    pub(crate) fn leave(&mut self, unresolved: &Unresolved) {
        self.wakeups.wake();
        while let Some((job, step)) = self.lane.and_then(|job| unresolved.step_of(job)) {
            unresolved.step(job, step, self);
            self.wakeups.wake();
        }
        self.put_down_into(&mut unresolved.lock());
    }

    /// A piece with these bytes is at work now: those that stand among the small ones are
    /// copied, to be read without the lock.
    fn take_up(&mut self, found: &mut Found, bytes: &Payload) {
        if let Payload::Small(small) = *bytes {
            self.read(found, small);
        }
        self.begin(found);
    }

    fn read(&mut self, found: &Found, small: Small) {
        self.buffer.clear();
        self.buffer.extend_from_slice(small.of(&found.small));
    }

    fn begin(&mut self, found: &mut Found) {
        self.at_work = true;
        found.at_work += 1;
    }

    fn put_down_into(&mut self, found: &mut Found) {
        found.at_work -= usize::from(std::mem::take(&mut self.at_work));
        if !self.wakeups.is_empty() {
            found.wakers.extend(self.wakeups.drain());
        }
    }
}

impl Found {
    /// Adds a result that stands among the small ones.
    #[inline]
    pub(crate) fn add_small(
        &mut self,
        job: HeldJob,
        kind: u32,
        small: Small,
        overruled: Option<TaskError>,
    ) {
        if overruled.is_none() && !self.lanes.has(&job) && !job.has_followers() {
            self.added += 1;
            job.leave_ledger();
            return self.plain.push_back(Plain { job, kind, small });
        }
        self.add(Harvest {
            job,
            kind,
            bytes: Payload::Small(small),
            overruled,
        });
    }

    /// Adds a result.
    pub(crate) fn add(&mut self, harvest: Harvest) {
        self.added += 1;
        // Its worker is free, whatever its callbacks do.
        harvest.job.leave_ledger();
        if self.lanes.has(&harvest.job) {
            let bytes = harvest.bytes.on_its_own(&self.small);
            return self.lanes.push(
                harvest.job.id(),
                Step::Resolve(Harvest { bytes, ..harvest }),
            );
        }
        match harvest.job.has_followers() {
            true => self.followed.push_back(harvest),
            false => self.unfollowed.push_back(harvest),
        }
    }

    /// Adds a part of the result of a job. What stands here of a job is worked at in the
    /// order in which it came, by one thread at a time.
    pub(crate) fn add_part(&mut self, part: Part) {
        self.lanes.push(part.job, Step::Part(part));
    }

    /// How many results were ever added.
    pub(crate) fn added(&self) -> u64 {
        self.added
    }

    /// Whether parts of the result of a job stand here.
    pub(crate) fn has_parts_of(&self, job: &HeldJob) -> bool {
        self.lanes.has(job)
    }

    /// Copies a result out of its slot. `None` if it cannot have that length.
    #[inline]
    pub(crate) fn copy(&mut self, slot: &Slot, len: u64) -> Option<Small> {
        let start = self.small.len();
        let len = slot.read(len, &mut self.small)? as u32;
        Some(Small { start, len })
    }

    fn is_empty(&self) -> bool {
        self.plain.is_empty()
            && self.unfollowed.is_empty()
            && self.wakers.is_empty()
            && self.lanes.is_empty()
            && self.followed.is_empty()
            && self.errands.is_empty()
            && self.cancelled.is_empty()
    }

    /// The next piece that is no small result; of those that may wait for a round, only if
    /// `others`.
    fn next(&mut self, others: impl FnOnce() -> bool) -> Option<Piece> {
        if let Some(harvest) = self.unfollowed.pop_front() {
            return Some(Piece::Resolve(harvest));
        }
        if let Some(waker) = self.wakers.pop_front() {
            return Some(Piece::Wake(waker));
        }
        if let Some((job, step)) = self.lanes.next() {
            return Some(Piece::Step(job, step));
        }
        if self.followed.is_empty() {
            self.small.clear();
        }
        if self.is_empty() || !others() {
            return None;
        }
        if let Some(harvest) = self.followed.pop_front() {
            return Some(Piece::Resolve(harvest));
        }
        if let Some(errand) = self.errands.pop_front() {
            return Some(Piece::Errand(errand));
        }
        self.cancelled.pop_front().map(Piece::Cancel)
    }
}

impl Unresolved {
    /// The table, to add to it.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Found> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds something that is to be called.
    pub(crate) fn call(&self, errand: impl FnOnce() + Send + 'static) {
        self.lock().errands.push_back(Box::new(errand));
    }

    /// Adds what is left of jobs that were cancelled: to drop it may run foreign code.
    pub(crate) fn drop_later(&self, husks: Husks) {
        if !husks.is_empty() {
            self.call(move || drop(husks));
        }
    }

    /// Adds a job that is to be failed; `firm` says that its owner was told so.
    pub(crate) fn fail(
        &self,
        job: HeldJob,
        firm: bool,
        error: impl FnOnce() -> TaskError + Send + 'static,
    ) {
        let mut found = self.lock();
        if found.lanes.has(&job) {
            let id = job.id();
            return found.lanes.push(id, Step::Fail(job, firm, Box::new(error)));
        }
        found.errands.push_back(Box::new(move || job.fail(error())));
    }

    /// Adds jobs that are cancelled because the pool is being shut down.
    pub(crate) fn cancel(&self, jobs: impl Iterator<Item = Job>) {
        self.lock().cancelled.extend(jobs);
    }

    /// Whether nothing stands here, and whether nothing is at work either.
    pub(crate) fn is_clear(&self) -> (bool, bool) {
        let found = self.lock();
        (found.is_empty(), found.at_work == 0)
    }

    /// Takes one piece after another and works at it, as long as there are any and `go_on`.
    /// Before each that may wait for a round, since it is no plain result nor anybody to be
    /// woken, `others` is asked whether it is to be done now.
    pub(crate) fn work(
        &self,
        scratch: &mut Scratch,
        go_on: impl Fn() -> bool,
        mut others: impl FnMut() -> bool,
    ) {
        let mut work = || while go_on() && self.work_at_next(scratch, &mut others) {};
        // What resolves a task catches its own panics; a waker may panic here.
        while let Err(report) = catch(&mut work) {
            say!(error, %report, "a task was resolved with a panic");
        }
    }

    /// Works at all that stands here, for the last time: nobody supervises any more.
    pub(crate) fn work_off(&self, scratch: &mut Scratch) {
        self.work(scratch, || true, || true);
        scratch.leave(self);
    }

    /// False if there was nothing to be done now.
    fn work_at_next(&self, scratch: &mut Scratch, others: impl FnOnce() -> bool) -> bool {
        let mut found = self.lock();
        scratch.put_down_into(&mut found);
        scratch.lane = None;
        // By far the most: not moved through a piece.
        if let Some(Plain { job, kind, small }) = found.plain.pop_front() {
            scratch.read(&found, small);
            scratch.begin(&mut found);
            drop(found);
            reply::resolve(job, kind, &mut scratch.buffer, &mut scratch.wakeups);
            return true;
        }
        let Some(piece) = found.next(others) else {
            return false;
        };
        match &piece {
            Piece::Resolve(harvest) => scratch.take_up(&mut found, &harvest.bytes),
            _ => scratch.begin(&mut found),
        }
        drop(found);
        self.work_at(piece, scratch);
        true
    }

    fn work_at(&self, piece: Piece, scratch: &mut Scratch) {
        match piece {
            Piece::Resolve(harvest) => harvest.resolve(scratch),
            Piece::Step(job, step) => {
                scratch.lane = Some(job);
                self.step(job, step, scratch);
            }
            Piece::Wake(waker) => waker.wake(),
            Piece::Errand(errand) => errand(),
            Piece::Cancel(job) => drop(job.cancel("its pool was shut down")),
        }
    }
}

impl Payload {
    /// The same, when there is no telling how long the small ones are kept.
    fn on_its_own(self, small: &[u8]) -> Self {
        match self {
            Self::Small(its) => Self::Large(its.of(small).to_vec()),
            Self::Large(bytes) => Self::Large(bytes),
        }
    }
}

impl Small {
    #[inline]
    fn of(self, small: &[u8]) -> &[u8] {
        &small[self.start..self.start + self.len as usize]
    }
}

impl Harvest {
    #[inline]
    fn resolve(self, scratch: &mut Scratch) {
        let wakeups = &mut scratch.wakeups;
        match (self.overruled, self.bytes) {
            (Some(error), _) => self.job.fail(error),
            (None, Payload::Large(mut bytes)) => {
                reply::resolve(self.job, self.kind, &mut bytes, wakeups);
                spare::give(bytes);
            }
            (None, Payload::Small(_)) => {
                reply::resolve(self.job, self.kind, &mut scratch.buffer, wakeups);
            }
        }
    }
}

impl std::fmt::Debug for Unresolved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let found = self.lock();
        f.debug_struct("Unresolved")
            .field("small", &found.plain.len())
            .field("unfollowed", &found.unfollowed.len())
            .field("followed", &found.followed.len())
            .field("at_work", &found.at_work)
            .finish_non_exhaustive()
    }
}
