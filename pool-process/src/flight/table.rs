//! The table behind a [`Flight`](super::Flight): the jobs that are with a worker,
//! by number, in the order in which the worker takes them.
//!
//! ```text
//!         first                 released       next
//!           │ the worker may begin │ posted      │ free
//! ──────────┴──────────────────────┴─────────────┴──────
//! ```

use super::Violation;
use super::posting::Feed;
use super::stopping::{Fate, sentence};
use crate::transport::{SLOTS, place};
use executor_core::timer::Timer;
use executor_core::{HeldJob, TaskError};
use std::time::Instant;

#[derive(Debug)]
pub(super) struct Table {
    entries: Box<[Entry]>,
    /// The oldest.
    pub(super) first: u64,
    /// The first that the worker was not told of.
    pub(super) released: u64,
    /// The first that is free.
    pub(super) next: u64,
    /// The argument that is being written to the pipe: that of the job that was posted
    /// last.
    pub(super) feed: Option<Feed>,
    /// The worker has ended, or is given up: no job is posted any more.
    pub(super) closed: bool,
    /// How many of them were taken back.
    pub(super) taken_back: usize,
    /// Bytes of arguments that the worker may not have read.
    pub(super) bytes: usize,
    /// What concerns the oldest alone.
    pub(super) at_first: AtFirst,
    /// How many parts of results have come.
    pub(super) parts: u64,
    /// No part of a job before this number comes any more.
    pub(super) parted: u64,
    /// The job for which the worker is being killed, and why.
    pub(super) fate: Option<(u64, Fate)>,
    /// The worker's, for errors.
    pub(super) pid: u32,
}

/// What is with the worker, if its number is one of those that are.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// Bytes of its argument that the worker may not have read.
    bytes: usize,
    /// `None` if it was taken back, which the worker has yet to see.
    pub(super) job: Option<HeldJob>,
}

/// What there is to know of a job from when it is the first.
#[derive(Debug, Default)]
pub(super) struct AtFirst {
    /// When it became that.
    pub(super) since: Option<Instant>,
    pub(super) limit: Option<Timer>,
    /// When the worker began, as it said when it was first asked.
    pub(super) began: Option<Instant>,
    /// How long its result is, as the worker has announced.
    pub(super) announced: Option<u64>,
    /// What has come of its result.
    pub(super) partial: Vec<u8>,
    /// How many bytes have come in parts.
    pub(super) came: u64,
    /// When a result that was announced before the limit has to be there.
    pub(super) due: Option<Instant>,
}

impl Table {
    pub(super) fn new(pid: u32) -> Self {
        Self {
            entries: (0..SLOTS).map(|_| Entry::default()).collect(),
            first: 1,
            released: 1,
            next: 1,
            feed: None,
            closed: false,
            taken_back: 0,
            bytes: 0,
            at_first: AtFirst::default(),
            parts: 0,
            parted: 0,
            fate: None,
            pid,
        }
    }

    /// True if nothing is with the worker.
    pub(super) fn is_empty(&self) -> bool {
        self.first == self.next
    }

    /// How many are with the worker, those included that it has yet to see were taken
    /// back.
    pub(super) fn len(&self) -> usize {
        (self.next - self.first) as usize
    }

    /// How many of them were not taken back.
    pub(super) fn jobs(&self) -> usize {
        self.len() - self.taken_back
    }

    /// How many can be added.
    pub(super) fn room(&self) -> usize {
        SLOTS - self.len()
    }

    /// The number of the first.
    pub(super) fn front(&self) -> Option<u64> {
        (!self.is_empty()).then_some(self.first)
    }

    /// What has this number, if it is there.
    #[inline]
    pub(super) fn entry(&mut self, seq: u64) -> Option<&mut Entry> {
        let is_here = (self.first..self.next).contains(&seq);
        is_here.then(|| &mut self.entries[place(seq)])
    }

    /// The job with this number, if it is there and was not taken back.
    #[inline]
    pub(super) fn job(&self, seq: u64) -> Option<&HeldJob> {
        let is_here = (self.first..self.next).contains(&seq);
        self.entries[place(seq)].job.as_ref().filter(|_| is_here)
    }

    /// The next number is with the worker.
    #[inline]
    pub(super) fn post(&mut self, bytes: usize, job: HeldJob) {
        let entry = &mut self.entries[place(self.next)];
        // In its place there is none: so none is dropped here.
        entry.job = Some(job);
        entry.bytes = bytes;
        self.bytes += bytes;
        self.next += 1;
    }

    /// The first is with the worker no more. `None` if it was taken back, or there is none.
    #[inline]
    pub(super) fn release_first(&mut self) -> Option<HeldJob> {
        let seq = self.front()?;
        self.first += 1;
        // Also if it became the first only a moment ago and nobody has noted when.
        let at_first = &self.at_first;
        if at_first.since.is_some() || at_first.announced.is_some() || at_first.came > 0 {
            self.at_first = AtFirst::default();
        }
        if self.feed.as_ref().is_some_and(|feed| feed.seq == seq) {
            // Taken back, and acknowledged, before anybody fed on: it is in nobody's way.
            self.feed = None;
        }
        let entry = &mut self.entries[place(seq)];
        self.bytes -= entry.bytes;
        let job = entry.job.take();
        self.taken_back -= usize::from(job.is_none());
        job
    }

    /// The first job is finished. Gives what its owner is told in place of the result, if
    /// it was stopped.
    #[inline]
    pub(super) fn finish(&mut self) -> Result<(HeldJob, Option<TaskError>), Violation> {
        let fate = self.fate_of(self.first);
        let Some(job) = self.release_first() else {
            return Err(Violation("a result for a job that was taken back"));
        };
        // The owner was told that it is being stopped: that stays true.
        Ok((job, fate.map(|fate| sentence(fate, self.pid, true))))
    }

    /// Why the worker is being killed for this job, if it is.
    pub(super) fn fate_of(&self, seq: u64) -> Option<Fate> {
        let (whose, fate) = self.fate?;
        (whose == seq).then_some(fate)
    }

    /// The worker says that it has seen the first to be taken back.
    pub(super) fn settle_taken_back(&mut self) -> Result<(), Violation> {
        let first = self.first;
        match self.entry(first) {
            Some(Entry { job: None, .. }) => {
                self.release_first();
                Ok(())
            }
            // The job stays, to be lost with its worker.
            _ => Err(Violation("it gave back a job that nobody asked for")),
        }
    }
}
