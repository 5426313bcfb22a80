//! [`gather`] and [`gather_settled`]: all results, in argument order.

use crate::ensure_future::ensure_future;
use crate::group::Group;
use executor_core::{BoxError, Settled, Task, TaskError};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Waits for all of `tasks` and returns their values, in the order given.
///
/// It takes tasks of any executor, and coroutines, which
/// [`ensure_future`] starts. Everything is started by this very call; the
/// returned future only waits.
///
/// The first failure, which may be a cancellation, ends it at once. What the
/// others do later is ignored and they *go on*, detached: Python's rule. Those
/// that are to be cancelled instead are given with [`Task::cancel_on_drop`]. Of
/// several tasks that had failed before the first poll, the first in argument
/// order counts. No tasks give no values, at once.
///
/// # Errors
/// The error of the task that failed first, which names it.
///
/// # Panics
/// If it is polled again after it was ready.
///
/// # Cancel safety
/// Dropping it drops its handles of the tasks, which go on, detached.
///
/// ```
/// use combinators::gather;
/// use executor_core::{Executor, ExecutorExt as _, Inline, TaskError};
///
/// async fn squares(executor: &dyn Executor) -> Result<Vec<u64>, TaskError> {
///     gather((0..4).map(|n| executor.submit(|n: u64| n * n, n))).await
/// }
///
/// let squares = futures::executor::block_on(squares(&Inline::new()))?;
/// assert_eq!(squares, [0, 1, 4, 9]);
/// # Ok::<(), TaskError>(())
/// ```
pub fn gather<I, T, E>(tasks: I) -> Gather<T>
where
    I: IntoIterator,
    I::Item: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Into<BoxError>,
{
    let failed = |settled| settled != Settled::Value;
    Gather(Group::new(start_all(tasks), failed))
}

/// Waits for all of `tasks` and returns how each of them ended, in the order
/// given.
///
/// Like [`gather`], but a failure is one outcome among the others and ends
/// nothing early: Python's `gather(…, return_exceptions=True)`.
///
/// # Panics
/// If it is polled again after it was ready.
///
/// # Cancel safety
/// Dropping it drops its handles of the tasks, which go on, detached.
///
/// ```
/// use combinators::gather_settled;
///
/// let parse = |text: &'static str| async move { text.parse::<u8>() };
/// let outcomes = gather_settled(["1", "x", "3"].map(parse));
/// let outcomes = futures::executor::block_on(outcomes);
/// assert_eq!(*outcomes[0].as_ref().unwrap(), 1);
/// assert!(outcomes[1].as_ref().unwrap_err().is_failed());
/// assert_eq!(*outcomes[2].as_ref().unwrap(), 3);
/// ```
pub fn gather_settled<I, T, E>(tasks: I) -> GatherSettled<T>
where
    I: IntoIterator,
    I::Item: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Into<BoxError>,
{
    GatherSettled(Group::new(start_all(tasks), |_| false))
}

fn start_all<I, T, E>(tasks: I) -> Vec<Task<T>>
where
    I: IntoIterator,
    I::Item: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Into<BoxError>,
{
    tasks.into_iter().map(ensure_future).collect()
}

/// The future of all values: made by [`gather`].
#[must_use = "the tasks run by themselves, but nobody learns how they end unless this is awaited"]
pub struct Gather<T: Send + 'static>(Group<T>);

impl<T: Send + 'static> Future for Gather<T> {
    type Output = Result<Vec<T>, TaskError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let failed = ready!(self.0.poll(context));
        let mut tasks = self.0.finish();
        if let Some(task) = failed.and_then(|place| tasks.get_mut(place))
            && let Err(error) = task.try_result()
        {
            return Poll::Ready(Err(error));
        }
        Poll::Ready(tasks.into_iter().map(outcome).collect())
    }
}

/// The future of all outcomes: made by [`gather_settled`].
#[must_use = "the tasks run by themselves, but nobody learns how they end unless this is awaited"]
pub struct GatherSettled<T: Send + 'static>(Group<T>);

impl<T: Send + 'static> Future for GatherSettled<T> {
    type Output = Vec<Result<T, TaskError>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(self.0.poll(context));
        Poll::Ready(self.0.finish().into_iter().map(outcome).collect())
    }
}

fn outcome<T: Send + 'static>(mut task: Task<T>) -> Result<T, TaskError> {
    task.try_result()
}

impl<T: Send + 'static> fmt::Debug for Gather<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gather").field(&self.0.tasks()).finish()
    }
}

impl<T: Send + 'static> fmt::Debug for GatherSettled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tasks = self.0.tasks();
        f.debug_tuple("GatherSettled").field(&tasks).finish()
    }
}
