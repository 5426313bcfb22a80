//! Waiting, when `main` returns, for pools that were dropped with work left.
//!
//! Dropping the last handle of a pool does not block: it may happen on an event
//! loop, or inside one of the pool's own jobs. The jobs at hand still finish, and
//! a program that ends meanwhile must not lose them: Python joins its workers
//! when the interpreter exits, and so do we, through the C library's `atexit`.
//! Only pools that were dropped or shut down are waited for, so
//! `std::process::exit` with a pool in use ends at once, as does any signal.

use std::sync::{Condvar, Mutex, MutexGuard, Once, PoisonError};

struct Drains {
    open: Mutex<usize>,
    changed: Condvar,
}

static DRAINS: Drains = Drains {
    open: Mutex::new(0),
    changed: Condvar::new(),
};

impl Drains {
    fn lock(&self) -> MutexGuard<'_, usize> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// While one of these exists, the process does not end by returning from `main`.
///
/// For executors: taken when the last handle goes while jobs are left, dropped
/// when the last of them has resolved.
#[derive(Debug)]
#[must_use = "the process is held only as long as this exists"]
pub struct HoldExit(());

impl HoldExit {
    /// Holds the process.
    pub fn new() -> Self {
        static ONCE: Once = Once::new();
        ONCE.call_once(at_exit);
        *DRAINS.lock() += 1;
        Self(())
    }
}

impl Default for HoldExit {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for HoldExit {
    fn drop(&mut self) {
        *DRAINS.lock() -= 1;
        DRAINS.changed.notify_all();
    }
}

#[cfg(any(unix, windows))]
fn at_exit() {
    extern "C" fn wait_for_drains() {
        let mut open = DRAINS.lock();
        while *open > 0 {
            open = DRAINS
                .changed
                .wait(open)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
    // SAFETY: `atexit` takes any function that may be called once, on whatever
    // thread ends the process; this one uses neither thread-locals nor anything
    // that an earlier handler could have torn down, and does not unwind.
    let refused = unsafe { libc::atexit(wait_for_drains) };
    if refused != 0 {
        tracing::warn!("no room for an exit handler: jobs of dropped pools may be lost at exit");
    }
}

#[cfg(not(any(unix, windows)))]
fn at_exit() {}
