//! [`task_group`]: tasks that all end where they were started.
//!
//! The future of a group runs its body in place and waits for the children, which
//! run by themselves. What they share is in `task_group/children.rs`, with the
//! protocol. Each poll
//!
//! 1. leaves its waker, **then** looks whether the group is ending; if it is, the
//!    body is dropped where it awaits, as a coroutine that is cancelled;
//! 2. otherwise polls the body, if it is not over. An error of it, or a panic,
//!    makes the group ending;
//! 3. without a body, closes the group, if no child is left.

mod children;
mod error;

pub(crate) use self::children::Children;
pub use self::error::TaskGroupError;

use self::children::Phase;
use crate::cancelled::{Leftovers, drop_cancelled};
use crate::ensure_future::ensure_future;
use executor_core::panic::{catch, discard};
use executor_core::{BoxError, Task, TaskError};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// Runs `body` with a group of tasks, and returns when all of them are done.
///
/// This is Python's `async with asyncio.TaskGroup()`. The body is given the
/// [`TaskGroup`], to start children with; it runs in place, so it may borrow and
/// need not be `Send`. Nothing that was started in the group outlives it:
///
/// * it returns the body's value when all children are done, those included which
///   children have added. Their values are had from their tasks;
/// * the first failure, of a child or of the body, cancels everything else: the
///   children by [`Task::cancel`], the body by dropping it at its next await. A
///   panic is a failure. Then what is left is waited for, a function on a thread
///   included, even where it cannot be stopped;
/// * all errors are reported together. A child that was cancelled has not failed,
///   whoever cancelled it.
///
/// Groups may be nested.
///
/// # Errors
/// A [`TaskGroupError`] with the errors of all children that failed, and the
/// body's own.
///
/// # Panics
/// If it is polled again after it was ready, or if `body` panics before it has
/// made its future; then the children it had started are cancelled.
///
/// # Cancel safety
/// Dropping it drops the body and cancels the children. If that is because the
/// coroutine around was cancelled, a [`timeout`](crate::timeout) around has passed
/// or a group around has failed, that one ends only when the children have ended,
/// as in Python; otherwise nobody waits for them. In neither case does anybody wait
/// for a function on a thread, which goes on: a time limit must not take as long as
/// what it limits. One that has asked for its
/// [`CancelToken`](executor_core::CancelToken) is given a second to end. An error of
/// theirs is then reported through `tracing`, and so is that they go on.
///
/// ```
/// use combinators::{sleep, task_group};
/// use executor_core::{ExecutorExt as _, Inline, TaskError};
/// use std::time::Duration;
///
/// # futures::executor::block_on(async {
/// let sum = task_group(async |group| {
///     let four = group.create_task(async { "4".parse::<u64>() });
///     let nine = group.create_task(Inline::new().submit(|n: u64| n * n, 3)); // or any pool
///     Ok::<_, TaskError>(four.await? + nine.await?)
/// });
/// assert_eq!(sum.await.unwrap(), 13);
///
/// let failed = task_group(async |group| {
///     group.create_task(async { Err::<(), _>("no luck") }).detach();
///     sleep(Duration::MAX).await; // is cancelled
///     Ok::<_, TaskError>(())
/// });
/// assert!(failed.await.unwrap_err().errors()[0].is_failed());
/// # })
/// ```
pub fn task_group<B, F, T, E>(body: B) -> WithTaskGroup<F, T>
where
    B: FnOnce(TaskGroup) -> F,
    F: Future<Output = Result<T, E>>,
    E: Into<BoxError>,
{
    let children = Arc::new(Children::default());
    let group = TaskGroup {
        children: children.clone(),
    };
    // There before its body is: should that panic while it makes its future, the
    // children it has started are cancelled.
    let mut with_group = WithTaskGroup {
        body: Body::Left,
        leftovers: Leftovers::default(),
        children,
    };
    with_group.body = Body::Runs(Box::pin(body(group)));
    with_group
}

/// The handle of a task group, given to the body of [`task_group`]: starts
/// children.
///
/// Clones are handles of the same group, for children that add others:
///
/// ```
/// use combinators::{TaskGroup, task_group};
/// use executor_core::TaskError;
/// use std::sync::mpsc;
///
/// let (tell, told) = mpsc::channel();
/// let all = task_group(async |group: TaskGroup| {
///     let adds = group.clone();
///     let child = async move {
///         adds.create_task(async move { tell.send("a grandchild") }).detach();
///         Ok::<_, TaskError>(())
///     };
///     group.create_task(child).detach();
///     Ok::<_, TaskError>(())
/// });
/// futures::executor::block_on(all).unwrap();
/// assert_eq!(told.try_recv(), Ok("a grandchild"));
/// ```
#[derive(Clone)]
pub struct TaskGroup {
    children: Arc<Children>,
}

