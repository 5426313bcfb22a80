//! A slot: the state of one job that is with a worker, in shared memory.
//!
//! The word holds the job's sequence number above three bits of state, so that
//! a stale view of a slot that was used again never matches.
//!
//! | state | meaning | set by | from |
//! |---|---|---|---|
//! | `QUEUED` | posted | parent | any, for a free slot |
//! | `CLAIMED` | the worker has begun the function | worker | `QUEUED` |
//! | `DONE` | the function has ended; its result stands here, or was sent | worker | `CLAIMED` |
//! | `TAKEN` | the parent took the job back: it must not run | parent | `QUEUED`, or any for a free slot |
//! | `ACKED` | the worker has seen that | worker | `TAKEN` |
//! | `CONDEMNED` | the worker is being killed for this job | parent | `CLAIMED` |
//!
//! # Races
//!
//! * *Cancel against start*: `QUEUED → TAKEN` and `QUEUED → CLAIMED` exclude each
//!   other, so a job that was reported as removed never runs, and one that runs
//!   is known to.
//! * *Kill against end*: `CLAIMED → CONDEMNED` and `CLAIMED → DONE` exclude each
//!   other. A worker that finds itself condemned starts nothing else, so the
//!   kill that follows never hits an innocent job.
//! * *Death against result*: a result is in shared memory before `DONE`, or was
//!   sent before it. When the process is gone, what is `DONE` has a result, what
//!   is `CLAIMED` was being run, what is `QUEUED` never began.
//!
//! The models in `models/` check all three, and that what was written before a
//! state is seen after it.

#[cfg(all(test, not(loom)))]
mod tests;

#[cfg(loom)]
use loom::sync::atomic::AtomicU64;
#[cfg(not(loom))]
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

/// The largest argument or result, in bytes, that is left in a slot.
pub(crate) const INLINE: usize = 88;

const QUEUED: u64 = 1;
const CLAIMED: u64 = 2;
const DONE: u64 = 3;
const TAKEN: u64 = 4;
const ACKED: u64 = 5;
const CONDEMNED: u64 = 6;

fn word(seq: u64, state: u64) -> u64 {
    seq << 3 | state
}

/// Two cache lines: no two jobs share one, and the first holds a small job
/// whole.
#[derive(Debug)]
#[repr(C, align(128))]
pub(crate) struct Slot {
    word: AtomicU64,
    /// When the worker began, in nanoseconds of the monotonic clock, if the job
    /// has a time limit.
    began: AtomicU64,
    /// The kind of the result and where it is, above its length; written by the
    /// worker.
    head: AtomicU64,
    /// Where the function is; written by the parent.
    offset: AtomicU64,
    /// Flags of the argument above its length; written by the parent.
    argument: AtomicU64,
    /// The argument, and later the result, or the argument's place in the pipe.
    data: [AtomicU64; INLINE / 8],
}

/// What one side finds in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// Posted, not begun.
    Queued,
    /// The function runs.
    Running,
    /// The function has ended.
    Done,
    /// A job that was taken back, and the worker knows.
    Acked,
    /// Waiting for the worker to see that the job was taken back.
    Taken,
    /// Condemned.
    Condemned,
    /// Nothing that our protocol would leave there.
    Nonsense,
}

/// A job as it is posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    /// Where the trampoline is, from the anchor of the program's image.
    pub(crate) offset: i64,
    /// Whether the worker is to note when it begins.
    pub(crate) limited: bool,
    /// The length of the argument.
    pub(crate) len: u64,
    /// Where the argument starts in the pipe, if it is there and not in the slot.
    pub(crate) piped: Option<u64>,
}

/// What a worker says about its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Of the module `kind`; no more than eight bits.
    pub(crate) kind: u32,
    /// Whether it is in the pipe.
    pub(crate) piped: bool,
    pub(crate) len: u64,
}

const RESULT_PIPED: u64 = 1 << 55;
const LIMITED: u64 = 1 << 63;
const PIPED: u64 = 1 << 62;

