//! What a `Task<T>` sees of the shared allocation, whatever its input type is.

use super::reference::AnyTask;
use crate::cell::{Callback, CallbackId, Outcome};
use crate::job::Shared;
use crate::watch::Watcher;
use std::sync::Arc;
use std::task::Waker;

/// The owner's side of a cell; the methods are those of `Cell`.
pub(crate) trait View<T>: AnyTask {
    fn wake_when_done(&self, waker: &Waker) -> bool;
    fn tell_when_done(&self, watcher: Arc<dyn Watcher>, token: usize) -> bool;
    fn follow(&self, watcher: Arc<dyn Watcher>, token: usize) -> bool;
    fn forget_waiter(&self);
    fn forget_callback(&self, id: CallbackId) -> bool;
    fn be_quiet(&self);
    fn is_quiet(&self) -> bool;
    fn is_calling_back(&self) -> bool;
    fn address(&self) -> usize;

    /// # Safety
    /// As `Cell::take_output`.
    unsafe fn take(&self) -> Option<Outcome<T>>;
    /// # Safety
    /// As `Cell::take_output`.
    unsafe fn take_value(&self) -> Option<T>;
    /// # Safety
    /// The caller is the owner's side, does not take the outcome while the
    /// reference lives, and shares it between threads only if `T` is `Sync`.
    unsafe fn peek(&self) -> Option<&Outcome<T>>;
    /// # Safety
    /// As `Cell::call_when_done`.
    unsafe fn call_when_done(
        &self,
        id: CallbackId,
        callback: Callback<T>,
    ) -> Result<(), Callback<T>>;
}

impl<I: Send, T: Send> View<T> for Shared<I, T> {
    fn wake_when_done(&self, waker: &Waker) -> bool {
        self.cell.wake_when_done(waker)
    }
    fn tell_when_done(&self, watcher: Arc<dyn Watcher>, token: usize) -> bool {
        self.cell.tell_when_done(watcher, token)
    }
    fn follow(&self, watcher: Arc<dyn Watcher>, token: usize) -> bool {
        self.cell.follow(watcher, token)
    }
    fn forget_waiter(&self) {
        self.cell.forget_waiter();
    }
    fn forget_callback(&self, id: CallbackId) -> bool {
        self.cell.forget_callback(id)
    }
    fn be_quiet(&self) {
        self.cell.be_quiet();
    }
    fn is_quiet(&self) -> bool {
        self.cell.is_quiet()
    }
    fn is_calling_back(&self) -> bool {
        self.cell.is_calling_back()
    }
    fn address(&self) -> usize {
        self.cell.address()
    }
    unsafe fn take(&self) -> Option<Outcome<T>> {
        // SAFETY: the caller promises the same.
        unsafe { self.cell.take_output() }
    }
    unsafe fn take_value(&self) -> Option<T> {
        // SAFETY: the caller promises the same.
        unsafe { self.cell.take_value() }
    }
    unsafe fn peek(&self) -> Option<&Outcome<T>> {
        // SAFETY: the caller promises the same, and that nothing takes the
        // outcome for as long as the reference lives.
        unsafe {
            self.cell
                .with_output(|outcome| &*std::ptr::from_ref(outcome))
        }
    }
    unsafe fn call_when_done(
        &self,
        id: CallbackId,
        callback: Callback<T>,
    ) -> Result<(), Callback<T>> {
        // SAFETY: the caller promises the same.
        unsafe { self.cell.call_when_done(id, callback) }
    }
}
