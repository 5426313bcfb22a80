//! What a `Task<T>` sees of the shared allocation, whatever its input type is.

use super::Meta;
use crate::cell::{Callback, Outcome, Stage};
use crate::control::CancelOutcome;
use crate::error::TaskError;
use crate::job::Shared;
use crate::watch::Watcher;
use std::sync::Arc;
use std::task::Waker;

/// The owner's side of a cell; the methods are those of `Cell`.
pub(crate) trait View<T>: Send + Sync {
    fn meta(&self) -> &Meta;
    fn stage(&self) -> Stage;
    fn is_running(&self) -> bool;
    fn cancel(&self) -> CancelOutcome;
    fn wake_when_done(&self, waker: &Waker) -> bool;
    fn tell_when_done(&self, watcher: Arc<dyn Watcher>, token: usize) -> bool;
    fn forget_waiter(&self);

    /// # Safety
    /// As `Cell::take_output`.
    unsafe fn take(&self) -> Option<Outcome<T>>;
    /// # Safety
    /// The caller is the owner's side, does not take the outcome while the
    /// reference lives, and shares it between threads only if `T` is `Sync`.
    unsafe fn peek(&self) -> Option<&Outcome<T>>;
    /// # Safety
    /// As `Cell::call_when_done`.
    unsafe fn call_when_done(&self, callback: Callback<T>) -> Result<(), Callback<T>>;
}

impl<I: Send, T: Send> View<T> for Shared<I, T> {
    fn meta(&self) -> &Meta {
        &self.meta
    }
    fn stage(&self) -> Stage {
        self.cell.stage()
    }
    fn is_running(&self) -> bool {
        self.cell.is_running()
    }
    fn cancel(&self) -> CancelOutcome {
        self.cell
            .cancel(|| self.meta.name_it(TaskError::cancelled("before it started")))
    }
    fn wake_when_done(&self, waker: &Waker) -> bool {
        self.cell.wake_when_done(waker)
    }
    fn tell_when_done(&self, watcher: Arc<dyn Watcher>, token: usize) -> bool {
        self.cell.tell_when_done(watcher, token)
    }
    fn forget_waiter(&self) {
        self.cell.forget_waiter();
    }
    unsafe fn take(&self) -> Option<Outcome<T>> {
        // SAFETY: the caller promises the same.
        unsafe { self.cell.take_output() }
    }
    unsafe fn peek(&self) -> Option<&Outcome<T>> {
        // SAFETY: the caller promises the same, and that nothing takes the
        // outcome for as long as the reference lives.
        unsafe {
            self.cell
                .with_output(|outcome| &*std::ptr::from_ref(outcome))
        }
    }
    unsafe fn call_when_done(&self, callback: Callback<T>) -> Result<(), Callback<T>> {
        // SAFETY: the caller promises the same.
        unsafe { self.cell.call_when_done(callback) }
    }
}
