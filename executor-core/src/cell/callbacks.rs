//! Done callbacks: functions that are called with the outcome, in the order in
//! which they were added, before the task counts as done.
//!
//! The resolver takes the whole list out and calls it under no lock, until it
//! finds the list empty. So a callback that is on the list is called or removed,
//! never both; one that is taken out is past removal.

use super::{Cell, Outcome};
use crate::current;
use crate::deep::deeply;
use crate::error::TaskError;
use crate::panic::{contain, discard};
use crate::sync::lock;
use std::sync::atomic::{AtomicU64, Ordering};

/// A function to be called with the outcome.
pub(crate) type Callback<T> = Box<dyn FnOnce(Result<&T, &TaskError>) + Send>;

/// A done callback of a task: what [`Task::add_done_callback`] gives, to
/// [remove](crate::Task::remove_done_callback) it again.
///
/// [`Task::add_done_callback`]: crate::Task::add_done_callback
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallbackId(u64);

impl CallbackId {
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl<I, T> Cell<I, T> {
    /// Calls `callback` when the task is done: at once, on this thread, if it
    /// is done already. Gives it back if the outcome has been taken.
    ///
    /// # Safety
    /// As for `with_output`.
    pub(crate) unsafe fn call_when_done(
        &self,
        id: CallbackId,
        callback: Callback<T>,
    ) -> Result<(), Callback<T>> {
        let callback = {
            let mut slot = lock(&self.slot);
            slot.others().callbacks.push((id, callback));
            if self.set_watched() {
                return Ok(());
            }
            // A resolver that saw `WATCHED` empties the list before `DONE`, so
            // what stands last in it is what was just put there.
            slot.others().callbacks.pop()
        };
        let mut callback = callback.map(|(_, callback)| callback);
        // SAFETY: the caller promises what `with_output` asks for.
        unsafe {
            self.with_output(|outcome| {
                if let Some(callback) = callback.take() {
                    self.be_quiet();
                    current::outside(|| deeply(|| call(callback, outcome)));
                }
            });
        }
        callback.map_or(Ok(()), Err)
    }

    /// Takes a callback off the list; false if it was called, or is about to be.
    pub(crate) fn forget_callback(&self, id: CallbackId) -> bool {
        let mut slot = lock(&self.slot);
        let removed = slot.others.as_mut().and_then(|others| {
            // In order, unless several threads add at once.
            let place = others.callbacks.binary_search_by_key(&id, |(its, _)| *its);
            let search = |_| others.callbacks.iter().position(|it| it.0 == id).ok_or(());
            let place = place.or_else(search).ok()?;
            Some(others.callbacks.remove(place))
        });
        drop(slot);
        let found = removed.is_some();
        discard(removed);
        found
    }

    /// Runs `f`, which calls callbacks: it is part of nothing else.
    pub(super) fn calling_back<R>(&self, f: impl FnOnce() -> R) -> R {
        current::calling_back(self.address(), || deeply(f))
    }

    /// Whether this thread calls the callbacks, so that it must not wait for their
    /// end.
    pub(crate) fn is_calling_back(&self) -> bool {
        current::is_calling_back(self.address())
    }

    /// No other cell stands here, as long as this one does.
    pub(crate) fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

/// Calls a done callback; a panic in it is reported and harms nobody.
pub(super) fn call<T>(callback: Callback<T>, outcome: &Outcome<T>) {
    call_with(callback, outcome.as_ref());
}

/// The same, with a part of an outcome.
pub(crate) fn call_with<T>(callback: Callback<T>, outcome: Result<&T, &TaskError>) {
    contain("exception calling a done callback", || callback(outcome));
}
