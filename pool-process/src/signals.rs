//! Which signals a thread takes.
//!
//! ipc-channel does not resume what a signal handler has interrupted, so
//! supervisors have no handlers run on them; other threads of the process still
//! take the signals. A child inherits the mask of the thread that starts it, so
//! a worker puts back the one that the program had when the pool was built.

use std::mem::MaybeUninit;

/// While this exists, no signal handler runs on this thread.
#[derive(Debug)]
#[must_use = "signals come back when this is dropped"]
pub(crate) struct Blocked {
    former: libc::sigset_t,
    /// The mask is the thread's own, so this must stay on it.
    thread: std::marker::PhantomData<*const ()>,
}

impl Blocked {
    /// Blocks all signals on this thread, except those that report its own
    /// faults.
    pub(crate) fn all() -> Self {
        let mut all = MaybeUninit::uninit();
        let mut former = MaybeUninit::uninit();
        // SAFETY: `sigfillset` initialises the set it is given, and
        // `pthread_sigmask`, which cannot fail with these arguments, fills in
        // the former one.
        let former = unsafe {
            libc::sigfillset(all.as_mut_ptr());
            for fault in [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL] {
                libc::sigdelset(all.as_mut_ptr(), fault);
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), former.as_mut_ptr());
            former.assume_init()
        };
        Self {
            former,
            thread: std::marker::PhantomData,
        }
    }
}

/// The mask of this thread, as one bit for each signal.
pub(crate) fn mask() -> u64 {
    let mut now = MaybeUninit::uninit();
    // SAFETY: with no new mask to set, the call only fills in the present one.
    let now = unsafe {
        libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), now.as_mut_ptr());
        now.assume_init()
    };
    let blocked = |signal: &i32| {
        // SAFETY: the set was filled in above.
        unsafe { libc::sigismember(&raw const now, *signal) == 1 }
    };
    (1..=64)
        .filter(blocked)
        .fold(0, |mask, signal| mask | 1 << (signal - 1))
}

/// Sets the mask of this thread.
pub(crate) fn set_mask(mask: u64) {
    let mut set = MaybeUninit::uninit();
    // SAFETY: `sigemptyset` initialises the set, and the rest only adds to it; a
    // number that is no signal is refused and has no effect.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for signal in (1..=64).filter(|signal| mask & 1 << (signal - 1) != 0) {
            libc::sigaddset(set.as_mut_ptr(), signal);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, set.as_ptr(), std::ptr::null_mut());
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        // SAFETY: the set is the one that this thread had before.
        unsafe {
            libc::pthread_sigmask(
                libc::SIG_SETMASK,
                &raw const self.former,
                std::ptr::null_mut(),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_is_put_back_as_it_was() {
        let before = mask();
        let blocked = Blocked::all();
        assert_ne!(mask() & 1 << (libc::SIGINT - 1), 0);
        assert_eq!(mask() & 1 << (libc::SIGSEGV - 1), 0);
        drop(blocked);
        assert_eq!(mask(), before);
        let more = before | 1 << (libc::SIGUSR2 - 1);
        set_mask(more);
        assert_eq!(mask(), more);
        set_mask(before);
    }
}
