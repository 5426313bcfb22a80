//! [`wait`]: some of the tasks, or all, without raising anything.

use crate::deadline::Deadline;
use executor_core::{InOrder, Progress, Settled, Task};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// When a [`wait`] returns: Python's `return_when`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReturnWhen {
    /// As soon as any task is done.
    FirstCompleted,
    /// As soon as any task has failed, or else when all are done. As in Python,
    /// a task that was cancelled is done but has not failed.
    FirstException,
    /// When all tasks are done.
    #[default]
    AllCompleted,
}

/// Waits for `tasks` and returns each of them, as done or as pending.
///
/// A failed or cancelled task is a done one: nothing is raised. Tasks that are
/// done already count at once. Without tasks it returns at once, like Python's
/// `concurrent.futures.wait` (`asyncio.wait` raises). It takes tasks only, as
/// Python does, since what it gives back are the tasks; a coroutine becomes one
/// through [`ensure_future`](crate::ensure_future). Nothing is given twice, since a
/// [`Task`] has one owner; what is pending may be waited for again.
///
/// # Panics
/// If it is polled again after it was ready.
///
/// # Cancel safety
/// Dropping it drops the tasks, which go on, detached, also if the coroutine that
/// awaits it is cancelled. To stop waiting and keep the tasks, give it a
/// [`timeout`](Wait::timeout).
///
/// ```
/// use combinators::{ReturnWhen, Waited, wait};
/// use executor_core::{ExecutorExt as _, Inline, promise};
///
/// let (promise, later) = promise("later");
/// let now = Inline::new().submit(|n: u8| n, 1);
/// let waiting = wait([now, later], ReturnWhen::FirstCompleted);
/// let Waited { mut done, pending } = futures::executor::block_on(waiting);
/// assert_eq!(done[0].try_result()?, 1);
/// promise.resolve(Ok(2));
/// assert_eq!(pending.into_iter().next().unwrap().wait()?, 2);
/// # Ok::<(), executor_core::TaskError>(())
/// ```
pub fn wait<T, I>(tasks: I, return_when: ReturnWhen) -> Wait<T>
where
    T: Send + 'static,
    I: IntoIterator<Item = Task<T>>,
{
    let decides: fn(Settled) -> bool = match return_when {
        ReturnWhen::FirstCompleted => |_| true,
        ReturnWhen::FirstException => |settled| settled == Settled::Error,
        ReturnWhen::AllCompleted => |_| false,
    };
    Wait {
        tasks: Some(Vec::from_iter(tasks)),
        in_order: InOrder::new(decides),
        passed: 0,
        deadline: None,
    }
}

/// The future of a partition into done and pending: made by [`wait`].
#[must_use = "it waits for nothing unless it is awaited"]
pub struct Wait<T: Send + 'static> {
    /// `None` once the wait is over.
    tasks: Option<Vec<Task<T>>>,
    in_order: InOrder,
    /// So many tasks from the first on are known to be done.
    passed: usize,
    deadline: Option<Deadline>,
}

impl<T: Send + 'static> Wait<T> {
    /// Returns after `limit` at the latest, counted from this call.
    ///
    /// Nothing is cancelled then: what is not done is pending. A limit of zero
    /// looks at how things stand.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.deadline = Some(Deadline::after(limit));
        self
    }
}

/// What a [`wait`] returns: each task it was given, once, in the order given.
#[must_use = "tasks that are dropped go on by themselves"]
pub struct Waited<T: Send + 'static> {
    /// Those that were done.
    pub done: Vec<Task<T>>,
    /// Those that were not: they may be awaited, or waited for again.
    pub pending: Vec<Task<T>>,
}

impl<T: Send + 'static> Waited<T> {
    fn of(tasks: Vec<Task<T>>) -> Self {
        let (done, mut pending): (Vec<_>, Vec<_>) = tasks.into_iter().partition(Task::is_done);
        for task in &mut pending {
            task.unwatch();
        }
        Self { done, pending }
    }
}

impl<T: Send + 'static> Wait<T> {
    fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(tasks) = &mut self.tasks else {
            panic!("polled after it was ready");
        };
        loop {
            match ready!(self.in_order.poll(&mut tasks[self.passed..], context)) {
                Progress::Done(0) | Progress::Decided(_) => return Poll::Ready(()),
                Progress::Done(done) => self.passed += done,
            }
        }
    }
}

impl<T: Send + 'static> Future for Wait<T> {
    type Output = Waited<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let over = self.poll_over(context).is_ready()
            || match &mut self.deadline {
                Some(deadline) => deadline.poll(context).is_ready(),
                None => false,
            };
        match self.tasks.take_if(|_| over) {
            Some(tasks) => {
                // It hears of nothing more, should it be kept.
                self.in_order = InOrder::new(|_| false);
                Poll::Ready(Waited::of(tasks))
            }
            None => Poll::Pending,
        }
    }
}

impl<T: Send + 'static> fmt::Debug for Wait<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait")
            .field("tasks", &self.tasks)
            .field("deadline", &self.deadline)
            .finish()
    }
}

impl<T: Send + 'static> fmt::Debug for Waited<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waited")
            .field("done", &self.done)
            .field("pending", &self.pending)
            .finish()
    }
}
