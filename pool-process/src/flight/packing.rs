//! Packing a job: from the queue onto the board, or into a message.

use super::table::{Entry, Held};
use super::{Flight, Violation};
use crate::transport::Outbox;
use executor_core::Job;
use std::sync::Arc;

/// What became of a job that was to be packed.
pub(crate) enum Packed {
    /// It is with the worker, or on its way, or it was cancelled or failed.
    Done {
        /// Whether that was all there is room for.
        full: bool,
    },
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
    /// The number of the job that was packed last.
    pub(crate) fn last(&self) -> Option<u64> {
        let table = self.table();
        (!table.is_empty()).then(|| table.posted - 1)
    }

    /// Whether it is the turn of a job that was packed and not sent.
    pub(crate) fn turn(&self, seq: u64) -> Turn {
        let mut table = self.table();
        if table.front() != Some(seq) {
            return Turn::NotYet;
        }
        match table.entry(seq) {
            Some(entry) if matches!(entry.held, Held::Job(_)) => Turn::Now,
            _ => {
                // The worker never heard of it and will not acknowledge it.
                table.release_first();
                self.watch_first(&mut table);
                Turn::Gone
            }
        }
    }

    /// Feeds the argument of the job that was packed last, unless it was taken
    /// back.
    ///
    /// # Errors
    /// The worker says of its reading what cannot be.
    pub(crate) fn feed(&self, outbox: &mut Outbox) -> Result<(), Violation> {
        let Some(seq) = outbox.feeding() else {
            return Ok(());
        };
        let mut table = self.table();
        let Some(Held::Job(job)) = table.entry(seq).map(|entry| &entry.held) else {
            outbox.stop_feeding();
            return Ok(());
        };
        let fed = outbox.feed(&self.board, job);
        fed.map_err(|_| Violation("it has read what was never written"))
    }

    /// Lets the worker begin what was packed.
    pub(crate) fn release(&self) {
        let posted = self.table().posted;
        self.board.release(posted);
    }

    /// Encodes a job and takes it into the table.
    ///
    /// Called by the supervisor alone, which then [`release`](Self::release)s it, or
    /// sends the message.
    pub(crate) fn pack(self: &Arc<Self>, job: Job, offset: i64, outbox: &mut Outbox) -> Packed {
        let Some(seq) = self.table().reserve(Entry::packing) else {
            return Packed::Full(job);
        };
        // From here on `cancel` is called with this number.
        let Some(mut job) = job.hold(self.clone(), seq) else {
            self.table().give_up(seq);
            return Packed::Done { full: false };
        };
        let (begun, encoded) = outbox.begin(seq, offset, &mut job);

        let mut guard = self.table();
        let table = &mut *guard;
        // Nobody else removes an entry that is being packed.
        let entry = table.entry(seq);
        let refused = match (encoded, entry.map(|entry| &mut entry.held)) {
            (Err(error), _) => Some(error),
            (Ok(()), Some(Held::Packing { refused })) => refused.take(),
            (Ok(()), _) => None,
        };
        if let Some(error) = refused {
            // Its number may be known to whoever cancels it: it is not used again.
            outbox.post_refused(&self.board, begun);
            table.post(seq, 0, Held::TakenBack);
            drop(guard);
            job.fail(error);
            return Packed::Done { full: false };
        }
        let bytes = outbox.post(&self.board, begun);
        table.post(seq, bytes, Held::Job(job));
        self.watch_first(table);
        let full = outbox.is_full(table.bytes);
        // What is large is fed when the worker can read it meanwhile.
        if !outbox.feeds_little() {
            return Packed::Done { full };
        }
        drop(guard);
        // If the worker lies about what it has read, that is found when the rest
        // is fed.
        let _ = self.feed(outbox);
        let full = outbox.is_full(self.table().bytes);
        Packed::Done { full }
    }
}
