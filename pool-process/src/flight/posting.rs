//! Posting a job, which was encoded when it came, to the worker.
//!
//! What fits stands in the job's slot; the rest goes through the pipe of arguments, as
//! the worker makes room. By message, the argument goes with the message, and only the
//! state of the job stands in its slot.

use super::table::Table;
use super::{Flight, Violation};
use crate::config::{PREFETCH_BYTES, PREFETCH_PIPED};
use crate::image;
use crate::transport::{INLINE, Order, Transport};
use executor_core::queue::Husks;
use executor_core::{HeldJob, Job};
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

/// An argument that is being written to the pipe.
#[derive(Debug)]
pub(super) struct Feed {
    pub(super) seq: u64,
    len: usize,
    fed: usize,
}

/// In place of where a function is: a worker that finds this fails the job.
const NOWHERE: i64 = i64::MAX;

/// Where the function of a job is, which was asked for when the job came.
fn offset_of(job: &HeldJob) -> i64 {
    job.entry().and_then(image::offset_of).unwrap_or(NOWHERE)
}

/// An argument with fewer bytes is fed at once; a larger one when the worker can read
/// it meanwhile.
const LITTLE: usize = 64 * 1024;

impl Flight {
    /// Posts jobs from the front of `jobs`, up to `most` of them, as long as there is room.
    /// Gives their numbers. The worker is not told yet: see [`release`](Self::release).
    pub(crate) fn post(
        self: &Arc<Self>,
        jobs: &mut VecDeque<Job>,
        most: usize,
        husks: &mut Husks,
    ) -> Range<u64> {
        let mut guard = self.table();
        let table = &mut *guard;
        let first = table.next;
        while table.next - first < most as u64 && self.takes_more(table) {
            let Some(job) = jobs.pop_front() else { break };
            self.post_one(table, job, husks);
        }
        self.watch_first(table);
        self.publish(table);
        first..table.next
    }

    fn takes_more(&self, table: &Table) -> bool {
        let full = self.is_full(table.feed.is_some(), table.bytes);
        !table.closed && table.room() > 0 && !full
    }

    fn post_one(self: &Arc<Self>, table: &mut Table, job: Job, husks: &mut Husks) {
        let seq = table.next;
        // From here on `cancel` asks with this number, and waits for the lock.
        let Some(job) = job.hold_or_husk(self.clone(), seq, husks) else {
            return;
        };
        let mut order = Order {
            offset: offset_of(&job),
            limited: job.timeout().is_some(),
            len: 0,
            piped: None,
        };
        let slot = self.board.slot(seq);
        let mut len = 0;
        job.with_payload(|[before, bytes]| {
            len = before.len() + bytes.len();
            if self.way == Transport::Messages {
                return slot.post(seq, order, &[]);
            }
            order.len = len as u64;
            if len <= INLINE {
                return match bytes {
                    [] => slot.post(seq, order, before),
                    _ => slot.post(seq, order, &[before, bytes].concat()),
                };
            }
            order.piped = Some(self.board.next_argument());
            slot.post(seq, order, &[]);
            let fed = 0;
            table.feed = Some(Feed { seq, len, fed });
        });
        table.post(if len <= INLINE { 0 } else { len }, job);
        if len < LITTLE && table.feed.is_some() {
            // If the worker lies about what it has read, that is found when the rest
            // is fed.
            let _ = self.feed_more(table);
        }
    }

    /// Shows to `f` where the function of a job is, whether its time is limited, and its
    /// argument, to be sent by message. Of one that was taken back since it was posted
    /// there is nothing to be shown; the worker acknowledges that when it comes to its
    /// place.
    pub(crate) fn show(&self, seq: u64, mut f: impl FnMut(i64, bool, [&[u8]; 2])) {
        match self.table().job(seq) {
            Some(job) => {
                let limited = job.timeout().is_some();
                job.with_payload(|pieces| f(offset_of(job), limited, pieces));
            }
            None => f(NOWHERE, false, [&[], &[]]),
        }
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

    fn feed_more(&self, table: &mut Table) -> Result<(), Violation> {
        let Some(mut feed) = table.feed.take() else {
            return Ok(());
        };
        // It may have been taken back: the rest is not wanted any more.
        let Some(job) = table.job(feed.seq) else {
            return Ok(());
        };
        let mut fed = Ok(());
        job.with_payload(|pieces| fed = self.feed_on(&mut feed, pieces));
        fed?;
        if feed.fed < feed.len {
            table.feed = Some(feed);
        }
        Ok(())
    }

    fn feed_on(&self, feed: &mut Feed, pieces: [&[u8]; 2]) -> Result<(), Violation> {
        let mut start = 0;
        for piece in pieces {
            if let Some(rest @ [_, ..]) = piece.get(feed.fed - start..) {
                let fed = self.board.feed(rest);
                feed.fed += fed.map_err(|_| Violation("it has read what was never written"))?;
            }
            start += piece.len();
            if feed.fed < start {
                break;
            }
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
        if table.job(seq).is_some() {
            return Some(true);
        }
        // The worker never heard of it and will not acknowledge it.
        table.release_first();
        self.watch_first(&mut table);
        self.publish(&table);
        None
    }
}
