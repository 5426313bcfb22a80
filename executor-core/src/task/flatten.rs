//! `Task<Result<T, E>>::flatten`: a function that returned `Err` has failed.

use super::{Meta, Task};
use crate::control::{CancelOutcome, Control};
use crate::error::{BoxError, TaskError};
use crate::promise::{self, Promise};
use crate::watch::{Settled, Watcher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

impl<T, E> Task<Result<T, E>>
where
    T: Send + 'static,
    E: Into<BoxError> + Send + 'static,
{
    /// The same task, failed where its function returned `Err`.
    ///
    /// So a function's own error ends a fail-fast `gather` and a
    /// first-exception `wait`, as a raised exception does in Python, and one `?`
    /// is enough. [`TaskError::downcast`] gives the typed error back. Id, name,
    /// cancellation and `cancel_on_drop` are those of the task itself.
    ///
    /// ```
    /// use executor_core::{ExecutorExt as _, Inline};
    /// use std::num::ParseIntError;
    ///
    /// fn parse(text: String) -> Result<i32, String> {
    ///     text.parse().map_err(|e: ParseIntError| e.to_string())
    /// }
    ///
    /// let pool = Inline::new();
    /// assert_eq!(pool.submit(parse, "7".to_owned()).flatten().wait().unwrap(), 7);
    /// let error = pool.submit(parse, "x".to_owned()).flatten().wait().unwrap_err();
    /// assert!(error.is_failed());
    /// ```
    pub fn flatten(mut self) -> Task<T> {
        let cancel_on_drop = std::mem::take(&mut self.cancel_on_drop);
        self.awaited = false;
        let meta: Meta = self.shared.meta().alias();
        let inner = Arc::new(Inner {
            shared: self.shared.clone(),
            forward: Mutex::new(None),
        });
        let (promise, mut task) = promise::make(meta, Some((inner.clone(), 0)));
        task.cancel_on_drop = cancel_on_drop;
        let watched = inner.clone();
        inner.arm(self, promise, watched);
        task
    }
}

/// What is to be passed on, from where to where.
type Forward<T, E> = (Task<Result<T, E>>, Promise<T>);

/// The task underneath, seen from the one on top.
struct Inner<T: Send + 'static, E: Send + 'static> {
    shared: Arc<dyn super::View<Result<T, E>>>,
    forward: Mutex<Option<Forward<T, E>>>,
}

impl<T, E> Inner<T, E>
where
    T: Send + 'static,
    E: Into<BoxError> + Send + 'static,
{
    fn slot(&self) -> MutexGuard<'_, Option<Forward<T, E>>> {
        self.forward.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn arm(&self, task: Task<Result<T, E>>, promise: Promise<T>, watched: Arc<Self>) {
        let shared = task.shared.clone();
        *self.slot() = Some((task, promise));
        // Registered only now, so that `settled` finds the slot filled.
        if !shared.tell_when_done(watched, 0) {
            self.pass_on();
        }
    }

    fn pass_on(&self) {
        let forward = self.slot().take();
        if let Some((mut task, promise)) = forward {
            promise.resolve(match task.try_result() {
                Ok(Ok(value)) => Ok(value),
                Ok(Err(error)) => Err(TaskError::failed(error)),
                Err(error) => Err(error),
            });
        }
    }
}

impl<T, E> Watcher for Inner<T, E>
where
    T: Send + 'static,
    E: Into<BoxError> + Send + 'static,
{
    fn settled(&self, _token: usize, _settled: Settled) {
        self.pass_on();
    }

    fn nudged(&self, _token: usize) {
        let top = |forward: &Forward<T, E>| forward.1.reference();
        let top = self.slot().as_ref().map(top);
        if let Some(top) = top {
            top.nudge();
        }
    }
}

impl<T, E> Control for Inner<T, E>
where
    T: Send + 'static,
    E: Into<BoxError> + Send + 'static,
{
    fn cancel(&self, _ticket: u64) -> CancelOutcome {
        self.shared.cancel()
    }

    fn is_running(&self, _ticket: u64) -> bool {
        self.shared.is_running()
    }

    fn stuck(&self, _ticket: u64) -> Option<TaskError> {
        self.shared.stuck()
    }
}
