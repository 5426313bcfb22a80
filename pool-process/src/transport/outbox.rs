//! What is on its way to a worker: messages, or arguments for the board.
//!
//! Both are filled by the supervisor alone, job by job, in the order in which
//! the worker takes them.

use super::board::{Board, place};
use super::frame::{begin_parcel, end_parcel};
use super::pipe::Impossible;
use super::slot::{INLINE, Order};
use crate::config::{PREFETCH_BYTES, PREFETCH_PIPED};
use executor_core::{HeldJob, TaskError, spare};

/// How jobs and results move between a pool and its workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum Transport {
    /// Through memory that each worker shares with its parent, with system calls
    /// only where one side sleeps. The default.
    #[default]
    SharedMemory,
    /// As messages over channels, with no more than the state of each job and
    /// small results in shared memory: slower, for systems where processes
    /// cannot wake one another through shared memory.
    Messages,
}

/// What was packed and has not gone yet.
#[derive(Debug)]
pub(crate) struct Outbox {
    way: Transport,
    /// The message; or the argument that is being encoded.
    buffer: Vec<u8>,
    feed: Option<Feed>,
}

/// An argument that is being written to the pipe.
#[derive(Debug)]
struct Feed {
    seq: u64,
    /// What is encoded of it; the rest, if there is any, are bytes that stand in
    /// the job itself.
    bytes: Vec<u8>,
    rest: usize,
    fed: usize,
}

/// A larger buffer does not stay with a supervisor.
const KEPT: usize = 2 * PREFETCH_PIPED;

/// An argument with no fewer bytes is large. If it is nothing else it is not encoded
/// but fed from where it is.
const LARGE: usize = 64 * 1024;

/// A job that was begun and is to be posted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Begun {
    seq: u64,
    offset: i64,
    limited: bool,
    /// Where its parcel begins.
    start: usize,
    /// How many bytes of the argument stand in the job itself.
    rest: usize,
}

impl Begun {
    fn begin_parcel(&mut self, buffer: &mut Vec<u8>) {
        let slot = place(self.seq);
        self.start = begin_parcel(buffer, slot, self.seq, self.offset, self.limited);
    }
}

impl Outbox {
    pub(crate) fn new(way: Transport) -> Self {
        Self {
            way,
            buffer: Vec::new(),
            feed: None,
        }
    }

    /// True if no more should be packed, with so many bytes unread.
    pub(crate) fn is_full(&self, unread: usize) -> bool {
        match self.way {
            Transport::SharedMemory => self.feed.is_some() || unread >= PREFETCH_PIPED,
            Transport::Messages => unread >= PREFETCH_BYTES,
        }
    }

    /// Begins a job and encodes its argument. What is given is to be passed to
    /// [`post`](Self::post).
    ///
    /// # Errors
    /// The argument cannot be encoded.
    pub(crate) fn begin(
        &mut self,
        seq: u64,
        offset: i64,
        job: &mut HeldJob,
    ) -> (Begun, Result<(), TaskError>) {
        let limited = job.timeout().is_some();
        let mut begun = Begun {
            seq,
            offset,
            limited,
            start: 0,
            rest: 0,
        };
        match self.way {
            Transport::Messages => begun.begin_parcel(&mut self.buffer),
            Transport::SharedMemory => {
                self.buffer.clear();
                match job.encode_argument_head(LARGE, &mut self.buffer) {
                    Ok(false) => {}
                    Ok(true) => {
                        job.with_argument_bytes(|bytes| begun.rest = bytes.len());
                        return (begun, Ok(()));
                    }
                    Err(error) => return (begun, Err(error)),
                }
            }
        }
        let encoded = job.encode_argument(&mut self.buffer);
        (begun, encoded)
    }

    /// Posts the job that was begun. Says how many bytes wait to be read for it.
    pub(crate) fn post(&mut self, board: &Board, begun: Begun) -> usize {
        let seq = begun.seq;
        let mut order = Order {
            offset: begun.offset,
            limited: begun.limited,
            len: 0,
            piped: None,
        };
        if self.way == Transport::Messages {
            end_parcel(&mut self.buffer, begun.start);
            board.slot(seq).post(seq, order, &[]);
            return self.buffer.len() - begun.start;
        }
        let unread = self.buffer.len() + begun.rest;
        order.len = unread as u64;
        if unread <= INLINE {
            board.slot(seq).post(seq, order, &self.buffer);
            return 0;
        }
        order.piped = Some(board.next_argument());
        board.slot(seq).post(seq, order, &[]);
        self.feed = Some(Feed {
            seq,
            bytes: std::mem::take(&mut self.buffer),
            rest: begun.rest,
            fed: 0,
        });
        unread
    }

    /// Posts the job that was begun as one that must not run.
    pub(crate) fn post_refused(&mut self, board: &Board, mut begun: Begun) {
        if self.way == Transport::Messages {
            self.buffer.truncate(begun.start);
            // The worker acknowledges it when it comes to its place.
            begun.begin_parcel(&mut self.buffer);
            end_parcel(&mut self.buffer, begun.start);
        }
        board.slot(begun.seq).post_taken_back(begun.seq);
        self.buffer.shrink_to(2 * PREFETCH_PIPED);
    }

    /// The job whose argument is being fed.
    pub(crate) fn feeding(&self) -> Option<u64> {
        self.feed.as_ref().map(|feed| feed.seq)
    }

    /// True if an argument is being fed that is not large.
    pub(crate) fn feeds_little(&self) -> bool {
        let feed = self.feed.as_ref();
        feed.is_some_and(|feed| feed.bytes.len() + feed.rest < LARGE)
    }

    /// Feeds on: an argument of this job, as far as there is room.
    ///
    /// # Errors
    /// The worker says of its reading what cannot be.
    pub(crate) fn feed(&mut self, board: &Board, job: &HeldJob) -> Result<(), Impossible> {
        let Some(feed) = &mut self.feed else {
            return Ok(());
        };
        let encoded = feed.bytes.len();
        if feed.fed < encoded {
            feed.fed += board.feed(&feed.bytes[feed.fed..])?;
        }
        if feed.fed >= encoded && feed.rest > 0 {
            let mut fed = Ok(0);
            job.with_argument_bytes(|bytes| {
                // It has not changed since it was measured: nobody else has it.
                let rest = bytes.get(feed.fed - encoded..).unwrap_or_default();
                fed = board.feed(rest);
            });
            feed.fed += fed?;
        }
        if feed.fed == encoded + feed.rest {
            self.stop_feeding();
        }
        Ok(())
    }

    /// The rest of the argument that is being fed is not wanted any more.
    pub(crate) fn stop_feeding(&mut self) {
        if let Some(Feed { mut bytes, .. }) = self.feed.take() {
            bytes.clear();
            if bytes.capacity() <= KEPT {
                self.buffer = bytes;
            } else {
                spare::give(bytes);
            }
        }
    }

    /// The message, from some place on.
    pub(crate) fn split_off(&mut self, at: usize) -> Vec<u8> {
        self.buffer.split_off(at)
    }

    /// The length of the message.
    pub(crate) fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Takes the message, to be given back when it is sent.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    /// Takes a message back that was sent, for its memory.
    pub(crate) fn give_back(&mut self, mut message: Vec<u8>) {
        message.clear();
        message.shrink_to(4 * PREFETCH_BYTES);
        self.buffer = message;
    }
}
