//! The primitives that the completion cell and those who wait for it are built
//! from: the standard ones, or loom's when its models are run.

#[cfg(not(loom))]
pub(crate) use self::std_impl::{AtomicU16, AtomicU32, AtomicUsize, Mutex, UnsafeCell, fence};
#[cfg(loom)]
pub(crate) use loom::{
    cell::UnsafeCell,
    sync::{
        Mutex,
        atomic::{AtomicU16, AtomicU32, AtomicUsize, fence},
    },
};

/// A static; under loom one for each execution of a model.
#[cfg(not(loom))]
macro_rules! process_wide {
    (static $name:ident: $type:ty = $value:expr;) => {
        static $name: $type = $value;
    };
}
#[cfg(loom)]
macro_rules! process_wide {
    (static $name:ident: $type:ty = $value:expr;) => {
        loom::lazy_static! { static ref $name: $type = $value; }
    };
}
pub(crate) use process_wide;

#[cfg(not(loom))]
mod std_impl {
    pub(crate) use std::sync::{
        Mutex,
        atomic::{AtomicU16, AtomicU32, AtomicUsize, fence},
    };

    /// `std::cell::UnsafeCell` with the closure interface that loom checks.
    #[derive(Debug)]
    pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        #[inline(always)]
        pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            f(self.0.get())
        }

        #[inline(always)]
        pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }
}

/// Locks `mutex`, whether or not somebody panicked while holding it: no user
/// code runs under a lock of ours, so the data is whole.
#[cfg(not(loom))]
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(loom)]
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> loom::sync::MutexGuard<'_, T> {
    mutex.lock().expect("loom's mutex is never poisoned")
}
