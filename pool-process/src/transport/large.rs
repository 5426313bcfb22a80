//! Memory for large arguments and results.
//!
//! Most of what it costs to move 64 MiB is not the copying but the page faults of
//! fresh memory: one for each 4 KiB. So the kernel is asked for large pages.

use rustix::mm::Advice;

/// Memory of fewer bytes is not worth the trouble.
const LARGE: usize = 4 << 20;
/// What a huge page holds, where there are any.
const PAGE: usize = 2 << 20;
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

/// Asks for large pages for what is still free in a buffer, if that is much.
pub(super) fn advise(buffer: &mut Vec<u8>) {
    let spare = buffer.spare_capacity_mut().as_mut_ptr_range();
    let start = (spare.start as usize).next_multiple_of(PAGE);
    let end = spare.end as usize / PAGE * PAGE;
    if end.saturating_sub(start) < LARGE - PAGE {
        return;
    }
    let place = spare.start.wrapping_byte_add(start - spare.start as usize);
    // SAFETY: the range lies within the allocation of the buffer, which is ours
    // alone, and this advice changes no contents.
    let _ = unsafe { rustix::mm::madvise(place.cast(), end - start, Advice::LinuxHugepage) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_advised_is_still_there() {
        let mut buffer = vec![1; 3 * PAGE];
        reserve(&mut buffer, 9 * PAGE);
        assert!(buffer.capacity() >= 12 * PAGE);
        assert!(buffer.len() == 3 * PAGE && buffer.iter().all(|&byte| byte == 1));
        buffer.resize(12 * PAGE, 2);
        assert_eq!((buffer[0], buffer[12 * PAGE - 1]), (1, 2));
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
