//! [`all_tasks`]: the coroutines that are not done.

use crate::{coroutine, get_running_loop};
use executor_core::TaskRef;

/// The coroutines that are not done, oldest first: those of the event loop that
/// runs on this thread; elsewhere, those of the shared runtime.
///
/// The one that asks is among them; [`current_task`](executor_core::current_task)
/// tells which it is. Jobs of executors are not coroutines.
///
/// ```
/// use combinators::{EventLoop, all_tasks, create_task};
/// use executor_core::{TaskError, current_task};
///
/// EventLoop::new().run_until_complete(async {
///     let never = create_task(std::future::pending::<()>());
///     for task in all_tasks().into_iter().filter(|task| Some(task) != current_task().as_ref()) {
///         task.cancel();
///     }
///     assert!(never.await.unwrap_err().is_cancelled());
///     Ok::<_, TaskError>(())
/// })
/// # .unwrap();
/// ```
pub fn all_tasks() -> Vec<TaskRef> {
    match get_running_loop() {
        Some(handle) => handle.all_tasks(),
        None => coroutine::all_shared(),
    }
}
