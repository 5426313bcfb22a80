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

use executor_core::pieces::PIECE;
use std::ptr::NonNull;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU64, fence};

/// How many bytes may be unread. Payloads are often of a round size, or a little more
/// than that: one of 1 MiB finds room as a whole, and does not fill the pipe.
pub(crate) const CAPACITY: usize = (1 << 20) + (64 << 10);

/// Where in the ring a position is. Positions are of 64 bits wherever addresses have
/// fewer, and would have to grow for decades to need more.
fn place(position: u64) -> usize {
    (position % CAPACITY as u64) as usize
}

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
        let unread = self.position().checked_sub(read).ok_or(Impossible)?;
        let unread = usize::try_from(unread).map_err(|_| Impossible)?;
        CAPACITY.checked_sub(unread).ok_or(Impossible)
    }

    /// Writes as much of `bytes` as there is room for; says how much that was.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<usize, Impossible> {
        let len = bytes.len().min(self.room()?);
        let at = self.position();
        let place = place(at);
        let first = len.min(CAPACITY - place);
        // SAFETY: `first` bytes from `place` and the rest from the start are
        // within the ring and unread by nobody: there is room for them. The
        // source is a slice of ours, which the mapping does not overlap.
        unsafe {
            let ring = self.bytes.as_ptr();
            copy(bytes.as_ptr(), ring.add(place), first);
            copy(bytes.as_ptr().add(first), ring, len - first);
        }
        self.publish(at + len as u64, |counters| &counters.written);
        Ok(len)
    }

    // ----- the reader's end -----

    /// How much can be read.
    pub(crate) fn ready(&self) -> Result<usize, Impossible> {
        let written = self.counters().written.0.load(Acquire);
        let unread = written.checked_sub(self.position()).ok_or(Impossible)?;
        let unread = usize::try_from(unread).map_err(|_| Impossible)?;
        CAPACITY
            .checked_sub(unread)
            .map(|_| unread)
            .ok_or(Impossible)
    }

    /// Appends up to `most` bytes to `buffer`; says how many.
    ///
    /// # Errors
    /// The other side lies, or there is no memory for them.
    pub(crate) fn read(&self, most: usize, buffer: &mut Vec<u8>) -> Result<usize, Impossible> {
        let len = most.min(self.ready()?);
        buffer.try_reserve(len).map_err(|_| Impossible)?;
        let at = self.position();
        let place = place(at);
        let first = len.min(CAPACITY - place);
        // SAFETY: as for `write`; the vector has room for `len` more bytes, all
        // of which are written before they count.
        unsafe {
            let (ring, end) = (self.bytes.as_ptr(), buffer.as_mut_ptr().add(buffer.len()));
            copy(ring.add(place), end, first);
            copy(ring, end.add(first), len - first);
            buffer.set_len(buffer.len() + len);
        }
        self.publish(at + len as u64, |counters| &counters.read);
        Ok(len)
    }

    /// Called by the reader, after it has read from `since` on: true if the pipe may
    /// have been full before that, so that the writer may wait for room.
    ///
    /// A writer that waits announces that after it has filled the pipe, and then looks
    /// for room once more. Between the two there is a full barrier, as there is here
    /// between what was read and this look: so one of both sees the other.
    pub(crate) fn was_full(&self, since: u64) -> bool {
        fence(SeqCst);
        let written = self.counters().written.0.load(Acquire);
        written.wrapping_sub(since) >= CAPACITY as u64
    }

    /// Skips what was written before `position`, and nobody is to read.
    pub(crate) fn skip_to(&self, position: u64) {
        self.publish(position, |counters| &counters.read);
    }

    /// Writes anything into a counter.
    #[cfg(fuzzing)]
    pub(crate) fn poke(&self, place: usize, value: u64) {
        let counters = self.counters();
        let counter = [&counters.written, &counters.read][place % 2];
        counter.0.store(value, Release);
    }

    fn publish(&self, position: u64, whose: impl Fn(&Counters) -> &Counter) {
        self.mine.store(position, Relaxed);
        whose(self.counters()).0.store(position, Release);
    }
}

