//! Memory for large arguments and results.
//!
//! Most of what it costs to move 64 MiB is not the copying but the page faults of
//! fresh memory: one for each 4 KiB. So the kernel is asked for large pages.

use rustix::mm::Advice;

/// Memory of fewer bytes is not worth the trouble.
const LARGE: usize = 4 << 20;
/// What a page holds, or a multiple of it.
const PAGE: usize = 4096;
/// The most that is set aside on the word of a worker: no memory is used before
/// anything is written to it, but addresses may be limited.
const MOST: usize = 1 << 30;

/// Makes room for so many bytes more, or as many as it is wise to expect.
pub(super) fn reserve(buffer: &mut Vec<u8>, more: usize) {
    let room = buffer.capacity() - buffer.len();
    if more < LARGE || room >= more.min(LARGE) {
        return;
    }
    // What cannot be had now is asked for again when it is needed.
    let more = more.min(MOST.max(buffer.len()));
    if buffer.try_reserve_exact(more).is_ok() {
        advise(buffer);
    }
}

/// Asks for large pages for a buffer, if it is large.
pub(super) fn advise(buffer: &mut Vec<u8>) {
    if buffer.capacity() < LARGE {
        return;
    }
    // Whole pages, and all of them: a mapping of which a part is advised cannot be
    // enlarged any more but would be copied.
    let start = buffer.as_mut_ptr();
    let before = start as usize % PAGE;
    let len = (before + buffer.capacity()).next_multiple_of(PAGE);
    // SAFETY: the range is that of the pages of this allocation. Whatever else is
    // on the first and the last one is not harmed: this advice changes no contents.
    let _ = unsafe {
        let start = start.wrapping_byte_sub(before);
        rustix::mm::madvise(start.cast(), len, Advice::LinuxHugepage)
    };
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
        buffer.resize(4 * LARGE, 2);
        assert_eq!((buffer[0], buffer[4 * LARGE - 1]), (1, 2));
    }

    #[test]
    fn a_promise_takes_no_more_than_is_wise() {
        let mut buffer = Vec::new();
        reserve(&mut buffer, usize::MAX);
        assert!(buffer.capacity() <= MOST);
        reserve(&mut buffer, 10);
        advise(&mut Vec::new());
    }
}
