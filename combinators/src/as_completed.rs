//! [`as_completed`]: the tasks, in the order in which they are done.

use crate::ensure_future::ensure_future;
use executor_core::{BoxError, Settled, Task, Watcher};
use futures::Stream;
use futures::stream::FusedStream;
use futures::task::AtomicWaker;
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

/// Yields each of `tasks` when it is done: first those that are done already, in
/// the order given, then the others in the order in which they complete.
///
/// It takes tasks of any executor, and coroutines, which [`ensure_future`]
/// starts; everything is started by this very call. What it yields is the task
/// itself, as Python's `async for task in as_completed(…)` does since 3.13, so
/// that its id and name tell which one it was. The task is done: awaiting it, or
/// [`Task::try_result`], gives its outcome at once, and
/// `.then(|task| task)` (of futures' `StreamExt`) makes it a stream of outcomes.
///
/// # Cancel safety
/// Waiting for the next task may be given up at any time. Dropping the stream
/// drops the tasks it has not yielded, which go on, detached.
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
    AsCompleted::new(tasks.into_iter().map(ensure_future).collect())
}

/// A stream of tasks that are done: made by [`as_completed`].
#[must_use = "the tasks run by themselves, but a stream yields nothing unless it is polled"]
pub struct AsCompleted<T: Send + 'static> {
    /// A task's place is its token; it is empty once the task was yielded.
    tasks: Vec<Option<Task<T>>>,
    left: usize,
    /// Places of tasks that are done and were not yielded.
    ready: VecDeque<usize>,
    inbox: Arc<Inbox>,
}

impl<T: Send + 'static> AsCompleted<T> {
    fn new(tasks: Vec<Task<T>>) -> Self {
        let inbox = Arc::new(Inbox::default());
        let mut ready = VecDeque::new();
        let watch = |(place, mut task): (usize, Task<T>)| {
            // Looked at first, since to watch costs a lock.
            if task.is_done() || !task.watch(inbox.clone(), place) {
                ready.push_back(place);
            }
            Some(task)
        };
        let tasks: Vec<_> = tasks.into_iter().enumerate().map(watch).collect();
        Self {
            left: tasks.len(),
            tasks,
            ready,
            inbox,
        }
    }

    fn next_ready(&mut self) -> Option<Task<T>> {
        let place = self.ready.pop_front()?;
        self.left -= 1;
        self.tasks.get_mut(place)?.take()
    }
}

/// Where the places of finished tasks arrive, in order.
///
/// The reader leaves its waker, **then** empties the inbox; a completion is
/// written down, **then** the reader is woken: so it sees it or is woken for it.
#[derive(Default)]
struct Inbox {
    arrived: Mutex<VecDeque<usize>>,
    waker: AtomicWaker,
}

impl Inbox {
    fn arrived(&self) -> MutexGuard<'_, VecDeque<usize>> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watcher for Inbox {
    fn settled(&self, place: usize, _settled: Settled) {
        self.arrived().push_back(place);
        self.waker.wake();
    }
}

impl<T: Send + 'static> Stream for AsCompleted<T> {
    type Item = Task<T>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Task<T>>> {
        let this = &mut *self;
        if this.left == 0 {
            return Poll::Ready(None);
        }
        if this.ready.is_empty() {
            this.inbox.waker.register(context.waker());
            std::mem::swap(&mut this.ready, &mut *this.inbox.arrived());
        }
        match this.next_ready() {
            Some(task) => Poll::Ready(Some(task)),
            None => Poll::Pending,
        }
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

impl<T: Send + 'static> Drop for AsCompleted<T> {
    /// The tasks may live on and keep the inbox, but not whoever waited.
    fn drop(&mut self) {
        self.inbox.waker.take();
    }
}

impl<T: Send + 'static> fmt::Debug for AsCompleted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tasks: Vec<_> = self.tasks.iter().flatten().collect();
        f.debug_tuple("AsCompleted").field(&tasks).finish()
    }
}
