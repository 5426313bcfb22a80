//! The board: a page of shared memory in which a worker and its parent agree on
//! who has which job.
//!
//! Arguments and large results travel as messages. What a message cannot do is
//! take itself back, or survive the death of its sender. So each job that is
//! with a worker has a slot here: one word of state, which both sides change by
//! compare-and-swap alone, and room for a small result.
//!
//! # States of a slot
//!
//! The word holds the job's sequence number above three bits of state, so that
//! a stale view of a slot that was used again never matches.
//!
//! | state | meaning | set by | from |
//! |---|---|---|---|
//! | `QUEUED` | posted; the message is on its way | parent | any, for a free slot |
//! | `CLAIMED` | the worker has begun the function | worker | `QUEUED` |
//! | `DONE` | the function has ended; its result stands here, or was sent | worker | `CLAIMED` |
//! | `TAKEN` | the parent took the job back: it must not run | parent | `QUEUED` |
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
//! * *Death against result*: a small result is here before `DONE`, and a large
//!   one was sent before it. When the process is gone, what is `DONE` has a
//!   result, what is `CLAIMED` was being run, what is `QUEUED` never began.
//! * *Bell*: the worker rings (one empty message) only if it is the first to set
//!   `bell` since the parent cleared it; the parent clears it *before* it looks
//!   at the slots. Both use swap, so one of the two sees the other.
//!
//! # Trust
//!
//! The parent believes nothing here: sequence numbers and states are compared
//! with its own table, lengths are checked, results are copied out before they
//! are decoded. The memory is a memfd sealed against being resized, so a worker
//! cannot make the parent fault by truncating it.

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::mm::{MapFlags, ProtFlags};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::Duration;

/// How many jobs can be with one worker at a time.
pub(crate) const SLOTS: usize = 64;
/// The largest result, in bytes, that is left in its slot.
pub(crate) const INLINE: usize = 104;

const QUEUED: u64 = 1;
const CLAIMED: u64 = 2;
const DONE: u64 = 3;
const TAKEN: u64 = 4;
const ACKED: u64 = 5;
const CONDEMNED: u64 = 6;

fn word(seq: u64, state: u64) -> u64 {
    seq << 3 | state
}

/// Two cache lines: no two jobs share one.
#[repr(C, align(128))]
struct Slot {
    word: AtomicU64,
    /// When the worker began, in nanoseconds of the monotonic clock, if the job
    /// has a time limit.
    began: AtomicU64,
    /// The kind of the result above its length.
    head: AtomicU64,
    data: [AtomicU64; INLINE / 8],
}

#[repr(C, align(128))]
struct Layout {
    bell: AtomicU32,
    slots: [Slot; SLOTS],
}

/// One side's view of the board.
#[derive(Debug)]
pub(crate) struct Board {
    memory: NonNull<Layout>,
}

// SAFETY: the mapping lives until the board is dropped, and everything in it is
// atomic.
unsafe impl Send for Board {}
// SAFETY: as above.
unsafe impl Sync for Board {}

/// What the parent finds in a slot.
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

