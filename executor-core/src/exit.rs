//! Waiting, when `main` returns, for pools that were dropped with work left.
//!
//! Dropping the last handle of a pool does not block: it may happen on an event
//! loop, or inside one of the pool's own jobs. The jobs at hand still finish, and
//! a program that ends meanwhile must not lose them: Python joins its workers
//! when the interpreter exits, and so do we, through the C library's `atexit`.
//! Only pools that were dropped or shut down are waited for, so
//! `std::process::exit` with a pool in use ends at once, as does any signal; and
//! so does one that a job calls, which would wait for itself.

use crate::current;
use crate::fork::{Generation, PerProcess};
use crate::say;
use std::cell::Cell;
use std::sync::{Condvar, Mutex, MutexGuard, Once, PoisonError};

#[derive(Debug, Default)]
struct Drains {
    open: Mutex<usize>,
    changed: Condvar,
}

/// A forked child has our handlers, and none of the threads that they would wait for.
static DRAINS: PerProcess<Drains> = PerProcess::new();

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
pub struct HoldExit {
    drains: &'static Drains,
    made: Generation,
}

impl HoldExit {
    /// Holds the process.
    pub fn new() -> Self {
        static ONCE: Once = Once::new();
        ONCE.call_once(at_exit);
        let drains = DRAINS.get();
        *drains.lock() += 1;
        let made = Generation::current();
        Self { drains, made }
    }
}

impl Default for HoldExit {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for HoldExit {
    fn drop(&mut self) {
        // In a forked child nobody waits for it, and it may be locked for ever.
        if !self.made.is_foreign() {
            *self.drains.lock() -= 1;
            self.drains.changed.notify_all();
        }
    }
}

thread_local! {
    /// Jobs run on this thread. Needs no destructor and no allocation, so it can
    /// be read in an exit handler.
    static RUNS_JOBS: Cell<bool> = const { Cell::new(false) };
}

/// Says that jobs run on the calling thread, from now on.
///
/// For executors, at the start of each of their threads: where a job ends the
/// process through `std::process::exit`, nothing is waited for.
///
/// That helps while `main` runs. Once `main` has returned and waits for the job,
/// it is too late to call `std::process::exit`: the standard library lets only
/// one thread end the process and stops the second for ever.
pub fn this_thread_runs_jobs() {
    RUNS_JOBS.set(true);
}

/// Runs `f` as if on a thread where jobs run: it is code of a job's that an executor calls
/// on a thread of somebody else's, and no part of the task that is at work there.
pub fn as_part_of_a_job<R>(f: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            RUNS_JOBS.set(self.0);
        }
    }
    let _restore = Restore(RUNS_JOBS.replace(true));
    current::outside(f)
}

#[cfg(any(unix, windows))]
fn at_exit() {
    extern "C" fn wait_for_drains() {
        if RUNS_JOBS.get() {
            return;
        }
        let drains = DRAINS.get();
        let mut open = drains.lock();
        while *open > 0 {
            open = drains
                .changed
                .wait(open)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
    // SAFETY: `atexit` takes any function that may be called once, on whatever
    // thread ends the process; this one uses nothing that an earlier handler or a
    // thread-local's destructor could have torn down, and does not unwind.
    let refused = unsafe { libc::atexit(wait_for_drains) };
    if refused != 0 {
        say!(
            warn,
            "no room for an exit handler: jobs of dropped pools may be lost at exit"
        );
    }
}

#[cfg(not(any(unix, windows)))]
fn at_exit() {}
