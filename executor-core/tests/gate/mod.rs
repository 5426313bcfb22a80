//! Functions that wait until the test says so.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use executor_core::{Executor, Job, Shutdown, ShutdownReport, Task};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// How long anything is waited for before the test fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);

/// One that is closed at first. Functions capture nothing, so it stands in a static.
#[derive(Debug)]
pub(crate) struct Gate {
    /// How many have come to it, and whether it is open.
    state: Mutex<(usize, bool)>,
    changed: Condvar,
}

impl Gate {
    pub(crate) const fn new() -> Self {
        Self {
            state: Mutex::new((0, false)),
            changed: Condvar::new(),
        }
    }

    fn wait_until(&self, enough: impl Fn(&(usize, bool)) -> bool) {
        let state = self.state.lock().unwrap();
        let waited = self
            .changed
            .wait_timeout_while(state, DEADLINE, |state| !enough(state));
        assert!(!waited.unwrap().1.timed_out(), "nobody came in time");
    }

    /// Waits until it is open.
    pub(crate) fn pass(&self) {
        self.state.lock().unwrap().0 += 1;
        self.changed.notify_all();
        self.wait_until(|state| state.1);
    }

    /// Waits until so many have come to it.
    pub(crate) fn await_arrivals(&self, arrivals: usize) {
        self.wait_until(|state| state.0 >= arrivals);
    }

    pub(crate) fn arrivals(&self) -> usize {
        self.state.lock().unwrap().0
    }

    pub(crate) fn open(&self) {
        self.state.lock().unwrap().1 = true;
        self.changed.notify_all();
    }

    /// Closes it, as if nobody had come to it.
    pub(crate) fn reset(&self) {
        *self.state.lock().unwrap() = (0, false);
    }
}

/// Runs each job on a thread of its own.
pub(crate) struct ThreadPerJob;

impl Executor for ThreadPerJob {
    fn execute(&self, job: Job) {
        std::thread::spawn(move || job.run());
    }
    fn shutdown(&self, _: Shutdown) -> Task<ShutdownReport> {
        Task::ready("shutdown", Ok(ShutdownReport::default()))
    }
    fn concurrency(&self) -> usize {
        2
    }
}
