//! [`Bell`]: the part of a worker that is reached without the pool's lock.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Thread;

/// How a sleeping worker is woken, and how a running one says that its function
/// has returned.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    thread: OnceLock<Thread>,
    rung: AtomicBool,
    returned: AtomicBool,
    overdue: AtomicBool,
    waiting: AtomicBool,
}

impl Bell {
    /// Binds the bell to this thread, the worker's.
    pub(crate) fn hang(&self) {
        self.thread.get_or_init(std::thread::current);
    }

    /// Whether somebody has rung the bell and the worker has not heard it yet.
    pub(crate) fn is_rung(&self) -> bool {
        self.rung.load(Ordering::Relaxed)
    }

    /// Sleeps until the bell is rung; at once if it was rung before.
    pub(crate) fn sleep(&self) {
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

    /// Whether, besides, the worker can be counted on.
    pub(crate) fn is_returning(&self) -> bool {
        self.has_returned() && !self.overdue.load(Ordering::Relaxed)
    }

    /// The worker is held up on its way, or is not.
    pub(crate) fn set_overdue(&self, overdue: bool) {
        self.overdue.store(overdue, Ordering::Relaxed);
    }

    /// The function waits for another task, or does so no longer.
    pub(crate) fn set_waiting(&self, waiting: bool) {
        self.waiting.store(waiting, Ordering::Relaxed);
    }

    pub(crate) fn is_waiting(&self) -> bool {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Whether the function had returned; the worker is there. Only the worker
    /// calls this, and only it says that it has returned, so that no exchange is
    /// needed.
    pub(crate) fn take_returned(&self) -> bool {
        let returned = self.has_returned();
        self.returned.store(false, Ordering::Relaxed);
        self.set_overdue(false);
        returned
    }
}
