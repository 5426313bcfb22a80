//! Posting a job: from the supervisor that has encoded it to the worker.
//!
//! What fits stands in the job's slot; the rest goes through the pipe of arguments, as
//! the worker makes room. By message, the argument goes with the message, and only the
//! state of the job stands in its slot.

use super::table::Held;
use super::{Flight, Violation};
use crate::config::{PREFETCH_BYTES, PREFETCH_PIPED};
use crate::packing::{Packing, Parcel};
use crate::transport::{INLINE, Order, Transport};
use executor_core::{HeldJob, TaskError, spare};
use std::sync::Arc;

/// An argument that is being written to the pipe.
#[derive(Debug)]
pub(super) struct Feed {
    pub(super) seq: u64,
    /// What is encoded of it; the rest, if there is any, are bytes that stand in
    /// the job itself.
    bytes: Vec<u8>,
    rest: usize,
    fed: usize,
}

/// An argument with fewer bytes is fed at once; a larger one when the worker can read
/// it meanwhile.
const LITTLE: usize = 64 * 1024;

/// What became of a job that was to be posted.
pub(crate) enum Posted {
    /// It is with the worker, which was not told yet: see [`Flight::release`]. By
    /// message, this is its number.
    Done(u64),
    /// It was cancelled, or its time in the queue was over, while it was encoded: it is
    /// to be failed with this.
    Refused(HeldJob, TaskError, u64),
    /// There is no room, or the worker has ended.
    NoRoom(Parcel),
}

impl Flight {
    /// Takes a job into the table, whose argument was encoded. `buffer` holds what was
    /// encoded; where it goes to the pipe it is taken.
    pub(crate) fn post(
        self: &Arc<Self>,
        mut parcel: Parcel,
        packing: &Packing,
        buffer: &mut Vec<u8>,
    ) -> Posted {
        let mut guard = self.table();
        let table = &mut *guard;
        if table.closed || table.room() == 0 || self.is_full(table.feed.is_some(), table.bytes) {
            return Posted::NoRoom(parcel);
        }
        let seq = table.next;
        // From here on `cancel` asks with this number, and waits for the lock.
        parcel.job.set_ticket(seq);
        if let Some(error) = packing.close() {
            // Its number may be known to whoever cancels it: it is not used again.
            self.board.slot(seq).post_taken_back(seq);
            table.post(0, Held::TakenBack);
            self.publish(table);
            return Posted::Refused(parcel.job, error, seq);
        }
        let unread = buffer.len() + parcel.rest;
        let mut order = Order {
            offset: parcel.offset,
            limited: parcel.job.timeout().is_some(),
            len: unread as u64,
            piped: None,
        };
        let slot = self.board.slot(seq);
        match self.way {
            Transport::Messages => {
                order.len = 0;
                slot.post(seq, order, &[]);
            }
            Transport::SharedMemory if unread <= INLINE => slot.post(seq, order, buffer),
            Transport::SharedMemory => {
                order.piped = Some(self.board.next_argument());
                slot.post(seq, order, &[]);
                table.feed = Some(Feed {
                    seq,
                    bytes: std::mem::take(buffer),
                    rest: parcel.rest,
                    fed: 0,
                });
            }
        }
        let bytes = if unread <= INLINE { 0 } else { unread };
        table.post(bytes, Held::Job(parcel.job));
        self.watch_first(table);
        if unread < LITTLE && table.feed.is_some() {
            // If the worker lies about what it has read, that is found when the rest
            // is fed.
            let _ = self.feed_more(table);
        }
        self.publish(table);
        Posted::Done(seq)
    }

    /// True if no more is to be sent ahead.
    pub(super) fn is_full(&self, feeding: bool, unread: usize) -> bool {
        match self.way {
            Transport::SharedMemory => feeding || unread >= PREFETCH_PIPED,
            Transport::Messages => unread >= PREFETCH_BYTES,
        }
    }

    /// Lets the worker begin what was posted, and wakes it if it sleeps.
    pub(crate) fn release(&self) {
        let mut table = self.table();
        if table.released == table.next {
            return;
        }
        table.released = table.next;
        let until = table.released;
        drop(table);
        self.board.release(until);
    }

    /// Feeds on with a large argument, as far as there is room.
    ///
    /// # Errors
    /// The worker says of its reading what cannot be.
    pub(crate) fn feed(&self) -> Result<(), Violation> {
        if !self.is_feeding() {
            return Ok(());
        }
        let mut table = self.table();
        let fed = self.feed_more(&mut table);
        self.publish(&table);
        fed
    }

    fn feed_more(&self, table: &mut super::Table) -> Result<(), Violation> {
        let Some(mut feed) = table.feed.take() else {
            return Ok(());
        };
        // It may have been taken back: the rest is not wanted any more.
        let entry = table.entry(feed.seq).map(|entry| &entry.held);
        let Some(Held::Job(job)) = entry else {
            feed.put_away();
            return Ok(());
        };
        let encoded = feed.bytes.len();
        let lie = |_| Violation("it has read what was never written");
        if feed.fed < encoded {
            feed.fed += self.board.feed(&feed.bytes[feed.fed..]).map_err(lie)?;
        }
        if feed.fed >= encoded && feed.rest > 0 {
            let mut fed = Ok(0);
            job.with_argument_bytes(|bytes| {
                // It has not changed since it was measured: nobody else has it.
                let rest = bytes.get(feed.fed - encoded..).unwrap_or_default();
                fed = self.board.feed(rest);
            });
            feed.fed += fed.map_err(lie)?;
        }
        if feed.fed == encoded + feed.rest {
            feed.put_away();
        } else {
            table.feed = Some(feed);
        }
        Ok(())
    }

    /// Whether a job is to be sent whose message was kept back: `None` if it was taken
    /// back meanwhile, and is forgotten. By message only.
    pub(crate) fn is_turn(&self, seq: u64) -> Option<bool> {
        let mut table = self.table();
        if seq < table.first {
            // The worker says that it has finished what it was never sent.
            return None;
        }
        if table.front() != Some(seq) {
            return Some(false);
        }
        if matches!(table.entry(seq), Some(entry) if matches!(entry.held, Held::Job(_))) {
            return Some(true);
        }
        // The worker never heard of it and will not acknowledge it.
        table.release_first();
        self.watch_first(&mut table);
        self.publish(&table);
        None
    }
}

impl Feed {
    fn put_away(self) {
        spare::give(self.bytes);
    }
}
