//! [`gather`] and [`gather_settled`]: all results, in argument order.

mod future;
mod gatherable;
pub(crate) mod policy;

pub use self::future::{Gather, GatherSettled};
pub use self::gatherable::{Each, Gatherable, Mixed};

/// Waits for all of `tasks` and returns their values, in the order given.
///
/// It takes tasks of any executor, and coroutines, which
/// [`ensure_future`](crate::ensure_future) starts: an iterator of them gives a
/// vector, a tuple of up to twelve, whose types may differ, gives a tuple.
/// Everything is started by this very call, unless [`limit`](crate::limit) says
/// how much at a time; the returned future only waits.
///
/// The first failure, which may be a cancellation, ends it at once. What the
/// others do later is ignored, errors included, and they *go on*, detached:
/// Python's rule. [`cancel_siblings`](Gather::cancel_siblings) is the other one.
/// Of several tasks that had failed before the first poll, the first in argument
/// order counts. No tasks give no values, at once. Nothing is given twice, since a
/// [`Task`] has one owner.
///
/// # Errors
/// The error of the task that failed first, which names it;
/// [`TaskError::downcast`] gives the user's own error back, typed.
///
/// # Panics
/// If it is polled again after it was ready.
///
/// # Cancel safety
/// Dropping it drops its handles of the tasks, which go on, detached, unless
/// [`cancel_on_drop`](Gather::cancel_on_drop) was said. If the coroutine that
/// awaits it is cancelled, so are its tasks, and the coroutine ends after them, as in
/// Python.
///
/// ```
/// use combinators::gather;
/// use executor_core::{Executor, ExecutorExt as _, Inline, TaskError};
///
/// async fn squares(executor: &dyn Executor) -> Result<Vec<u64>, TaskError> {
///     gather((0..4).map(|n| executor.submit(|n: u64| n * n, n))).await
/// }
///
/// # futures::executor::block_on(async {
/// let executor = Inline::new();
/// assert_eq!(squares(&executor).await?, [0, 1, 4, 9]);
///
/// let job = executor.submit(|text: String| text.len(), "seven".to_owned());
/// let coroutine = async { "7".parse::<i8>() };
/// assert_eq!(gather((job, coroutine)).await?, (5, 7));
/// # Ok::<(), TaskError>(())
/// # }).unwrap();
/// ```
///
/// [`Task`]: executor_core::Task
/// [`TaskError::downcast`]: executor_core::TaskError::downcast
pub fn gather<G, M>(tasks: G) -> Gather<G::Tasks>
where
    G: Gatherable<M>,
{
    Gather::new(tasks.start())
}

/// Waits for all of `tasks` and returns how each of them ended, in the order
/// given.
///
/// Like [`gather`], but a failure is one outcome among the others and ends
/// nothing early: Python's `gather(…, return_exceptions=True)`. A tuple gives a
/// tuple of results.
///
/// # Panics
/// If it is polled again after it was ready.
///
/// # Cancel safety
/// As for [`gather`].
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
pub fn gather_settled<G, M>(tasks: G) -> GatherSettled<G::Tasks>
where
    G: Gatherable<M>,
{
    GatherSettled::new(tasks.start())
}