impl TaskGroup {
    /// Starts a coroutine as a child of the group, or makes a child of a task of
    /// any executor, and returns its task.
    ///
    /// The rule is that of [`ensure_future`](crate::ensure_future): an `Err` is a
    /// failure, and fails the group. The task is for the child's value, or to
    /// cancel the child; dropping it changes nothing. Its error counts as looked
    /// at, since the group reports it.
    ///
    /// # Errors
    /// In a group that has failed or has ended, the task is one that was rejected:
    /// a coroutine is not started, and a task that was given is cancelled.
    ///
    /// A group that is given the task which awaits the group never ends.
    pub fn create_task<F, T, E>(&self, future: F) -> Task<T>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Into<BoxError>,
    {
        let phase = self.children.phase();
        if phase != Phase::Open {
            return refuse(as_task(future), phase);
        }
        let task = ensure_future(future);
        match self.children.join(&task) {
            Ok(()) => task,
            Err(phase) => refuse(Some(task), phase),
        }
    }
}

/// What is left of a future that a group does not take: it was a task, or is gone.
fn as_task<F: 'static, T: Send + 'static>(future: F) -> Option<Task<T>> {
    match crate::ensure_future::as_task(future) {
        Ok(task) => Some(task),
        Err(future) => {
            discard(future);
            None
        }
    }
}

fn refuse<T: Send + 'static>(given: Option<Task<T>>, phase: Phase) -> Task<T> {
    let name = match &given {
        Some(task) => task.name().to_owned(),
        None => crate::coroutine::next_name(),
    };
    drop(given.map(Task::cancel_on_drop));
    let why = match phase {
        Phase::Closed => "its task group has ended",
        Phase::Open | Phase::Ending => "its task group is shutting down",
    };
    let refused = Task::ready(name, Err(TaskError::rejected(why)));
    if phase == Phase::Ending {
        // What ended the group is reported by the group.
        refused.ignore_error();
    }
    refused
}

/// The future of what happens in a task group: made by [`task_group`].
#[must_use = "the body runs only when this is awaited"]
pub struct WithTaskGroup<F, T> {
    body: Body<F, T>,
    /// Of groups in the body, if it was cancelled.
    leftovers: Leftovers,
    children: Arc<Children>,
}

enum Body<F, T> {
    Runs(Pin<Box<F>>),
    /// It is over; a value only if it came to its end.
    Over(Option<T>),
    /// So is the group.
    Left,
}

// Neither the future nor the value is pinned here.
impl<F, T> Unpin for WithTaskGroup<F, T> {}

impl<F, T, E> WithTaskGroup<F, T>
where
    F: Future<Output = Result<T, E>>,
    E: Into<BoxError>,
{
    /// Polls the body, or drops it if the group is ending. Ready when it is over.
    fn poll_body(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Body::Runs(body) = &mut self.body else {
            return Poll::Ready(());
        };
        self.children.watch(context.waker());
        if self.children.phase() == Phase::Ending {
            let body = std::mem::replace(&mut self.body, Body::Over(None));
            self.leftovers = drop_cancelled(body);
            return Poll::Ready(());
        }
        let polled = catch(|| body.as_mut().poll(context).map_err(TaskError::failed));
        let value = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(Ok(value))) => Ok(value),
            Ok(Poll::Ready(Err(error))) => Err(error),
            Err(report) => Err(TaskError::panicked(report)),
        };
        let over = match value {
            Ok(value) => Some(value),
            Err(error) => {
                self.children.fail_by_body(error);
                None
            }
        };
        discard(std::mem::replace(&mut self.body, Body::Over(over)));
        Poll::Ready(())
    }
}

impl<F, T, E> Future for WithTaskGroup<F, T>
where
    F: Future<Output = Result<T, E>>,
    E: Into<BoxError>,
{
    type Output = Result<T, TaskGroupError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        ready!(this.poll_body(context));
        ready!(this.leftovers.poll(context));
        let Some(errors) = this.children.close(context.waker()) else {
            return Poll::Pending;
        };
        match std::mem::replace(&mut this.body, Body::Left) {
            Body::Over(Some(value)) if errors.is_empty() => Poll::Ready(Ok(value)),
            Body::Over(value) => {
                discard(value);
                Poll::Ready(Err(TaskGroupError::new(errors)))
            }
            Body::Runs(_) | Body::Left => panic!("polled after it was ready"),
        }
    }
}

impl<F, T> Drop for WithTaskGroup<F, T> {
    fn drop(&mut self) {
        // The body first: it is not to see its children cancelled.
        discard(std::mem::replace(&mut self.body, Body::Left));
        self.children.abandon();
    }
}

impl<F, T> fmt::Debug for WithTaskGroup<F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = match self.body {
            Body::Runs(_) => "running",
            Body::Over(_) | Body::Left => "over",
        };
        f.debug_struct("WithTaskGroup")
            .field("body", &format_args!("{body}"))
            .field("children", &self.children.running())
            .finish()
    }
}

impl fmt::Debug for TaskGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroup")
            .field("phase", &self.children.phase())
            .field("children", &self.children.running())
            .finish()
    }
}
