//! The executor that is meant when none is named.

use executor_core::{Executor, TaskError};
use pool_thread::ThreadPool;
use std::sync::{Arc, Mutex, PoisonError};

/// The thread pool of all the process, made when it is first asked for.
///
/// # Errors
/// An error of the kind `PoolBroken` if it cannot be made; the next call tries
/// again.
pub(crate) fn default_threads() -> Result<ThreadPool, TaskError> {
    static DEFAULT: Mutex<Option<ThreadPool>> = Mutex::new(None);
    let mut default = DEFAULT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pool) = &*default {
        return Ok(pool.clone());
    }
    // The prefix of thread names is Python's.
    let pool = ThreadPool::builder()
        .name("asyncio")
        .build()
        .map_err(|error| TaskError::pool_broken("the default thread pool", error))?;
    Ok(default.insert(pool).clone())
}

/// The executor for work that names none.
///
/// # Errors
/// As for [`default_threads`].
pub(crate) fn default_executor() -> Result<Arc<dyn Executor>, TaskError> {
    Ok(Arc::new(default_threads()?))
}
