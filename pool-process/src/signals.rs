//! Keeping signals away from a thread while it moves bytes.
//!
//! ipc-channel does not resume a message that a signal handler has interrupted
//! half way, so the threads that send or receive large ones have no handlers run
//! on them. Other threads of the process still take the signals.

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