/// Copies so many bytes, in pieces: see [`executor_core::pieces`].
///
/// # Safety
/// As for `ptr::copy_nonoverlapping`.
unsafe fn copy(from: *const u8, to: *mut u8, len: usize) {
    let mut done = 0;
    while done < len {
        let piece = PIECE.min(len - done);
        // SAFETY: the caller promises this for all of it, of which this is a part.
        unsafe { std::ptr::copy_nonoverlapping(from.add(done), to.add(done), piece) };
        done += piece;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::alloc::{Layout, alloc_zeroed, dealloc};

    /// Counters and bytes, which are nobody's process.
    struct Memory(NonNull<Counters>, NonNull<u8>);

    // SAFETY: it is plain memory, which lives for as long as the test.
    unsafe impl Sync for Memory {}

    const BYTES: Layout = match Layout::from_size_align(CAPACITY, 64) {
        Ok(layout) => layout,
        Err(_) => panic!("it is a power of two"),
    };

    impl Memory {
        fn new() -> Self {
            let counters = Box::new(Counters {
                written: Counter(AtomicU64::new(0)),
                read: Counter(AtomicU64::new(0)),
            });
            // SAFETY: the layout has a size.
            let bytes = unsafe { alloc_zeroed(BYTES) };
            Self(
                NonNull::from(Box::leak(counters)),
                NonNull::new(bytes).unwrap(),
            )
        }

        fn end(&self) -> End {
            // SAFETY: the memory lives until it is dropped, after all ends.
            unsafe { End::new(self.0, self.1) }
        }
    }

    impl Drop for Memory {
        fn drop(&mut self) {
            // SAFETY: both were made by `new`, and no end is left.
            unsafe {
                drop(Box::from_raw(self.0.as_ptr()));
                dealloc(self.1.as_ptr(), BYTES);
            }
        }
    }

    #[test]
    fn bytes_come_out_as_they_went_in_however_often_it_wraps() {
        let memory = Memory::new();
        let (writer, reader) = (memory.end(), memory.end());
        let total = 5 * CAPACITY + 12_345;
        let byte = |n: usize| ((n * 31) >> 7) as u8;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let bytes: Vec<_> = (0..total).map(byte).collect();
                let (mut at, mut step) = (0, 1);
                while at < total {
                    step = step * 7 % 100_003;
                    let written = writer.write(&bytes[at..total.min(at + step)]).unwrap();
                    at += written;
                    if written == 0 {
                        std::thread::yield_now();
                    }
                }
            });
            let (mut read, mut step) = (Vec::new(), 1);
            while read.len() < total {
                step = step * 11 % 65_537;
                if reader.read(step, &mut read).unwrap() == 0 {
                    std::thread::yield_now();
                }
            }
            assert!(read.iter().enumerate().all(|(n, &b)| b == byte(n)));
        });
        assert_eq!((reader.ready(), writer.room()), (Ok(0), Ok(CAPACITY)));
    }

    /// Ends that have moved so many bytes already.
    fn ends_at(memory: &Memory, position: u64) -> (End, End) {
        let (writer, reader) = (memory.end(), memory.end());
        writer.publish(position, |counters| &counters.written);
        reader.skip_to(position);
        (writer, reader)
    }

    /// On a system where addresses have 32 bits too.
    #[test]
    fn bytes_come_out_as_they_went_in_after_more_than_addresses_can_count() {
        let steps = [CAPACITY / 2 + 1, CAPACITY, 1, CAPACITY / 3, CAPACITY - 7];
        let total: usize = steps.iter().sum();
        let boundary = u64::from(u32::MAX) + 1;
        for start in [
            boundary - total as u64 / 2,
            boundary - 1,
            u64::MAX - total as u64,
        ] {
            let memory = Memory::new();
            let (writer, reader) = ends_at(&memory, start);
            for len in steps {
                let bytes: Vec<_> = (0..len).map(|n| ((n * 31) >> 7) as u8).collect();
                let mut read = Vec::new();
                assert_eq!(writer.write(&bytes), Ok(len));
                assert_eq!(reader.read(len, &mut read), Ok(len));
                assert!(read == bytes, "{len} bytes after {start}");
            }
            assert_eq!((reader.ready(), writer.room()), (Ok(0), Ok(CAPACITY)));
        }
    }

    /// The ring goes on where addresses begin anew: what the cast did before the
    /// modulo, in a system's own width, jumped.
    #[test]
    fn the_place_follows_the_position_across_the_width_of_an_address() {
        let boundary = u64::from(u32::MAX) + 1;
        for at in boundary - 3..boundary + 3 {
            assert_eq!(place(at + 1), (place(at) + 1) % CAPACITY, "{at}");
            let cast_first = at as u32 as usize % CAPACITY;
            assert_eq!(cast_first == place(at), at < boundary, "{at}");
        }
    }

    #[test]
    fn it_takes_no_more_than_there_is_room_for() {
        let memory = Memory::new();
        let (writer, reader) = (memory.end(), memory.end());
        assert_eq!(writer.write(&vec![1; CAPACITY + 1]), Ok(CAPACITY));
        assert_eq!((writer.room(), writer.write(b"x")), (Ok(0), Ok(0)));
        let mut read = Vec::new();
        assert_eq!(reader.read(10, &mut read), Ok(10));
        assert_eq!(writer.write(&[2; 100]), Ok(10));
        reader.skip_to(writer.position());
        assert_eq!((reader.ready(), writer.room()), (Ok(0), Ok(CAPACITY)));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let memory = Memory::new();
        let (writer, reader) = (memory.end(), memory.end());
        writer.write(b"four").unwrap();
        // SAFETY: the counters are mapped for as long as the ends are.
        let counters = unsafe { memory.0.as_ref() };
        for lie in [5, CAPACITY as u64 + 5, u64::MAX] {
            counters.read.0.store(lie, Release);
            assert_eq!(writer.room(), Err(Impossible), "{lie}");
            assert_eq!(writer.write(b"x"), Err(Impossible), "{lie}");
        }
        let mut read = Vec::new();
        for lie in [CAPACITY as u64 + 1, u64::MAX] {
            counters.written.0.store(lie, Release);
            assert_eq!(reader.ready(), Err(Impossible), "{lie}");
            assert_eq!(reader.read(1, &mut read), Err(Impossible), "{lie}");
        }
        assert_eq!(read, b"");
    }
}
