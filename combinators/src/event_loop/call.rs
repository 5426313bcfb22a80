//! [`CallHandle`]: a callback that an event loop will call.

use super::exceptions::ExceptionContext;
use super::shared::Shared;
use super::timers::Due;
use executor_core::CancelOutcome;
use executor_core::context::Surroundings;
use executor_core::panic::{catch, discard};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

type Function = Box<dyn FnOnce() + Send>;

/// A callback that was scheduled on an event loop.
///
/// Dropping this changes nothing: the callback is called all the same.
///
/// ```
/// use combinators::EventLoop;
/// use executor_core::CancelOutcome;
///
/// let mut event_loop = EventLoop::new();
/// let handle = event_loop.handle();
/// let call = handle.call_soon(|| unreachable!("it is cancelled"))?;
/// assert_eq!(call.cancel(), CancelOutcome::BeforeStart);
/// assert!(call.cancelled());
/// handle.stop();
/// event_loop.run_forever()?;
/// # Ok::<(), executor_core::TaskError>(())
/// ```
#[derive(Clone)]
pub struct CallHandle(Arc<Call>);

impl CallHandle {
    pub(super) fn new(call: Arc<Call>) -> Self {
        Self(call)
    }

    /// Sees to it that the callback is not called, if it is not too late.
    ///
    /// [`BeforeStart`](CancelOutcome::BeforeStart) means that it never runs, and
    /// what it captured has been dropped, by the time this returns. Of a callback
    /// that has begun, [`TooLate`](CancelOutcome::TooLate) says so at once.
    /// (CPython 3.14 makes another thread wait there until the callback has
    /// ended, and two callbacks of two loops that cancel each other block for
    /// ever. To wait for an end, use a coroutine, which has a task.)
    pub fn cancel(&self) -> CancelOutcome {
        if !self.0.revoke() {
            return CancelOutcome::TooLate;
        }
        if let Some((home, due)) = &self.0.timer
            && let Some(home) = home.upgrade()
        {
            home.forget_timer(*due);
        }
        CancelOutcome::BeforeStart
    }

    /// True if it was cancelled, or its loop closed, before it was called.
    pub fn cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::Acquire)
    }

    /// When it is due, if it was scheduled for a time.
    pub fn when(&self) -> Option<Instant> {
        self.0.timer.as_ref().map(|(_, due)| due.at())
    }
}

impl fmt::Debug for CallHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallHandle")
            .field("when", &self.when())
            .field("cancelled", &self.cancelled())
            .finish_non_exhaustive()
    }
}

/// A callback, on its way to be called once. Whoever takes the function out
/// decides what becomes of it.
pub(super) struct Call {
    function: Mutex<Option<(Function, Surroundings)>>,
    cancelled: AtomicBool,
    timer: Option<(Weak<Shared>, Due)>,
}

impl Call {
    pub(super) fn soon(function: Function) -> Arc<Self> {
        Self::new(function, None)
    }

    pub(super) fn later(due: Due, home: &Arc<Shared>, function: Function) -> Arc<Self> {
        Self::new(function, Some((Arc::downgrade(home), due)))
    }

    fn new(function: Function, timer: Option<(Weak<Shared>, Due)>) -> Arc<Self> {
        Arc::new(Self {
            // Like a coroutine, it runs in a copy of the context it was made in.
            function: Mutex::new(Some((function, Surroundings::capture()))),
            cancelled: AtomicBool::new(false),
            timer,
        })
    }

    fn take(&self) -> Option<(Function, Surroundings)> {
        self.function
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Calls it, unless it was cancelled.
    pub(super) fn call(&self, home: &Shared) {
        let Some((function, mut surroundings)) = self.take() else {
            return;
        };
        if let Err(report) = catch(|| surroundings.resume(function)) {
            home.report(&ExceptionContext::new("a callback panicked").panic(report));
        }
        discard(surroundings);
    }

    /// Drops it uncalled. False if it has been called or revoked already.
    pub(super) fn revoke(&self) -> bool {
        let function = self.take();
        let revoked = function.is_some();
        if revoked {
            self.cancelled.store(true, Ordering::Release);
        }
        discard(function);
        revoked
    }
}
