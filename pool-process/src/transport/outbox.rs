//! What is on its way to a worker: messages, or arguments for the board.
//!
//! Both are filled by the supervisor alone, job by job, in the order in which
//! the worker takes them.

use super::board::{Board, place};
use super::frame::{begin_parcel, end_parcel};
use super::pipe::Impossible;
use super::slot::{INLINE, Order};
use crate::config::{PREFETCH_BYTES, PREFETCH_PIPED};

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

/// An argument that there was no room for.
#[derive(Debug)]
struct Feed {
    seq: u64,
    bytes: Vec<u8>,
    fed: usize,
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

    /// Begins a job, whose argument is then to be appended to the buffer that is
    /// given. What is given as well is to be passed to [`post`](Self::post).
    pub(crate) fn begin(&mut self, seq: u64, offset: i64, limited: bool) -> (usize, &mut Vec<u8>) {
        let start = match self.way {
            Transport::SharedMemory => {
                self.buffer.clear();
                0
            }
            Transport::Messages => begin_parcel(&mut self.buffer, place(seq), seq, offset, limited),
        };
        (start, &mut self.buffer)
    }

    /// Posts the job that was begun. Says how many bytes wait to be read for it.
    pub(crate) fn post(
        &mut self,
        board: &Board,
        start: usize,
        seq: u64,
        offset: i64,
        limited: bool,
    ) -> usize {
        let mut order = Order {
            offset,
            limited,
            len: 0,
            piped: None,
        };
        if self.way == Transport::Messages {
            end_parcel(&mut self.buffer, start);
            board.slot(seq).post(seq, order, &[]);
            return self.buffer.len() - start;
        }
        order.len = self.buffer.len() as u64;
        if self.buffer.len() <= INLINE {
            board.slot(seq).post(seq, order, &self.buffer);
            return 0;
        }
        order.piped = Some(board.next_argument());
        board.slot(seq).post(seq, order, &[]);
        let bytes = std::mem::take(&mut self.buffer);
        let unread = bytes.len();
        self.feed = Some(Feed { seq, bytes, fed: 0 });
        unread
    }

    /// Posts the job that was begun as one that must not run.
    pub(crate) fn post_refused(
        &mut self,
        board: &Board,
        start: usize,
        seq: u64,
        offset: i64,
        limited: bool,
    ) {
        if self.way == Transport::Messages {
            self.buffer.truncate(start);
            // The worker acknowledges it when it comes to its place.
            begin_parcel(&mut self.buffer, place(seq), seq, offset, limited);
            end_parcel(&mut self.buffer, start);
        }
        board.slot(seq).post_taken_back(seq);
    }

    /// The job whose argument is being fed.
    pub(crate) fn feeding(&self) -> Option<u64> {
        self.feed.as_ref().map(|feed| feed.seq)
    }

    /// Feeds on. False if there is no room.
    ///
    /// # Errors
    /// The worker says of its reading what cannot be.
    pub(crate) fn feed(&mut self, board: &Board) -> Result<bool, Impossible> {
        let Some(feed) = &mut self.feed else {
            return Ok(false);
        };
        let fed = board.feed(&feed.bytes[feed.fed..])?;
        feed.fed += fed;
        if feed.fed == feed.bytes.len() {
            self.stop_feeding();
        }
        Ok(fed > 0)
    }

    /// The rest of the argument that is being fed is not wanted any more.
    pub(crate) fn stop_feeding(&mut self) {
        if let Some(Feed { mut bytes, .. }) = self.feed.take() {
            bytes.clear();
            bytes.shrink_to(2 * PREFETCH_PIPED);
            self.buffer = bytes;
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
