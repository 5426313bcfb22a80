//! The table behind a [`Flight`](super::Flight): slots, their jobs, and the order
//! in which the worker takes them.

use super::stopping::{Fate, sentence};
use super::{Harvest, Violation};
use crate::transport::SLOTS;
use executor_core::timer::Timer;
use executor_core::{HeldJob, TaskError};
use std::collections::VecDeque;
use std::time::Instant;

#[derive(Debug)]
pub(super) struct Table {
    pub(super) entries: [Option<Entry>; SLOTS],
    pub(super) order: VecDeque<usize>,
    pub(super) free: Vec<usize>,
    pub(super) next_seq: u64,
    /// Bytes of arguments that the worker may not have read.
    pub(super) bytes: usize,
    /// The worker's, for errors.
    pub(super) pid: u32,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) seq: u64,
    pub(super) bytes: usize,
    pub(super) held: Held,
    /// Why the worker is being killed for this job.
    pub(super) fate: Option<Fate>,
    pub(super) limit: Option<Timer>,
    /// When it became the first.
    pub(super) since: Option<Instant>,
    /// When the worker began, as it said when it was first asked.
    pub(super) began: Option<Instant>,
}

#[derive(Debug)]
pub(super) enum Held {
    /// Its argument is being encoded. It is not to run if it was cancelled, or
    /// its time in the queue was over, meanwhile.
    Packing {
        refused: Option<TaskError>,
    },
    Job(HeldJob),
    /// Taken back; the worker has yet to see that.
    TakenBack,
}

impl Table {
    pub(super) fn new(pid: u32) -> Self {
        Self {
            entries: std::array::from_fn(|_| None),
            order: VecDeque::with_capacity(SLOTS),
            free: (0..SLOTS).rev().collect(),
            next_seq: 1,
            bytes: 0,
            pid,
        }
    }

    pub(super) fn entry(&mut self, slot: usize, seq: u64) -> Option<&mut Entry> {
        let entry = self.entries.get_mut(slot)?.as_mut()?;
        (entry.seq == seq).then_some(entry)
    }

    /// Frees a slot.
    pub(super) fn release(&mut self, slot: usize) -> Option<Entry> {
        let entry = self.entries[slot].take()?;
        self.bytes -= entry.bytes;
        self.free.push(slot);
        Some(entry)
    }

    /// The first job is finished.
    pub(super) fn finish(
        &mut self,
        slot: usize,
        kind: u32,
        bytes: Vec<u8>,
    ) -> Result<Option<Harvest>, Violation> {
        self.order.pop_front();
        match self.release(slot) {
            Some(Entry {
                held: Held::Job(job),
                fate,
                ..
            }) => Ok(Some(Harvest {
                job,
                kind,
                bytes,
                // The owner was told that it is being stopped: that stays true.
                overruled: fate.map(|fate| sentence(fate, self.pid)),
            })),
            _ => Err(Violation("a result for a job that was taken back")),
        }
    }

    pub(super) fn settle_taken_back(&mut self, slot: usize) -> Result<(), Violation> {
        match &self.entries[slot] {
            Some(entry) if matches!(entry.held, Held::TakenBack) => {
                self.order.pop_front();
                self.release(slot);
                Ok(())
            }
            // The job stays, to be lost with its worker.
            _ => Err(Violation("it gave back a job that nobody asked for")),
        }
    }
}

pub(super) fn ticket(slot: usize, seq: u64) -> u64 {
    seq * SLOTS as u64 + slot as u64
}

pub(super) fn split(ticket: u64) -> (usize, u64) {
    let slots = SLOTS as u64;
    ((ticket % slots) as usize, ticket / slots)
}
