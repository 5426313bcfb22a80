//! Packing a job: from the queue into a message and onto the board.

use super::Flight;
use super::table::{Entry, Held, split, ticket};
use crate::transport::{begin_parcel, end_parcel};
use executor_core::Job;

/// What became of a job that was to be packed.
pub(crate) enum Packed {
    /// It is in the message and on the board, or it was cancelled or failed.
    Done,
    /// No room: the job comes back.
    Full(Job),
}

/// Whether a job whose message was kept back is to be sent now.
pub(crate) enum Turn {
    /// Others come before it.
    NotYet,
    Now,
    /// It was taken back meanwhile, and is forgotten.
    Gone,
}

impl Flight {
    /// The ticket of the job that was packed last.
    pub(crate) fn last(&self) -> Option<u64> {
        let table = self.table();
        let slot = *table.order.back()?;
        Some(ticket(slot, table.entries[slot].as_ref()?.seq))
    }

    /// Whether it is the turn of a job that was packed and not sent.
    pub(crate) fn turn(&self, ticket: u64) -> Turn {
        let (slot, seq) = split(ticket);
        let mut table = self.table();
        if table.order.front() != Some(&slot) {
            return Turn::NotYet;
        }
        match table.entry(slot, seq) {
            Some(entry) if matches!(entry.held, Held::Job(_)) => Turn::Now,
            _ => {
                // The worker never heard of it and will not acknowledge it.
                table.order.pop_front();
                table.release(slot);
                self.watch_first(&mut table);
                Turn::Gone
            }
        }
    }

    /// Encodes a job into `message` and takes it into the table.
    ///
    /// Called by the supervisor alone, which then sends the message.
    pub(crate) fn pack(&self, job: Job, offset: i64, message: &mut Vec<u8>) -> Packed {
        let (slot, seq) = {
            let mut table = self.table();
            let Some(slot) = table.free.pop() else {
                return Packed::Full(job);
            };
            let seq = table.next_seq;
            table.next_seq += 1;
            table.entries[slot] = Some(Entry {
                seq,
                bytes: 0,
                held: Held::Packing { refused: None },
                fate: None,
                limit: None,
                since: None,
                began: None,
            });
            (slot, seq)
        };
        let Some(myself) = self.myself.upgrade() else {
            return Packed::Full(job);
        };
        // From here on `cancel` is called with this ticket.
        let Some(mut job) = job.hold(myself, ticket(slot, seq)) else {
            self.table().release(slot);
            return Packed::Done;
        };
        let start = begin_parcel(message, slot, seq, offset, job.timeout().is_some());
        let encoded = job.encode_argument(message);
        end_parcel(message, start);

        let mut guard = self.table();
        let table = &mut *guard;
        // Nobody else removes an entry that is being packed.
        let entry = table.entries[slot].as_mut();
        let refused = match (encoded, entry.map(|entry| &mut entry.held)) {
            (Err(error), _) => Some(error),
            (Ok(()), Some(Held::Packing { refused })) => refused.take(),
            (Ok(()), _) => None,
        };
        if let Some(error) = refused {
            message.truncate(start);
            table.release(slot);
            drop(guard);
            job.fail(error);
            return Packed::Done;
        }
        let bytes = message.len() - start;
        if let Some(entry) = &mut table.entries[slot] {
            entry.bytes = bytes;
            entry.held = Held::Job(job);
        }
        table.bytes += bytes;
        self.board.post(slot, seq);
        table.order.push_back(slot);
        self.watch_first(table);
        Packed::Done
    }
}
