//! The executor that a loop uses where none is named.

use super::shared::{Shared, closed};
use crate::default_executor::asyncio_threads;
use executor_core::panic::discard;
use executor_core::{
    Executor, Promise, Shutdown, ShutdownReport, Task, TaskError, promise, say, timer,
};
use pool_thread::ThreadPool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[derive(Default)]
pub(super) enum DefaultExecutor {
    /// The first who asks makes one.
    #[default]
    Unmade,
    /// The loop's own.
    Threads(ThreadPool),
    /// One that it was given.
    Given(Arc<dyn Executor>),
    /// It was shut down.
    ShutDown,
    /// The loop is closed.
    Closed,
}

impl Shared {
    pub(super) fn executor(&self) -> Guard<'_> {
        Guard(self.executor.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The default executor, made now if there was none.
    ///
    /// # Errors
    /// If it was shut down, the loop closed, or it cannot be made.
    pub(crate) fn default_executor(&self) -> Result<Arc<dyn Executor>, TaskError> {
        match self.executor().made()? {
            DefaultExecutor::Given(executor) => Ok(executor.clone()),
            DefaultExecutor::Threads(threads) => Ok(Arc::new(threads.clone())),
            _ => Err(closed()),
        }
    }

    /// Its threads, unless it was given an executor, which may be of another sort.
    ///
    /// # Errors
    /// As for `default_executor`.
    pub(crate) fn default_threads(&self) -> Result<Option<ThreadPool>, TaskError> {
        match self.executor().made()? {
            DefaultExecutor::Threads(threads) => Ok(Some(threads.clone())),
            _ => Ok(None),
        }
    }

    pub(super) fn set_default_executor(&self, executor: Arc<dyn Executor>) {
        let former = self.executor().give(executor);
        discard(former);
    }

    /// Shuts it down, and waits no longer than `limit` for its jobs.
    pub(super) fn shut_down_executor(&self, limit: Duration) -> Task<ShutdownReport> {
        let former = self.executor().replace(DefaultExecutor::ShutDown);
        let name = "shutdown of the default executor";
        let shutdown = match &former {
            DefaultExecutor::Threads(threads) => threads.shutdown(Shutdown::drain()),
            DefaultExecutor::Given(executor) => executor.shutdown(Shutdown::drain()),
            _ => return Task::ready(name, Ok(ShutdownReport::default())),
        };
        discard(former);
        within(name, shutdown, limit)
    }
}

/// Access to the executor. What is dropped may run code of the user's, so it is
/// given out, to be dropped without the lock.
pub(super) struct Guard<'s>(MutexGuard<'s, DefaultExecutor>);

impl Guard<'_> {
    fn made(&mut self) -> Result<&DefaultExecutor, TaskError> {
        match &*self.0 {
            DefaultExecutor::Unmade => *self.0 = DefaultExecutor::Threads(asyncio_threads()?),
            DefaultExecutor::ShutDown => {
                return Err(TaskError::rejected(
                    "the default executor of the event loop has been shut down",
                ));
            }
            DefaultExecutor::Closed => return Err(closed()),
            DefaultExecutor::Threads(_) | DefaultExecutor::Given(_) => {}
        }
        Ok(&self.0)
    }

    /// The former one; or this one, if there is to be none any more.
    fn give(self, executor: Arc<dyn Executor>) -> DefaultExecutor {
        let next = DefaultExecutor::Given(executor);
        match *self.0 {
            DefaultExecutor::ShutDown => next,
            _ => self.replace(next),
        }
    }

    fn replace(mut self, next: DefaultExecutor) -> DefaultExecutor {
        match *self.0 {
            DefaultExecutor::Closed => next,
            _ => std::mem::replace(&mut *self.0, next),
        }
    }

    /// The loop is closed: nobody asks for it any more.
    pub(super) fn leave(self) {
        let former = self.replace(DefaultExecutor::Closed);
        discard(former);
    }
}

/// The outcome of `shutdown`, if it comes within `limit`.
///
/// A timer of the core, since there may be no loop that runs.
fn within(name: &str, shutdown: Task<ShutdownReport>, limit: Duration) -> Task<ShutdownReport> {
    let (promise, task) = promise(name);
    let slot = Arc::new(Mutex::new(Some(promise)));
    let take = |slot: &Mutex<Option<Promise<ShutdownReport>>>| {
        slot.lock().unwrap_or_else(PoisonError::into_inner).take()
    };
    let late = slot.clone();
    let expire = move || {
        if let Some(promise) = take(&late) {
            let goes_on = "its jobs go on";
            say!(warn, ?limit, "the default executor did not finish in time");
            promise.resolve(Err(TaskError::timed_out(limit, goes_on)));
        }
    };
    let deadline = timer::after(limit, expire);
    shutdown.add_done_callback(move |outcome| {
        drop(deadline);
        if let Some(promise) = take(&slot) {
            promise.resolve(outcome.cloned().map_err(Clone::clone));
        }
    });
    shutdown.detach();
    task
}
