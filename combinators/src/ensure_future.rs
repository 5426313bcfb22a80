//! [`ensure_future`]: a task, whether it is given one or a coroutine.

use crate::coroutine;
use executor_core::{BoxError, Task, TaskError};
use std::any::Any;
use std::future::Future;

/// Returns the task of `future`: itself if it is a [`Task`], else a new one.
///
/// A coroutine, that is any other future of a `Result`, is started on the runtime
/// at once, as by [`create_task`](crate::create_task). Its `Err` fails the task,
/// so that a `gather` or a first-exception `wait` sees a failure;
/// [`TaskError::downcast`] gives the typed error back, and an error that is a
/// [`TaskError`] already stays what it is.
///
/// This is the rule of Python's `asyncio.ensure_future`.
///
/// ```
/// use combinators::ensure_future;
///
/// let task = ensure_future(async { "7".parse::<u8>() });
/// let id = task.id();
/// let same = ensure_future(task);
/// assert_eq!(same.id(), id);
/// assert_eq!(same.wait()?, 7);
/// # Ok::<(), executor_core::TaskError>(())
/// ```
pub fn ensure_future<F, T, E>(future: F) -> Task<T>
where
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Into<BoxError>,
{
    match as_task(future) {
        Ok(task) => task,
        Err(future) => coroutine::start(future, |output| output.map_err(TaskError::failed)),
    }
}

/// The task that `future` is, or the future back.
pub(crate) fn as_task<F: 'static, T: Send + 'static>(future: F) -> Result<Task<T>, F> {
    let mut future = Some(future);
    let slot: &mut dyn Any = &mut future;
    let task = slot
        .downcast_mut::<Option<Task<T>>>()
        .and_then(Option::take);
    match (task, future) {
        (Some(task), _) => Ok(task),
        (None, Some(future)) => Err(future),
        (None, None) => unreachable!("what was taken out is a task"),
    }
}
