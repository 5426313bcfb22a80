//! The executor that is meant when none is named.

use crate::event_loop;
use executor_core::{Executor, TaskError};
use pool_thread::ThreadPool;
use std::sync::{Arc, Mutex, PoisonError};

/// That of the event loop which runs on this thread; elsewhere, the thread pool of
/// all the process.
///
/// # Errors
/// As for [`default_threads`].
pub(crate) fn default_executor() -> Result<Arc<dyn Executor>, TaskError> {
    match event_loop::running() {
        Some(running) => running.default_executor(),
        None => Ok(Arc::new(shared_threads()?)),
    }
}

/// The threads for a closure that names no executor: those of the event loop which
/// runs on this thread, unless it was given an executor of another sort; else those
/// of all the process.
///
/// # Errors
/// An error of the kind `PoolBroken` if they cannot be made, and the next call
/// tries again; or `Rejected` if the loop's executor was shut down.
pub(crate) fn default_threads() -> Result<ThreadPool, TaskError> {
    match event_loop::running() {
        Some(running) => running.default_threads()?.map_or_else(shared_threads, Ok),
        None => shared_threads(),
    }
}

/// The pool of all the process, made when it is first asked for.
fn shared_threads() -> Result<ThreadPool, TaskError> {
    static DEFAULT: Mutex<Option<ThreadPool>> = Mutex::new(None);
    let mut default = DEFAULT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pool) = &*default {
        return Ok(pool.clone());
    }
    Ok(default.insert(asyncio_threads()?).clone())
}

/// A thread pool of the default size. The prefix of its threads' names is Python's.
///
/// # Errors
/// An error of the kind `PoolBroken` if it cannot be made.
pub(crate) fn asyncio_threads() -> Result<ThreadPool, TaskError> {
    ThreadPool::builder()
        .name("asyncio")
        .build()
        .map_err(|error| TaskError::pool_broken("the default thread pool", error))
}
