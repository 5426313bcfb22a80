//! Memory for large arguments and results.
//!
//! Most of what it costs to move 64 MiB is not the copying but the page faults of
//! fresh memory: one for each 4 KiB. So the kernel is asked for large pages, and for
//! many at a time.

use executor_core::spare;
use rustix::mm::Advice;
use std::time::{Duration, Instant};

/// Memory of fewer bytes is not worth the trouble.
const LARGE: usize = 4 << 20;
/// What a page holds, or a multiple of it.
const PAGE: usize = 4096;
/// How far ahead pages are brought in.
const WINDOW: usize = 1 << 20;
/// A window's pages are dear if they take longer than so: a few times what small
/// ones take. Memory may be scattered, or lent to the host of a virtual machine.
const DEAR: Duration = Duration::from_millis(1);
/// The most that is set aside on the word of a worker: no memory is used before
/// anything is written to it, but addresses may be limited.
const MOST: usize = 1 << 30;

/// Makes room for so many bytes more, or as many as it is wise to expect.
pub(super) fn reserve(buffer: &mut Vec<u8>, more: usize) {
    let room = buffer.capacity() - buffer.len();
    if room >= more.min(LARGE) {
        return;
    }
    if buffer.is_empty() {
        *buffer = spare::take(more);
        if buffer.capacity() > 0 {
            return;
        }
    }
    // What cannot be had now is asked for again when it is needed.
    let more = more.min(MOST.max(buffer.len()));
    if buffer.try_reserve_exact(more).is_ok() {
        advise(buffer);
    }
}

/// Asks for large pages for a buffer, if it is large.
pub(super) fn advise(buffer: &mut Vec<u8>) {
    if buffer.capacity() >= LARGE {
        madvise(buffer, 0, usize::MAX, Advice::LinuxHugepage);
    }
}

/// Has the pages at hand that the next bytes of a large buffer go to, of which no
/// more than `step` come at a time. If the kernel has to work for large pages, the
/// rest of the buffer makes do with small ones.
pub(super) fn prepare(buffer: &mut Vec<u8>, step: usize) {
    // Once for each window.
    if buffer.capacity() < LARGE || buffer.len() % WINDOW >= step {
        return;
    }
    let start = Instant::now();
    madvise(
        buffer,
        buffer.len(),
        WINDOW + step,
        Advice::LinuxPopulateWrite,
    );
    if start.elapsed() > DEAR {
        madvise(buffer, 0, usize::MAX, Advice::LinuxNoHugepage);
    }
}

/// Gives advice about the pages of a buffer from a place on. Where that is all of
/// them, it stays one mapping: one of which a part is advised cannot be enlarged any
/// more but would be copied.
fn madvise(buffer: &mut Vec<u8>, from: usize, len: usize, advice: Advice) {
    let len = len.min(buffer.capacity() - from);
    let start = buffer.as_mut_ptr().wrapping_add(from);
    let before = start as usize % PAGE;
    let len = (before + len).next_multiple_of(PAGE);
    // SAFETY: the range is that of pages of this allocation. Whatever else is on the
    // first and the last one is not harmed: none of the advice that is given here
    // changes contents.
    let _ = unsafe { rustix::mm::madvise(start.wrapping_byte_sub(before).cast(), len, advice) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_advised_is_still_there() {
        let mut buffer = vec![1; LARGE];
        reserve(&mut buffer, 3 * LARGE);
        assert!(buffer.capacity() >= 4 * LARGE);
        assert!(buffer.len() == LARGE && buffer.iter().all(|&byte| byte == 1));
        prepare(&mut buffer, WINDOW);
        assert!(buffer.iter().all(|&byte| byte == 1));
        buffer.resize(4 * LARGE, 2);
        assert_eq!((buffer[0], buffer[4 * LARGE - 1]), (1, 2));
    }

    #[test]
    fn a_promise_takes_no_more_than_is_wise() {
        let mut buffer = Vec::new();
        reserve(&mut buffer, usize::MAX);
        assert!(buffer.capacity() <= MOST);
        reserve(&mut buffer, 10);
        prepare(&mut buffer, 64);
        advise(&mut Vec::new());
        prepare(&mut Vec::new(), 64);
    }
}