impl Slot {
    #[cfg(loom)]
    pub(crate) fn new() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            word: zero(),
            began: zero(),
            head: zero(),
            offset: zero(),
            argument: zero(),
            data: std::array::from_fn(|_| zero()),
        }
    }

    fn advance(&self, seq: u64, from: u64, to: u64) -> bool {
        self.word
            .compare_exchange(word(seq, from), word(seq, to), SeqCst, Acquire)
            .is_ok()
    }

    fn store(&self, bytes: &[u8]) {
        let (whole, rest) = bytes.as_chunks::<8>();
        for (word, eight) in self.data.iter().zip(whole) {
            word.store(u64::from_le_bytes(*eight), Relaxed);
        }
        if !rest.is_empty() {
            // In a register: a word that is put together in memory, byte by byte, and then
            // read as a whole holds the processor up.
            let behind = |word: u64, byte: &u8| word << 8 | u64::from(*byte);
            let last = rest.iter().rev().fold(0, behind);
            self.data[whole.len()].store(last, Relaxed);
        }
    }

    fn load(&self, len: usize, buffer: &mut Vec<u8>) {
        let start = buffer.len();
        let words = &self.data[..len.div_ceil(8)];
        buffer.reserve(8 * words.len());
        for word in words {
            buffer.extend_from_slice(&word.load(Relaxed).to_le_bytes());
        }
        buffer.truncate(start + len);
    }

    /// What is to be seen of a job.
    pub(crate) fn look(&self, seq: u64) -> Sight {
        let now = self.word.load(Acquire);
        if now >> 3 != seq {
            return Sight::Nonsense;
        }
        match now & 7 {
            QUEUED => Sight::Queued,
            CLAIMED => Sight::Running,
            DONE => Sight::Done,
            TAKEN => Sight::Taken,
            ACKED => Sight::Acked,
            CONDEMNED => Sight::Condemned,
            _ => Sight::Nonsense,
        }
    }

    // ----- the parent's side -----

    /// Puts a job into a slot that is free, with its argument, unless that is in
    /// the pipe or goes by message.
    pub(crate) fn post(&self, seq: u64, order: Order, inline: &[u8]) {
        let limited = if order.limited { LIMITED } else { 0 };
        let piped = if order.piped.is_some() { PIPED } else { 0 };
        self.head.store(0, Relaxed);
        self.offset.store(order.offset as u64, Relaxed);
        self.argument.store(order.len | limited | piped, Relaxed);
        match order.piped {
            Some(start) => self.data[0].store(start, Relaxed),
            None => self.store(inline),
        }
        self.word.store(word(seq, QUEUED), Release);
    }

    /// Takes a job back that has not begun.
    pub(crate) fn take_back(&self, seq: u64) -> bool {
        self.advance(seq, QUEUED, TAKEN)
    }

    /// Marks a job that runs, so that nothing runs after it. The kill follows.
    pub(crate) fn condemn(&self, seq: u64) -> bool {
        self.advance(seq, CLAIMED, CONDEMNED)
    }

    /// What the worker says about its result.
    pub(crate) fn result(&self) -> Outcome {
        let head = self.head.load(Relaxed);
        Outcome {
            kind: (head >> 56) as u32,
            piped: head & RESULT_PIPED != 0,
            len: head & (RESULT_PIPED - 1),
        }
    }

    /// Appends a result to `buffer`, and says how long it is. `None` if it cannot have
    /// that length.
    ///
    /// Only for a slot that is [`Sight::Done`].
    pub(crate) fn read(&self, len: u64, buffer: &mut Vec<u8>) -> Option<usize> {
        let len = usize::try_from(len).ok().filter(|len| *len <= INLINE)?;
        self.load(len, buffer);
        Some(len)
    }

    /// When the worker began, as it says, in nanoseconds.
    pub(crate) fn began(&self) -> u64 {
        self.began.load(Relaxed)
    }

    // ----- the worker's side -----

    /// The job that was posted.
    pub(crate) fn order(&self) -> Order {
        let argument = self.argument.load(Relaxed);
        Order {
            offset: self.offset.load(Relaxed) as i64,
            limited: argument & LIMITED != 0,
            len: argument & !(LIMITED | PIPED),
            piped: (argument & PIPED != 0).then(|| self.data[0].load(Relaxed)),
        }
    }

    /// Appends the argument, which stands in the slot, to `buffer`.
    pub(crate) fn read_argument(&self, len: u64, buffer: &mut Vec<u8>) {
        // The parent has written no more than there is room for.
        self.load((len as usize).min(INLINE), buffer);
    }

    /// Begins a job, unless the parent has taken it back; that is then
    /// acknowledged. Notes the time if there is one to be noted.
    pub(crate) fn claim(&self, seq: u64, now: Option<u64>) -> bool {
        if let Some(now) = now {
            self.began.store(now, Relaxed);
        }
        if self.advance(seq, QUEUED, CLAIMED) {
            return true;
        }
        self.advance(seq, TAKEN, ACKED);
        false
    }

    /// Says what the result is, and where.
    pub(crate) fn announce(&self, outcome: Outcome) {
        let piped = if outcome.piped { RESULT_PIPED } else { 0 };
        let head = u64::from(outcome.kind) << 56 | piped | outcome.len;
        self.head.store(head, Relaxed);
    }

    /// Leaves a result in the slot, to be followed by [`end`](Self::end).
    ///
    /// # Panics
    /// If it is larger than [`INLINE`].
    pub(crate) fn write(&self, kind: u32, bytes: &[u8]) {
        assert!(bytes.len() <= INLINE, "too large for a slot");
        self.store(bytes);
        self.announce(Outcome {
            kind,
            piped: false,
            len: bytes.len() as u64,
        });
    }

    /// Ends a job. False if the worker is condemned: it must start nothing else.
    pub(crate) fn end(&self, seq: u64) -> bool {
        let (from, to) = (word(seq, CLAIMED), word(seq, DONE));
        match self.word.compare_exchange(from, to, SeqCst, Acquire) {
            Ok(_) => true,
            // Another sequence: the parent had the result by message already,
            // and has used the slot again.
            Err(now) => now != word(seq, CONDEMNED),
        }
    }

    /// Writes anything anywhere into a slot.
    #[cfg(fuzzing)]
    pub(crate) fn poke(&self, place: usize, value: u64) {
        let words = [
            &self.word,
            &self.began,
            &self.head,
            &self.offset,
            &self.argument,
        ];
        let mut words = words.into_iter().chain(&self.data);
        if let Some(word) = words.nth(place % (5 + self.data.len())) {
            word.store(value, Release);
        }
    }
}
