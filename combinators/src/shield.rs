//! [`shield`]: waiting for a task without passing a cancellation on to it.

use crate::ensure_future::ensure_future;
use executor_core::{BoxError, Task, TaskError};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Waits for a task or coroutine, which goes on if this is dropped or whoever
/// awaits it is cancelled.
///
/// A coroutine is started by this call. Without a shield, cancelling a coroutine
/// cancels the task it awaits, as in Python; and a task that
/// [cancels on drop](Task::cancel_on_drop) is cancelled by whatever drops it. This
/// is Python's `asyncio.shield`:
///
/// * a cancellation from outside never reaches the inner task;
/// * one of the inner task itself is its outcome here too;
/// * a task that is done gives its outcome at the first poll.
///
/// # Errors
/// The inner task's own error.
///
/// # Cancel safety
/// Dropping it detaches the task, whose outcome is then nobody's.
/// [`into_task`](Shield::into_task) gives the task back.
///
/// ```
/// use combinators::{create_task, ensure_future, shield};
/// use executor_core::{TaskError, promise};
///
/// let (promise, may_go_on) = promise("go on");
/// let saving = ensure_future(async { Ok::<_, TaskError>(may_go_on.await?) });
/// let inner = saving.reference();
///
/// let request = create_task(shield(saving));
/// request.cancel();
/// assert!(request.wait().unwrap_err().is_cancelled());
/// assert!(!inner.is_done(), "it goes on");
/// # promise.resolve(Ok(()));
/// ```
pub fn shield<F, T, E>(future: F) -> Shield<T>
where
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Into<BoxError>,
{
    Shield(Some(ensure_future(future)))
}

/// The future of a task that is not cancelled with whoever awaits it: made by
/// [`shield`].
#[must_use = "the task runs by itself, but nobody learns how it ends unless this is awaited"]
pub struct Shield<T: Send + 'static>(Option<Task<T>>);

impl<T: Send + 'static> Shield<T> {
    /// Takes the shield off: the task, as it was given.
    ///
    /// `None` if its outcome was had already.
    ///
    /// ```
    /// use combinators::shield;
    ///
    /// let (promise, task) = executor_core::promise::<u8>("answer");
    /// let task = shield(task).into_task().expect("nobody has its outcome");
    /// promise.resolve(Ok(42));
    /// assert_eq!(task.wait()?, 42);
    /// # Ok::<(), executor_core::TaskError>(())
    /// ```
    pub fn into_task(mut self) -> Option<Task<T>> {
        self.0.take()
    }
}

impl<T: Send + 'static> Future for Shield<T> {
    type Output = Result<T, TaskError>;

    /// Resolves once; polled again after that, it is an error of the kind
    /// [`InvalidState`](executor_core::TaskErrorKind::InvalidState), as a task is.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(task) = &mut self.0 else {
            let error = TaskError::invalid_state("the result has been taken already");
            return Poll::Ready(Err(error));
        };
        // Not polled as the future that it is: a cancellation is passed on to a
        // task that is awaited.
        if task.poll_done(context).is_pending() {
            return Poll::Pending;
        }
        let outcome = task.try_result();
        self.0 = None;
        Poll::Ready(outcome)
    }
}

impl<T: Send + 'static> Drop for Shield<T> {
    fn drop(&mut self) {
        if let Some(mut task) = self.0.take() {
            // Whoever waited is gone.
            task.unwatch();
            task.detach();
        }
    }
}

impl<T: Send + 'static> fmt::Debug for Shield<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shield").field(&self.0).finish()
    }
}
