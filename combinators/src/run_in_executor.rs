//! [`run_in_executor`]: a function on an executor, or on the default one.

use crate::default_executor::default_executor;
use executor_core::panic::discard;
use executor_core::{Executor, ExecutorExt as _, Task, TaskError};
use serde::{Serialize, de::DeserializeOwned};
use std::sync::Arc;

/// Starts `function(argument)` on `executor`, or on the default one for `None`,
/// and returns its task, at once.
///
/// This is Python's `loop.run_in_executor`. On a thread that runs an
/// [`EventLoop`](crate::EventLoop), the default executor is that loop's; elsewhere it
/// is a thread pool that all of the process shares, made by the first call that
/// needs it, of the default size. Threads of either are named `asyncio_0`,
/// `asyncio_1`, … Jobs that block for long are better off on a pool of their own.
/// Nothing ever drops the shared pool, so a program that returns from `main` does
/// not wait for jobs left on it: await their tasks. [`run`](crate::run) waits for
/// those of its loop's.
///
/// The function captures nothing, as for [`ExecutorExt::submit`], so that a
/// process can run it too; several arguments travel as a tuple.
///
/// # Errors
/// The task fails, rather than this call, if the job cannot be taken or the
/// default pool cannot be made.
///
/// ```
/// use combinators::run_in_executor;
/// use executor_core::{Inline, TaskError};
///
/// fn square(n: u64) -> u64 {
///     n * n
/// }
///
/// let inline = Inline::new();
/// assert_eq!(run_in_executor(None, square, 7).wait()?, 49);
/// assert_eq!(run_in_executor(Some(&inline), square, 8).wait()?, 64);
/// # Ok::<(), TaskError>(())
/// ```
///
/// [`ExecutorExt::submit`]: executor_core::ExecutorExt::submit
pub fn run_in_executor<F, A, R>(
    executor: Option<&dyn Executor>,
    function: F,
    argument: A,
) -> Task<R>
where
    F: Fn(A) -> R + Copy + Send + 'static,
    A: Serialize + DeserializeOwned + Send + 'static,
    R: Serialize + DeserializeOwned + Send + 'static,
{
    submit(executor, default_executor, function, argument)
}

/// Submits to `executor`, or to what `default` gives; or the task has failed with
/// the reason why there is none.
pub(crate) fn submit<F, A, R>(
    executor: Option<&dyn Executor>,
    default: impl FnOnce() -> Result<Arc<dyn Executor>, TaskError>,
    function: F,
    argument: A,
) -> Task<R>
where
    F: Fn(A) -> R + Copy + Send + 'static,
    A: Serialize + DeserializeOwned + Send + 'static,
    R: Serialize + DeserializeOwned + Send + 'static,
{
    if let Some(executor) = executor {
        return executor.submit(function, argument);
    }
    match default() {
        Ok(executor) => executor.submit(function, argument),
        Err(error) => {
            discard(argument);
            Task::ready(std::any::type_name::<F>(), Err(error))
        }
    }
}
