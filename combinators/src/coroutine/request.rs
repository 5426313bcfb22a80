//! [`Request`]: the way from a task to its coroutine.

use super::Home;
use executor_core::{CancelOutcome, Control, TaskError};
use futures::task::AtomicWaker;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

/// A wish to cancel, and the waker of the last poll; the protocol stands with
/// the coroutine.
pub(crate) struct Request {
    cancel: AtomicBool,
    started: AtomicBool,
    waker: AtomicWaker,
    home: Home,
}

impl Request {
    pub(crate) fn new(home: Home) -> Self {
        Self {
            cancel: AtomicBool::new(false),
            started: AtomicBool::new(false),
            waker: AtomicWaker::new(),
            home,
        }
    }

    pub(super) fn home(&self) -> &Home {
        &self.home
    }

    pub(super) fn is_set(&self) -> bool {
        self.cancel.load(Ordering::Acquire)
    }

    pub(super) fn start(&self) {
        self.started.store(true, Ordering::Release);
    }

    pub(super) fn leave(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    pub(super) fn cancelled(&self) -> TaskError {
        TaskError::cancelled(match self.started.load(Ordering::Relaxed) {
            true => "at an await",
            false => "before it started",
        })
    }
}

impl Control for Request {
    fn cancel(&self, _ticket: u64) -> CancelOutcome {
        self.cancel.store(true, Ordering::Release);
        self.waker.wake();
        CancelOutcome::Requested
    }

    fn is_running(&self, _ticket: u64) -> bool {
        self.started.load(Ordering::Acquire)
    }

    fn stuck(&self, _ticket: u64) -> Option<TaskError> {
        self.home.stuck()
    }
}
