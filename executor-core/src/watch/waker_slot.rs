//! [`WakerSlot`]: who is to be woken, behind a small lock.
//!
//! A waker is foreign code: it is cloned, woken and dropped outside the lock.
//! There is one who registers and any number of those who wake. Who registers
//! leaves the waker, **then** looks at what is waited for; who wakes has changed
//! that **before**: so the one sees the change, or the other finds the waker.

use crate::panic::discard;
use crate::sync::{Mutex, lock};
use std::task::Waker;

#[derive(Debug)]
pub(crate) struct WakerSlot(Mutex<Option<Waker>>);

impl WakerSlot {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// From now on `waker` is woken, in place of another one.
    pub(crate) fn register(&self, waker: &Waker) {
        let known = |registered: &Waker| registered.will_wake(waker);
        if lock(&self.0).as_ref().is_some_and(known) {
            return;
        }
        let next = waker.clone();
        let former = lock(&self.0).replace(next);
        discard(former);
    }

    /// Wakes whoever is registered, once.
    pub(crate) fn wake(&self) {
        let waker = lock(&self.0).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Nobody is to be woken any more.
    pub(crate) fn clear(&self) {
        let former = lock(&self.0).take();
        discard(former);
    }
}
