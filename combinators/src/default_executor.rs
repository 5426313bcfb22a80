//! The executor that is meant when none is named.

use executor_core::{Executor, TaskError};
use pool_thread::ThreadPool;
use std::sync::{Arc, Mutex, PoisonError};

/// The thread pool of all the process, made when it is first asked for.
///
/// # Errors
/// An error of the kind `PoolBroken` if it cannot be made; the next call tries
/// again.
pub(crate) fn default_executor() -> Result<Arc<dyn Executor>, TaskError> {
    static DEFAULT: Mutex<Option<Arc<dyn Executor>>> = Mutex::new(None);
    let mut default = DEFAULT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(executor) = &*default {
        return Ok(executor.clone());
    }
    // The prefix of thread names is Python's.
    let pool = ThreadPool::builder()
        .name("asyncio")
        .build()
        .map_err(|error| TaskError::pool_broken("the default thread pool", error))?;
    Ok(default.insert(Arc::new(pool)).clone())
}
