//! [`to_thread`]: a closure that blocks, off the event loop.

use crate::default_executor::default_threads;
use executor_core::{Task, TaskError};

/// Runs `closure` on the default thread pool and returns its task, at once.
///
/// This is Python's `asyncio.to_thread`: the shortest way to keep a blocking call
/// off the event loop. The closure may capture, since it stays in this process;
/// so it runs on threads, whatever the default executor of a loop is. It starts
/// now, not when the task is awaited. Of a closure that returns a `Result`,
/// [`Task::flatten`] makes a task that fails when the closure does.
///
/// The pool is the one of [`run_in_executor`](crate::run_in_executor)`(None, …)`,
/// and so is what is said there of its size and of its end. [`Task::cancel`]
/// removes one that is still queued, and asks one that runs to stop: it does if it
/// looks at its [`CancelToken`](executor_core::CancelToken). The closure finds the
/// [context](executor_core::context) of the caller.
///
/// # Errors
/// The task fails, rather than this call, if the pool cannot be made.
///
/// ```
/// use combinators::to_thread;
///
/// let words = vec!["a", "b"];
/// assert_eq!(to_thread(move || words.len()).wait()?, 2);
/// # Ok::<(), executor_core::TaskError>(())
/// ```
pub fn to_thread<C, R>(closure: C) -> Task<R>
where
    C: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    match default_threads() {
        Ok(threads) => threads.spawn(closure),
        Err(error) => refused::<C, R>(error),
    }
}

fn refused<C, R: Send + 'static>(error: TaskError) -> Task<R> {
    Task::ready(std::any::type_name::<C>(), Err(error))
}
