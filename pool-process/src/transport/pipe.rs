//! A pipe: bytes from one process to the other through shared memory.
//!
//! A ring of bytes with one writer and one reader, and two counters that only
//! grow: how much was ever written, and how much was ever read. Each side
//! changes its own counter alone, after it has copied the bytes, so what the
//! other side may touch is always between the two. A side keeps its own counter
//! to itself as well and publishes a copy, so nobody can mislead it about what it
//! has done; what the other says is checked against that: no more can be unread
//! than there is room for.
//!
//! The bytes lie beyond anything that a reference covers: they are copied in and
//! out through raw pointers. Another process may write there at any moment, so
//! they are judged when they have been copied out, and not before.

use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// How many bytes may be unread: a power of two.
pub(crate) const CAPACITY: usize = 1 << 20;

/// The counters, each in a cache line of its own.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Counters {
    written: Counter,
    read: Counter,
}

#[derive(Debug)]
#[repr(C, align(128))]
struct Counter(AtomicU64);

/// The other side says something that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Impossible;

/// One end of a pipe: the writer's, or the reader's. There must be one of each.
#[derive(Debug)]
pub(crate) struct End {
    counters: NonNull<Counters>,
    bytes: NonNull<u8>,
    /// What this side has written, or read.
    mine: AtomicU64,
}

// SAFETY: the counters are atomic. The bytes between them belong to one end; the
// methods that touch them are called by one thread at a time, which the board's
// own file explains.
unsafe impl Send for End {}
// SAFETY: as above.
unsafe impl Sync for End {}

impl End {
    /// An end of the pipe with these counters and these bytes.
    ///
    /// # Safety
    /// Both must be mapped for as long as the end is used, the bytes with
    /// [`CAPACITY`] of them, and no reference may cover the bytes.
    pub(crate) unsafe fn new(counters: NonNull<Counters>, bytes: NonNull<u8>) -> Self {
        Self {
            counters,
            bytes,
            mine: AtomicU64::new(0),
        }
    }

    fn counters(&self) -> &Counters {
        // SAFETY: they are mapped, by the promise made to `new`, and atomic.
        unsafe { self.counters.as_ref() }
    }

    /// How much this side has written, or read, in all.
    pub(crate) fn position(&self) -> u64 {
        self.mine.load(Relaxed)
    }

    // ----- the writer's end -----

    /// How much can be written.
    pub(crate) fn room(&self) -> Result<usize, Impossible> {
        let read = self.counters().read.0.load(Acquire);
        let unread = self.position().wrapping_sub(read);
        let unread = usize::try_from(unread).map_err(|_| Impossible)?;
        CAPACITY.checked_sub(unread).ok_or(Impossible)
    }

    /// Writes as much of `bytes` as there is room for; says how much that was.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<usize, Impossible> {
        let len = bytes.len().min(self.room()?);
        let at = self.position();
        let place = at as usize % CAPACITY;
        let first = len.min(CAPACITY - place);
        // SAFETY: `first` bytes from `place` and the rest from the start are
        // within the ring and unread by nobody: there is room for them. The
        // source is a slice of ours, which the mapping does not overlap.
        unsafe {
            let ring = self.bytes.as_ptr();
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), ring.add(place), first);
            std::ptr::copy_nonoverlapping(bytes.as_ptr().add(first), ring, len - first);
        }
        self.publish(at + len as u64, |counters| &counters.written);
        Ok(len)
    }

    // ----- the reader's end -----

    /// How much can be read.
    pub(crate) fn ready(&self) -> Result<usize, Impossible> {
        let written = self.counters().written.0.load(Acquire);
        let unread = written.wrapping_sub(self.position());
        let unread = usize::try_from(unread).map_err(|_| Impossible)?;
        match unread <= CAPACITY {
            true => Ok(unread),
            false => Err(Impossible),
        }
    }

    /// Appends up to `most` bytes to `buffer`; says how many.
    ///
    /// # Errors
    /// The other side lies, or there is no memory for them.
    pub(crate) fn read(&self, most: usize, buffer: &mut Vec<u8>) -> Result<usize, Impossible> {
        let len = most.min(self.ready()?);
        buffer.try_reserve(len).map_err(|_| Impossible)?;
        let at = self.position();
        let place = at as usize % CAPACITY;
        let first = len.min(CAPACITY - place);
        // SAFETY: as for `write`; the vector has room for `len` more bytes, all
        // of which are written before they count.
        unsafe {
            let (ring, end) = (self.bytes.as_ptr(), buffer.as_mut_ptr().add(buffer.len()));
            std::ptr::copy_nonoverlapping(ring.add(place), end, first);
            std::ptr::copy_nonoverlapping(ring, end.add(first), len - first);
            buffer.set_len(buffer.len() + len);
        }
        self.publish(at + len as u64, |counters| &counters.read);
        Ok(len)
    }

    /// Skips what was written before `position`, and nobody is to read.
    pub(crate) fn skip_to(&self, position: u64) {
        self.publish(position, |counters| &counters.read);
    }

    fn publish(&self, position: u64, whose: impl Fn(&Counters) -> &Counter) {
        self.mine.store(position, Relaxed);
        whose(self.counters()).0.store(position, Release);
    }
}
