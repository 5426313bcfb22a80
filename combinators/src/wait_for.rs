//! [`wait_for`]: one task, but no longer than so.

use crate::cancelled::leave;
use crate::coroutine;
use crate::deadline::Deadline;
use crate::ensure_future::{as_task, ensure_future};
use executor_core::panic::discard;
use executor_core::{BoxError, Task, TaskError};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Waits for a task or coroutine, but no longer than `limit`; then it is
/// cancelled. `None` is no limit.
///
/// A coroutine is started, and the limit counts, from this call. The rules are
/// those of Python's `asyncio.wait_for`:
///
/// * a limit of zero gives the value of a task that is done, and otherwise times
///   out; a coroutine is then never started;
/// * when the limit has passed, it returns only after the task has ended, so that
///   what a coroutine held is released by then. A coroutine that blocks its
///   thread, rather than await, holds this up. If the task completes in that
///   moment after all, its own outcome counts;
/// * a function that runs on a thread cannot be stopped: the error comes at once
///   and says that the function goes on. One that has asked for its
///   [`CancelToken`](executor_core::CancelToken) is asked to end, and waited for.
///
/// # Errors
/// The task's own error; or one of the kind
/// [`TimedOut`](executor_core::TaskErrorKind::TimedOut) that names the task.
///
/// # Panics
/// If it is polled again after it was ready.
///
/// # Cancel safety
/// Dropping it cancels the task. A coroutine that awaits this, and is cancelled
/// itself, is done only when the task has ended.
///
/// ```
/// use combinators::wait_for;
/// use executor_core::TaskError;
/// use std::time::Duration;
///
/// let never = futures::future::pending::<Result<(), TaskError>>();
/// let waiting = wait_for(never, Duration::from_millis(1));
/// let error = futures::executor::block_on(waiting).unwrap_err();
/// assert!(error.is_timed_out());
/// assert!(error.task_name().unwrap().starts_with("Task-"));
/// ```
pub fn wait_for<F, T, E>(future: F, limit: impl Into<Option<Duration>>) -> WaitFor<T>
where
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Into<BoxError>,
{
    // Nothing lasts longer.
    let limit = limit.into().unwrap_or(Duration::MAX);
    let task = match as_task(future) {
        Ok(task) => task,
        Err(coroutine) if limit.is_zero() => {
            discard(coroutine);
            let error = TaskError::timed_out(limit, "it was not started");
            Task::ready(coroutine::next_name(), Err(error))
        }
        Err(coroutine) => ensure_future(coroutine),
    };
    WaitFor {
        task: Some(task),
        limit,
        deadline: Deadline::after(limit),
        expired: false,
    }
}

/// The future of an outcome that is in time: made by [`wait_for`].
#[must_use = "dropping it cancels the task: await it"]
pub struct WaitFor<T: Send + 'static> {
    task: Option<Task<T>>,
    limit: Duration,
    deadline: Deadline,
    /// The limit has passed and the task was cancelled.
    expired: bool,
}

impl<T: Send + 'static> WaitFor<T> {
    fn step(&mut self, context: &mut Context<'_>) -> Poll<Result<T, TaskError>> {
        let Some(task) = &mut self.task else {
            panic!("polled after it was ready");
        };
        loop {
            if let Poll::Ready(outcome) = Pin::new(&mut *task).poll(context) {
                let late = |error: TaskError| match self.expired && error.is_cancelled() {
                    true => timed_out(task, self.limit, "it was cancelled"),
                    false => error,
                };
                return Poll::Ready(outcome.map_err(late));
            }
            if self.expired {
                return Poll::Pending;
            }
            ready!(self.deadline.poll(context));
            self.expired = true;
            if !task.cancel().took_effect() && !task.is_done() {
                let why = "it cannot be stopped where it runs and goes on";
                return Poll::Ready(Err(timed_out(task, self.limit, why)));
            }
        }
    }
}

fn timed_out<T: Send + 'static>(task: &Task<T>, limit: Duration, what_now: &str) -> TaskError {
    TaskError::timed_out(limit, what_now).for_task(task.id(), task.name())
}

impl<T: Send + 'static> Future for WaitFor<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = ready!(self.step(context));
        self.task = None;
        Poll::Ready(outcome)
    }
}

impl<T: Send + 'static> Drop for WaitFor<T> {
    fn drop(&mut self) {
        if let Some(task) = self.task.take()
            && task.cancel().took_effect()
            && !task.is_done()
        {
            leave(Box::new(task));
        }
    }
}

impl<T: Send + 'static> fmt::Debug for WaitFor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitFor")
            .field("task", &self.task)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