impl Board {
    /// A new board, and the descriptor through which a worker can
    /// [`open`](Self::open) it.
    pub(crate) fn create() -> io::Result<(Self, OwnedFd)> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let fd = rustix::fs::memfd_create("pool-process board", flags)?;
        rustix::fs::ftruncate(&fd, size_of::<Layout>() as u64)?;
        let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
        rustix::fs::fcntl_add_seals(&fd, seals)?;
        // A memfd is born zeroed, and zero is a slot that no sequence matches.
        Ok((Self::map(&fd)?, fd))
    }

    /// The board that the parent created.
    pub(crate) fn open(fd: impl AsFd) -> io::Result<Self> {
        let size = rustix::fs::fstat(&fd)?.st_size;
        if size != size_of::<Layout>() as i64 {
            let why = format!("not a board: {size} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        Self::map(fd)
    }

    fn map(fd: impl AsFd) -> io::Result<Self> {
        // SAFETY: a fresh mapping at an address of the kernel's choice touches
        // no memory of ours. The file has this size and is sealed to keep it.
        let memory = unsafe {
            rustix::mm::mmap(
                std::ptr::null_mut(),
                size_of::<Layout>(),
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
                fd,
                0,
            )?
        };
        let memory = NonNull::new(memory.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { memory })
    }

    fn layout(&self) -> &Layout {
        // SAFETY: the mapping is of this size, aligned to a page, and lives as
        // long as `self`; every bit pattern is a valid atomic integer.
        unsafe { self.memory.as_ref() }
    }

    fn slot(&self, slot: usize) -> &Slot {
        &self.layout().slots[slot]
    }

    fn advance(&self, slot: usize, seq: u64, from: u64, to: u64) -> bool {
        self.slot(slot)
            .word
            .compare_exchange(word(seq, from), word(seq, to), AcqRel, Acquire)
            .is_ok()
    }

    // ----- the parent's side -----

    /// Puts a job into a slot that is free. The message follows.
    pub(crate) fn post(&self, slot: usize, seq: u64) {
        self.slot(slot).word.store(word(seq, QUEUED), Release);
    }

    /// Takes a job back that has not begun.
    pub(crate) fn take_back(&self, slot: usize, seq: u64) -> bool {
        self.advance(slot, seq, QUEUED, TAKEN)
    }

    /// Marks a job that runs, so that nothing runs after it. The kill follows.
    pub(crate) fn condemn(&self, slot: usize, seq: u64) -> bool {
        self.advance(slot, seq, CLAIMED, CONDEMNED)
    }

    /// What became of a job.
    pub(crate) fn look(&self, slot: usize, seq: u64) -> Sight {
        let now = self.slot(slot).word.load(Acquire);
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

    /// Copies a result out: its kind, and its bytes appended to `buffer`. `None`
    /// if the worker wrote a length that cannot be.
    ///
    /// Only for a slot that is [`Sight::Done`].
    pub(crate) fn read(&self, slot: usize, buffer: &mut Vec<u8>) -> Option<u32> {
        let slot = self.slot(slot);
        let head = slot.head.load(Relaxed);
        let (kind, len) = ((head >> 32) as u32, head as u32 as usize);
        if len > INLINE {
            return None;
        }
        let start = buffer.len();
        for word in &slot.data[..len.div_ceil(8)] {
            buffer.extend_from_slice(&word.load(Relaxed).to_le_bytes());
        }
        buffer.truncate(start + len);
        Some(kind)
    }

    /// How long ago the worker began a job that has a time limit. What it claims
    /// is taken for no later than now.
    ///
    /// Only for a slot that is [`Sight::Running`].
    pub(crate) fn runs_for(&self, slot: usize) -> Duration {
        let began = self.slot(slot).began.load(Relaxed);
        Duration::from_nanos(monotonic_nanos().saturating_sub(began))
    }

    /// Clears the bell; the parent looks at the slots after this.
    pub(crate) fn hear(&self) {
        self.layout().bell.swap(0, AcqRel);
    }

    // ----- the worker's side -----

    /// Writes anything anywhere into a slot.
    #[cfg(fuzzing)]
    pub(crate) fn poke(&self, slot: usize, place: usize, value: u64) {
        let slot = self.slot(slot);
        let words = [&slot.word, &slot.began, &slot.head];
        let mut words = words.into_iter().chain(&slot.data);
        if let Some(word) = words.nth(place % (3 + slot.data.len())) {
            word.store(value, Release);
        }
    }

    /// Begins a job, unless the parent has taken it back; that is then
    /// acknowledged. Notes the time if the job is limited.
    pub(crate) fn claim(&self, slot: usize, seq: u64, limited: bool) -> bool {
        if limited {
            self.slot(slot).began.store(monotonic_nanos(), Relaxed);
        }
        if self.advance(slot, seq, QUEUED, CLAIMED) {
            return true;
        }
        self.advance(slot, seq, TAKEN, ACKED);
        false
    }

    /// Leaves a result in the slot, to be followed by [`end`](Self::end).
    ///
    /// # Panics
    /// If it is larger than [`INLINE`].
    pub(crate) fn write(&self, slot: usize, kind: u32, bytes: &[u8]) {
        let slot = self.slot(slot);
        assert!(bytes.len() <= INLINE, "too large for a slot");
        for (word, chunk) in slot.data.iter().zip(bytes.chunks(8)) {
            let mut eight = [0; 8];
            eight[..chunk.len()].copy_from_slice(chunk);
            word.store(u64::from_le_bytes(eight), Relaxed);
        }
        let head = u64::from(kind) << 32 | bytes.len() as u64;
        slot.head.store(head, Relaxed);
    }

    /// Ends a job. False if the worker is condemned: it must start nothing else.
    pub(crate) fn end(&self, slot: usize, seq: u64) -> bool {
        let state = &self.slot(slot).word;
        match state.compare_exchange(word(seq, CLAIMED), word(seq, DONE), AcqRel, Acquire) {
            Ok(_) => true,
            // Another sequence: the parent had the result by message already,
            // and has used the slot again.
            Err(now) => now != word(seq, CONDEMNED),
        }
    }

    /// True if the bell has to be rung: nobody has since the parent cleared it.
    pub(crate) fn must_ring(&self) -> bool {
        self.layout().bell.swap(1, AcqRel) == 0
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        // SAFETY: this is the mapping that `map` made, and no reference into it
        // outlives `self`.
        let unmapped =
            unsafe { rustix::mm::munmap(self.memory.as_ptr().cast(), size_of::<Layout>()) };
        debug_assert!(unmapped.is_ok());
    }
}

/// The clock that all processes of the system share.
fn monotonic_nanos() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    // Neither is ever negative.
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Board, Board) {
        let (parent, fd) = Board::create().unwrap();
        let worker = Board::open(&fd).unwrap();
        (parent, worker)
    }

    #[test]
    fn a_job_goes_through_and_its_result_is_read_on_the_other_side() {
        let (parent, worker) = pair();
        parent.post(5, 77);
        assert_eq!(parent.look(5, 77), Sight::Queued);
        assert!(worker.claim(5, 77, false));
        assert_eq!(parent.look(5, 77), Sight::Running);
        worker.write(5, 3, b"thirteen byte");
        assert!(worker.end(5, 77));
        assert_eq!(parent.look(5, 77), Sight::Done);
        let mut bytes = b"x".to_vec();
        assert_eq!(parent.read(5, &mut bytes), Some(3));
        assert_eq!(bytes, b"xthirteen byte");
        assert_eq!(parent.look(5, 78), Sight::Nonsense);
    }

    #[test]
    fn what_is_taken_back_does_not_run_and_what_runs_is_not_taken_back() {
        let (parent, worker) = pair();
        parent.post(0, 1);
        assert!(parent.take_back(0, 1));
        assert!(!worker.claim(0, 1, false));
        assert_eq!(parent.look(0, 1), Sight::Acked);
        parent.post(0, 2);
        assert!(!worker.claim(0, 1, false), "a stale message");
        assert!(worker.claim(0, 2, false));
        assert!(!parent.take_back(0, 2));
    }

    #[test]
    fn a_condemned_worker_learns_it_at_the_end_of_its_job() {
        let (parent, worker) = pair();
        parent.post(0, 1);
        assert!(!parent.condemn(0, 1), "it does not run yet");
        assert!(worker.claim(0, 1, false));
        assert!(parent.condemn(0, 1));
        assert!(!worker.end(0, 1));
        parent.post(1, 2);
        assert!(worker.claim(1, 2, false) && worker.end(1, 2));
        assert!(!parent.condemn(1, 2), "it has ended");
    }

    #[test]
    fn the_bell_is_rung_once_until_it_is_heard() {
        let (parent, worker) = pair();
        assert!(worker.must_ring());
        assert!(!worker.must_ring());
        parent.hear();
        assert!(worker.must_ring());
    }

    #[test]
    fn a_length_that_cannot_be_is_refused_and_the_size_is_sealed() {
        let (parent, fd) = Board::create().unwrap();
        parent.slot(0).head.store(INLINE as u64 + 1, Relaxed);
        assert_eq!(parent.read(0, &mut Vec::new()), None);
        assert!(rustix::fs::ftruncate(&fd, 0).is_err());
    }
}
