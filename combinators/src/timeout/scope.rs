//! [`TimeoutScope`]: the record of a scope's limit, and its end.

use executor_core::panic::{contain, discard};
use futures::task::AtomicWaker;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

/// The handle of a [`timeout`](crate::timeout): moves its limit, and tells
/// whether it has passed.
///
/// Clones are handles of the same scope; they may go to other tasks and threads.
///
/// ```
/// use combinators::timeout;
/// use executor_core::TaskError;
/// use std::time::{Duration, Instant};
///
/// let body = timeout(None, std::future::pending::<Result<(), TaskError>>());
/// let scope = body.scope();
/// assert_eq!(scope.when(), None);
/// assert!(scope.reschedule(Instant::now()));
/// assert!(futures::executor::block_on(body).is_err());
/// assert!(scope.expired());
/// assert!(!scope.reschedule(Instant::now() + Duration::from_secs(1)));
/// ```
#[derive(Clone, Debug)]
pub struct TimeoutScope(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    waker: AtomicWaker,
}

#[derive(Debug)]
struct State {
    made: Instant,
    when: Option<Instant>,
    phase: Phase,
}

#[derive(Debug, PartialEq, Eq)]
enum Phase {
    Active,
    Expired,
    Finished,
}

/// What a scope says when it is asked whether its limit has passed.
pub(super) enum Look {
    /// It has, after so long.
    Expired(Duration),
    /// Not yet; it will then, if at all.
    Until(Option<Instant>),
}

impl TimeoutScope {
    pub(super) fn new(made: Instant, when: Option<Instant>) -> Self {
        let state = State {
            made,
            when,
            phase: Phase::Active,
        };
        Self(Arc::new(Shared {
            state: Mutex::new(state),
            waker: AtomicWaker::new(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let state = self.0.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }

    /// When the limit passes; `None` if there is none.
    pub fn when(&self) -> Option<Instant> {
        self.state().when
    }

    /// Moves the limit, earlier or later; `None` takes it away. A point in time
    /// that has passed ends the scope at its next await.
    ///
    /// False, and nothing happens, if the scope has ended: its limit has passed,
    /// or what ran in it has finished.
    pub fn reschedule(&self, when: impl Into<Option<Instant>>) -> bool {
        let when = when.into();
        let mut state = self.state();
        if state.phase != Phase::Active {
            return false;
        }
        state.when = when;
        drop(state);
        // It is the waker of whoever awaits the scope, and none of the caller's.
        if let Some(waker) = self.0.waker.take() {
            contain("a waker panicked when a timeout was moved", || waker.wake());
        }
        true
    }

    /// Whether the limit has passed and ended the scope. What finished first has
    /// not expired, and never does.
    pub fn expired(&self) -> bool {
        self.state().phase == Phase::Expired
    }

    /// Has `waker` woken when the limit is moved.
    pub(super) fn wake(&self, waker: &Waker) {
        self.0.waker.register(waker);
    }

    /// Ends the scope if its limit has passed.
    pub(super) fn look(&self, now: Instant) -> Look {
        let mut state = self.state();
        match state.when {
            Some(when) if when <= now => {
                state.phase = Phase::Expired;
                Look::Expired(when.saturating_duration_since(state.made))
            }
            when => Look::Until(when),
        }
    }

    /// Ends the scope otherwise.
    pub(super) fn finish(&self) {
        let mut state = self.state();
        if state.phase == Phase::Active {
            state.phase = Phase::Finished;
        }
        drop(state);
        // The handle may live on, but not whoever waited.
        discard(self.0.waker.take());
    }
}
