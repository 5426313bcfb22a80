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
use crate::unresolved::{Harvest, Payload};
use executor_core::HeldJob;
use executor_core::timer::Timer;
use std::time::Instant;

#[derive(Debug)]
pub(super) struct Table {
    entries: Box<[Option<Entry>]>,
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

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) bytes: usize,
    pub(super) held: Held,
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

#[derive(Debug)]
pub(super) enum Held {
    Job(HeldJob),
    /// Taken back; the worker has yet to see that.
    TakenBack,
}

impl Table {
    pub(super) fn new(pid: u32) -> Self {
        Self {
            entries: (0..SLOTS).map(|_| None).collect(),
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

    /// How many can be added.
    pub(super) fn room(&self) -> usize {
        SLOTS - self.len()
    }

    /// The number of the first.
    pub(super) fn front(&self) -> Option<u64> {
        (!self.is_empty()).then_some(self.first)
    }

    /// A job by its number, if it is there.
    pub(super) fn entry(&mut self, seq: u64) -> Option<&mut Entry> {
        let is_here = (self.first..self.next).contains(&seq);
        self.entries[place(seq)].as_mut().filter(|_| is_here)
    }

    /// The next number is with the worker.
    pub(super) fn post(&mut self, bytes: usize, held: Held) {
        self.taken_back += usize::from(matches!(held, Held::TakenBack));
        self.entries[place(self.next)] = Some(Entry { bytes, held });
        self.bytes += bytes;
        self.next += 1;
    }

    /// The first is with the worker no more.
    pub(super) fn release_first(&mut self) -> Option<Entry> {
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
        let entry = self.entries[place(seq)].take()?;
        self.bytes -= entry.bytes;
        self.taken_back -= usize::from(matches!(entry.held, Held::TakenBack));
        Some(entry)
    }

    /// The first job is finished.
    pub(super) fn finish(&mut self, kind: u32, bytes: Payload) -> Result<Harvest, Violation> {
        let overruled = self.fate_of(self.first);
        match self.release_first().map(|entry| entry.held) {
            Some(Held::Job(job)) => Ok(Harvest {
                job,
                kind,
                bytes,
                // The owner was told that it is being stopped: that stays true.
                overruled: overruled.map(|fate| sentence(fate, self.pid, true)),
            }),
            _ => Err(Violation("a result for a job that was taken back")),
        }
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
            Some(entry) if matches!(entry.held, Held::TakenBack) => {
                self.release_first();
                Ok(())
            }
            // The job stays, to be lost with its worker.
            _ => Err(Violation("it gave back a job that nobody asked for")),
        }
    }
}
