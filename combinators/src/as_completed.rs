//! [`as_completed`]: the tasks, in the order in which they are done.

mod timeout;

pub use self::timeout::AsCompletedTimeout;

use crate::ensure_future::ensure_future;
use executor_core::{BoxError, Completions, Task};
use futures::Stream;
use futures::stream::FusedStream;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Yields each of `tasks` when it is done: first those that are done already, in
/// the order given, then the others in the order in which they complete.
///
/// It takes tasks of any executor, and coroutines, which [`ensure_future`]
/// starts; everything is started by this very call. What it yields is the task
/// itself, as Python's `async for task in as_completed(…)` does since 3.13, so
/// that its id and name tell which one it was. The task is done: awaiting it, or
/// [`Task::try_result`], gives its outcome at once, and
/// `.then(|task| task)` (of futures' `StreamExt`) makes it a stream of outcomes.
/// Nothing is given twice, since a [`Task`] has one owner.
///
/// # Cancel safety
/// Waiting for the next task may be given up at any time. Dropping the stream
/// drops the tasks it has not yielded, which go on, detached, also if the
/// coroutine that reads it is cancelled.
///
/// ```
/// use combinators::as_completed;
/// use executor_core::{TaskError, promise};
/// use futures::{StreamExt as _, executor::block_on};
///
/// let (first, a) = promise("a");
/// let (second, b) = promise("b");
/// let mut completed = as_completed([a, b]);
/// second.resolve(Ok(2));
/// first.resolve(Ok(1));
///
/// let order: Vec<_> = block_on(completed.by_ref().map(|t| t.name().to_owned()).collect());
/// assert_eq!(order, ["b", "a"]);
/// ```
pub fn as_completed<I, T, E>(tasks: I) -> AsCompleted<T>
where
    I: IntoIterator,
    I::Item: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Into<BoxError>,
{
    let mut completions = Completions::new();
    let watch = |(place, mut task): (usize, Task<T>)| {
        completions.watch(&mut task, place);
        Some(task)
    };
    // All are started before any is watched: the order is that of completion.
    let tasks: Vec<_> = tasks.into_iter().map(ensure_future).collect();
    let tasks: Vec<_> = tasks.into_iter().enumerate().map(watch).collect();
    AsCompleted {
        left: tasks.len(),
        tasks,
        completions,
    }
}

/// A stream of tasks that are done: made by [`as_completed`].
#[must_use = "the tasks run by themselves, but a stream yields nothing unless it is polled"]
pub struct AsCompleted<T: Send + 'static> {
    /// A task's place is its token; it is empty once the task was yielded.
    tasks: Vec<Option<Task<T>>>,
    left: usize,
    completions: Completions,
}

impl<T: Send + 'static> AsCompleted<T> {
    /// Ends the stream with an error when `limit` has passed, counted from this
    /// call.
    ///
    /// ```
    /// use combinators::as_completed;
    /// use executor_core::{Task, promise};
    /// use futures::{StreamExt as _, executor::block_on};
    /// use std::time::Duration;
    ///
    /// let (_promise, later) = promise::<u8>("later");
    /// let done = Task::ready("done", Ok(1));
    /// let mut completed = as_completed([later, done]).timeout(Duration::ZERO);
    /// assert_eq!(block_on(completed.next()).unwrap().unwrap().name(), "done");
    /// let error = block_on(completed.next()).unwrap().unwrap_err();
    /// assert!(error.to_string().contains("1 (of 2) tasks unfinished"));
    /// assert_eq!(completed.into_pending()[0].name(), "later");
    /// ```
    pub fn timeout(self, limit: Duration) -> AsCompletedTimeout<T> {
        AsCompletedTimeout::new(self, limit)
    }

    /// The tasks that were not yielded, in the order given: to be waited for in
    /// another way, or cancelled.
    pub fn into_pending(self) -> Vec<Task<T>> {
        let mut tasks: Vec<_> = self.tasks.into_iter().flatten().collect();
        tasks.iter_mut().for_each(Task::unwatch);
        tasks
    }
}

impl<T: Send + 'static> Stream for AsCompleted<T> {
    type Item = Task<T>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Task<T>>> {
        let this = &mut *self;
        while this.left > 0 {
            let place = ready!(this.completions.poll_next(context));
            if let Some(task) = this.tasks.get_mut(place).and_then(Option::take) {
                this.left -= 1;
                return Poll::Ready(Some(task));
            }
        }
        Poll::Ready(None)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T: Send + 'static> FusedStream for AsCompleted<T> {
    fn is_terminated(&self) -> bool {
        self.left == 0
    }
}

impl<T: Send + 'static> fmt::Debug for AsCompleted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tasks: Vec<_> = self.tasks.iter().flatten().collect();
        f.debug_tuple("AsCompleted").field(&tasks).finish()
    }
}
