//! Who waits for a cell: one waiter, any number of callbacks. How they and the
//! resolver find each other stands in the cell's own file.

use super::{Callback, Cell};
use crate::control::Control;
use crate::panic::{catch, discard};
use crate::sync::lock;
use crate::watch::{Settled, Watcher};
use std::sync::Arc;
use std::task::Waker;

pub(super) struct Slot<T> {
    pub(super) waiter: Waiter,
    pub(super) callbacks: Vec<Callback<T>>,
    pub(super) control: Option<(Arc<dyn Control>, u64)>,
}

/// Who is told when the task is done.
pub(super) enum Waiter {
    Nobody,
    Task(Waker),
    Group(Arc<dyn Watcher>, usize),
}

impl Waiter {
    pub(super) fn tell(self, settled: Settled) {
        // A waker is foreign code, so a panic of it is contained.
        let told = match self {
            Self::Nobody => Ok(()),
            Self::Task(waker) => catch(|| waker.wake()),
            Self::Group(watcher, token) => catch(|| watcher.settled(token, settled)),
        };
        if let Err(report) = told {
            tracing::error!(%report, "a waker panicked");
        }
    }
}

impl<I, T> Cell<I, T> {
    /// Asks for `waker` to be woken when the task is done, in place of whoever
    /// waited before. False if it is done already.
    pub(crate) fn wake_when_done(&self, waker: &Waker) -> bool {
        // Cloning a waker is foreign code, as is dropping one: not under the lock.
        self.register(Waiter::Task(waker.clone()))
    }

    /// Asks for `watcher` to be told when the task is done, in place of whoever
    /// waited before. False if it is done already.
    pub(crate) fn tell_when_done(&self, watcher: Arc<dyn Watcher>, token: usize) -> bool {
        self.register(Waiter::Group(watcher, token))
    }

    /// Nobody is to be told any more.
    pub(crate) fn forget_waiter(&self) {
        let former = std::mem::replace(&mut lock(&self.slot).waiter, Waiter::Nobody);
        discard(former);
    }

    fn register(&self, next: Waiter) -> bool {
        let mut slot = lock(&self.slot);
        let former = std::mem::replace(&mut slot.waiter, next);
        let registered = self.set_watched();
        let withdrawn = match registered {
            true => Waiter::Nobody,
            false => std::mem::replace(&mut slot.waiter, Waiter::Nobody),
        };
        drop(slot);
        discard((former, withdrawn));
        registered
    }

    /// Whether resolving the task runs code that is not ours: callbacks, or
    /// somebody's watcher.
    pub(crate) fn has_followers(&self) -> bool {
        let slot = lock(&self.slot);
        !slot.callbacks.is_empty() || matches!(slot.waiter, Waiter::Group(..))
    }
}
