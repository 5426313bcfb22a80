//! [`timeout`]: a limit for whatever is awaited within a scope.
//!
//! # Protocol
//!
//! The future runs in place; nothing is spawned. Its [`TimeoutScope`] has the one
//! record of the limit, and of whether the scope has ended. Each poll
//!
//! 1. leaves its waker, **then** polls the future: what is ready counts, however
//!    late it is;
//! 2. asks the scope whether its limit has passed. The scope answers and ends in
//!    one step, so that a limit which [`reschedule`](TimeoutScope::reschedule) has
//!    moved is kept, and one that has passed is moved no more;
//! 3. if it has passed, drops the future, and only then returns the error;
//! 4. otherwise waits for the limit as it is now. Who moves it wakes the waiter.
//!
//! Where scopes are nested and several limits have passed, the outermost one
//! raises: see `timeout/enclosing.rs`.

mod enclosing;
mod scope;

pub use self::scope::TimeoutScope;

use self::enclosing::{Enclosing, GIVES_WAY};
use self::scope::Look;
use crate::cancelled::{Leftovers, drop_cancelled};
use crate::deadline::Deadline;
use executor_core::{BoxError, TaskError};
use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

/// Runs `future` here, but no longer than `limit`; `None` is no limit.
///
/// This is Python's `async with asyncio.timeout(limit)`: the future runs in
/// place, so it may borrow and need not be `Send`, and whoever awaits this is not
/// cancelled. The limit counts from this call. When it passes, the future is
/// dropped at the await where it is, which cancels the tasks that it awaits
/// there, without waiting for their end ([`wait_for`](crate::wait_for) does), and
/// the [task groups](crate::task_group) in it, whose coroutines are waited for, and
/// their functions on threads, which nothing can stop, are not; then this is the
/// error. What the future returns in the same moment counts, and so does its own
/// error. With a limit of zero it runs up to its first await.
///
/// Scopes may be nested: only the one whose limit has passed raises, and of
/// several the outermost. [`TimeoutScope`] moves the limit and tells whether it
/// has passed.
///
/// # Errors
/// What the future returns as its error, by the rule of
/// [`ensure_future`](crate::ensure_future); or one of the kind
/// [`TimedOut`](executor_core::TaskErrorKind::TimedOut).
///
/// # Panics
/// If it is polled again after it was ready, or if the future does.
///
/// # Cancel safety
/// Dropping it drops the future.
///
/// ```
/// use combinators::{sleep, timeout};
/// use executor_core::TaskError;
/// use std::time::Duration;
///
/// # futures::executor::block_on(async {
/// let mut steps = vec![]; // borrowed by what runs in the scope
/// let error = timeout(Duration::from_millis(1), async {
///     steps.push("begun");
///     sleep(Duration::MAX).await;
///     Ok::<_, TaskError>(steps.push("finished"))
/// })
/// .await
/// .unwrap_err();
/// assert!(error.is_timed_out());
/// assert_eq!(steps, ["begun"]);
/// # })
/// ```
pub fn timeout<F, T, E>(limit: impl Into<Option<Duration>>, future: F) -> Timeout<F>
where
    F: Future<Output = Result<T, E>>,
    E: Into<BoxError>,
{
    timeout_scope(limit, |_| future)
}

/// Runs `future` here, but no longer than until `when`; `None` is no limit.
///
/// As [`timeout`], for a point in time, which may have passed already.
///
/// ```
/// use combinators::timeout_at;
/// use executor_core::TaskError;
/// use std::time::Instant;
///
/// let never = std::future::pending::<Result<(), TaskError>>();
/// let error = futures::executor::block_on(timeout_at(Instant::now(), never)).unwrap_err();
/// assert!(error.is_timed_out());
/// ```
pub fn timeout_at<F, T, E>(when: impl Into<Option<Instant>>, future: F) -> Timeout<F>
where
    F: Future<Output = Result<T, E>>,
    E: Into<BoxError>,
{
    Timeout::new(Instant::now(), when.into(), |_| future)
}

