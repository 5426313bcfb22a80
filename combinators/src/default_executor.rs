//! The executor that is meant when none is named.

use crate::event_loop;
use executor_core::{Executor, TaskError};
use pool_thread::ThreadPool;
use std::sync::{Arc, Mutex, PoisonError};

/// That of the event loop which runs on this thread; elsewhere, the thread pool of
/// all the process, made when it is first asked for.
///
/// # Errors
/// An error of the kind `PoolBroken` if it cannot be made, and the next call tries
/// again; or `Rejected` if the loop's was shut down.
pub(crate) fn default_executor() -> Result<Arc<dyn Executor>, TaskError> {
    static DEFAULT: Mutex<Option<Arc<dyn Executor>>> = Mutex::new(None);
    if let Some(running) = event_loop::running() {
        return running.default_executor();
    }
    let mut default = DEFAULT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(executor) = &*default {
        return Ok(executor.clone());
    }
    Ok(default.insert(asyncio_pool()?).clone())
}

/// A thread pool of the default size. The prefix of its threads' names is Python's.
///
/// # Errors
/// An error of the kind `PoolBroken` if it cannot be made.
pub(crate) fn asyncio_pool() -> Result<Arc<dyn Executor>, TaskError> {
    let pool = ThreadPool::builder()
        .name("asyncio")
        .build()
        .map_err(|error| TaskError::pool_broken("the default thread pool", error))?;
    Ok(Arc::new(pool))
}
