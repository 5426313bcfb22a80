//! [`Wakeups`]: wakers that are called a little later.

use crate::panic::contain;
use std::fmt;
use std::task::Waker;

/// The wakers of tasks that are done, to be called when whoever resolves the tasks
/// has put its own things in order: a task that is woken runs at once, perhaps in
/// place of the thread that wakes it.
///
/// See [`HeldJob::complete_and_wake_later`](crate::HeldJob::complete_and_wake_later).
/// None is lost: when this is dropped, those that are left are called.
#[derive(Default)]
#[must_use = "it wakes when it is dropped"]
pub struct Wakeups(Vec<Waker>);

impl Wakeups {
    /// None so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there is anybody to be woken.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn add(&mut self, waker: Waker) {
        self.0.push(waker);
    }

    /// Takes them out, in the order in which their tasks were resolved: whoever does
    /// this calls them. Dropping a waker that was not called loses a wake-up.
    pub fn drain(&mut self) -> std::vec::Drain<'_, Waker> {
        self.0.drain(..)
    }

    /// Calls all of them, in the order in which their tasks were resolved. A panic in
    /// one of them is reported and harms no other.
    pub fn wake(&mut self) {
        for waker in self.0.drain(..) {
            wake(waker);
        }
    }
}

/// A waker is foreign code, so a panic of it is contained.
pub(crate) fn wake(waker: Waker) {
    contain("a waker panicked", || waker.wake());
}

impl Drop for Wakeups {
    fn drop(&mut self) {
        self.wake();
    }
}

impl fmt::Debug for Wakeups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Wakeups").field(&self.0.len()).finish()
    }
}
