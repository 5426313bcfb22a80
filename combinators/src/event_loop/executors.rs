//! What a [`Handle`] has to do with executors.

use super::handle::Handle;
use crate::run_in_executor::submit;
use executor_core::{Executor, ShutdownReport, Task};
use serde::{Serialize, de::DeserializeOwned};
use std::sync::Arc;
use std::time::Duration;

impl Handle {
    /// Starts `function(argument)` on `executor`, or on the loop's default
    /// executor for `None`, and returns its task, at once.
    ///
    /// The loop need not be running. The default executor is a thread pool of the
    /// loop's own, made when it is first needed, with threads `asyncio_0`,
    /// `asyncio_1`, …, unless another was [set](Self::set_default_executor).
    ///
    /// ```
    /// use combinators::EventLoop;
    ///
    /// let handle = EventLoop::new().handle(); // the loop is gone: so is its executor
    /// let refused = handle.run_in_executor(None, |n: u8| n, 1);
    /// assert!(refused.wait().unwrap_err().is_rejected());
    ///
    /// let event_loop = EventLoop::new();
    /// let length = |text: String| text.len();
    /// let task = event_loop.handle().run_in_executor(None, length, "four".to_owned());
    /// assert_eq!(task.wait()?, 4);
    /// # Ok::<(), executor_core::TaskError>(())
    /// ```
    pub fn run_in_executor<F, A, R>(
        &self,
        executor: Option<&dyn Executor>,
        function: F,
        argument: A,
    ) -> Task<R>
    where
        F: Fn(A) -> R + Copy + Send + 'static,
        A: Serialize + DeserializeOwned + Send + 'static,
        R: Serialize + DeserializeOwned + Send + 'static,
    {
        submit(executor, || self.0.default_executor(), function, argument)
    }

    /// Has the loop use `executor` where none is named, from now on. Any will do;
    /// Python takes thread pools only.
    ///
    /// The loop keeps it until it is closed, and shuts it down only when
    /// [asked to](Self::shutdown_default_executor), which [`run`](crate::run) does.
    /// The former one is dropped: its jobs finish. Once it was shut down there is
    /// none any more, as in Python: this one is dropped, and jobs stay refused.
    pub fn set_default_executor(&self, executor: impl Executor + 'static) {
        self.0.set_default_executor(Arc::new(executor));
    }

    /// Lets the default executor finish its jobs, and refuses new ones.
    ///
    /// The task resolves when that is over, with the executor's report, or after
    /// `limit` with an error of the kind
    /// [`TimedOut`](executor_core::TaskErrorKind::TimedOut), and a warning is
    /// logged: then some function is stuck, and its thread goes on without anybody
    /// waiting for it. The task may be awaited on the loop, or waited for anywhere.
    ///
    /// ```
    /// use combinators::EventLoop;
    /// use std::time::Duration;
    ///
    /// let event_loop = EventLoop::new();
    /// let handle = event_loop.handle();
    /// let task = handle.run_in_executor(None, |n: u8| n + 1, 1);
    /// handle.shutdown_default_executor(Duration::from_secs(60)).wait()?;
    /// assert_eq!(task.wait()?, 2);
    /// assert!(handle.run_in_executor(None, |n: u8| n, 1).wait().is_err());
    /// # Ok::<(), executor_core::TaskError>(())
    /// ```
    pub fn shutdown_default_executor(&self, limit: Duration) -> Task<ShutdownReport> {
        self.0.shut_down_executor(limit)
    }
}