/// Runs what `body` makes of its own [`TimeoutScope`], but no longer than `limit`.
///
/// As [`timeout`], where the limit is to be moved from within:
///
/// ```
/// use combinators::{sleep, timeout_scope};
/// use executor_core::TaskError;
/// use std::time::{Duration, Instant};
///
/// # futures::executor::block_on(async {
/// let answer = timeout_scope(None, async |scope| {
///     scope.reschedule(Instant::now() + Duration::from_millis(1));
///     sleep(Duration::MAX).await;
///     Ok::<_, TaskError>(42)
/// });
/// assert!(answer.await.unwrap_err().is_timed_out());
/// # })
/// ```
pub fn timeout_scope<B, F, T, E>(limit: impl Into<Option<Duration>>, body: B) -> Timeout<F>
where
    B: FnOnce(TimeoutScope) -> F,
    F: Future<Output = Result<T, E>>,
    E: Into<BoxError>,
{
    // A limit that no clock can represent is no limit.
    let now = Instant::now();
    let when = limit.into().and_then(|limit| now.checked_add(limit));
    Timeout::new(now, when, body)
}

/// The future of what ends in time: made by [`timeout`], [`timeout_at`] and
/// [`timeout_scope`].
#[must_use = "nothing runs unless it is awaited"]
pub struct Timeout<F> {
    body: Body<F>,
    scope: TimeoutScope,
    deadline: Deadline,
    /// So often it has left it to an enclosing scope to raise.
    gave_way: u8,
}

enum Body<F> {
    Runs(Pin<Box<F>>),
    /// The limit has passed; the task groups in the future have yet to end.
    Expired(Leftovers, TaskError),
    Over,
}

impl<F> Timeout<F> {
    fn new(now: Instant, when: Option<Instant>, body: impl FnOnce(TimeoutScope) -> F) -> Self {
        let scope = TimeoutScope::new(now, when);
        Self {
            body: Body::Runs(Box::pin(body(scope.clone()))),
            scope,
            deadline: Deadline::at(when),
            gave_way: 0,
        }
    }

    /// The handle that moves the limit, and tells whether it has passed.
    pub fn scope(&self) -> TimeoutScope {
        self.scope.clone()
    }

    /// After a poll that gave nothing: drops the future, if the limit has passed.
    fn expire(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let now = Instant::now();
            match self.scope.look(now) {
                Look::Expired(limit) => {
                    if self.gave_way < GIVES_WAY && enclosing::has_passed(now) {
                        // Should that one be moved meanwhile, this one raises at
                        // the next poll.
                        self.gave_way += 1;
                        context.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    let leftovers = drop_cancelled(mem::replace(&mut self.body, Body::Over));
                    let error = TaskError::timed_out(limit, "what ran in its scope was dropped");
                    self.body = Body::Expired(leftovers, error);
                    return Poll::Ready(());
                }
                Look::Until(when) => {
                    self.deadline.move_to(when);
                    if self.deadline.poll(context).is_pending() {
                        return Poll::Pending;
                    }
                }
            }
        }
    }
}

impl<F, T, E> Future for Timeout<F>
where
    F: Future<Output = Result<T, E>>,
    E: Into<BoxError>,
{
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Body::Runs(future) = &mut this.body {
            this.scope.wake(context.waker());
            let enclosing = Enclosing::enter(this.scope.when());
            let polled = future.as_mut().poll(context);
            drop(enclosing);
            if let Poll::Ready(output) = polled {
                this.scope.finish();
                this.body = Body::Over;
                return Poll::Ready(output.map_err(TaskError::failed));
            }
            ready!(this.expire(context));
        }
        if let Body::Expired(leftovers, _) = &mut this.body {
            ready!(leftovers.poll(context));
        }
        match mem::replace(&mut this.body, Body::Over) {
            Body::Expired(_, error) => Poll::Ready(Err(error)),
            Body::Runs(_) | Body::Over => panic!("polled after it was ready"),
        }
    }
}

impl<F> Drop for Timeout<F> {
    fn drop(&mut self) {
        self.scope.finish();
    }
}

impl<F> fmt::Debug for Timeout<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout")
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}
