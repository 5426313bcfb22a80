//! [`Bell`]: the part of a worker that is reached without the pool's lock.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Thread;

/// How often a worker spins before it sleeps, twice as long each time.
const SPINS: u32 = 6;
/// How often it yields after that.
const YIELDS: u32 = 10;

/// How a sleeping worker is woken, and how a running one says that its function
/// has returned.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    thread: OnceLock<Thread>,
    rung: AtomicBool,
    returned: AtomicBool,
}

impl Bell {
    /// Binds the bell to this thread, the worker's.
    pub(crate) fn hang(&self) {
        self.thread.get_or_init(std::thread::current);
    }

    /// Sleeps until the bell is rung; at once if it was rung before.
    ///
    /// Falling asleep and being woken cost the two sides far more than a job in
    /// sequence takes to come, so the worker first stays awake for a moment.
    pub(crate) fn sleep(&self) {
        for step in 0..SPINS + YIELDS {
            if self.rung.load(Ordering::Relaxed) {
                break;
            }
            match step < SPINS {
                true => (0..1 << step).for_each(|_| std::hint::spin_loop()),
                false => std::thread::yield_now(),
            }
        }
        // A job may have left a token behind with which `park` returns early.
        while !self.rung.swap(false, Ordering::Acquire) {
            std::thread::park();
        }
    }

    /// Wakes the worker. Not to be called under the pool's lock, which it takes
    /// first thing.
    pub(crate) fn ring(&self) {
        self.rung.store(true, Ordering::Release);
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// Says that the function is over, although its task is not yet.
    ///
    /// The task is resolved after this on the same thread, so whoever sees the
    /// task done sees this too: the cell's ordering carries it along.
    pub(crate) fn set_returned(&self) {
        self.returned.store(true, Ordering::Relaxed);
    }

    /// Whether the function is over and the worker is on its way to the queue.
    pub(crate) fn has_returned(&self) -> bool {
        self.returned.load(Ordering::Relaxed)
    }

    /// The same, and the worker is there.
    pub(crate) fn take_returned(&self) -> bool {
        self.returned.swap(false, Ordering::Relaxed)
    }
}
