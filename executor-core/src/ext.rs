//! [`ExecutorExt`]: what users call on an executor.

use crate::executor::Executor;
use crate::job::{Call, Job, JobOptions};
use crate::map::Map;
use crate::task::Task;
use serde::{Serialize, de::DeserializeOwned};
use std::time::Duration;

/// The methods that know the types of a job; every [`Executor`] has them, also
/// through `&dyn Executor`.
///
/// A job's function is a plain function, a generic one, or a closure that
/// captures nothing; a capturing closure is an error at compile time. Several
/// arguments travel as a tuple: `submit(|(a, b)| add(a, b), (1, 2))`. An executor
/// of this process calls the function directly and encodes nothing.
pub trait ExecutorExt: Executor {
    /// Starts `function(argument)` and returns its task, at once.
    ///
    /// The task fails, rather than this call, if the job cannot be taken.
    ///
    /// ```
    /// use executor_core::{Executor, ExecutorExt as _, Inline, TaskError};
    ///
    /// fn square(n: u64) -> u64 {
    ///     n * n
    /// }
    ///
    /// let executor: &dyn Executor = &Inline::new();
    /// assert_eq!(executor.submit(square, 7).wait()?, 49);
    /// # Ok::<(), TaskError>(())
    /// ```
    fn submit<F, A, R>(&self, function: F, argument: A) -> Task<R>
    where
        F: Fn(A) -> R + Copy + Send + 'static,
        A: Serialize + DeserializeOwned + Send + 'static,
        R: Serialize + DeserializeOwned + Send + 'static,
    {
        self.task(function, argument).submit()
    }

    /// Prepares `function(argument)`, to be given options before it is
    /// submitted.
    ///
    /// ```
    /// use executor_core::{ExecutorExt as _, Inline, TaskError};
    /// use std::time::Duration;
    ///
    /// let task = Inline::new()
    ///     .task(|n: u64| n * n, 9)
    ///     .name("nine")
    ///     .timeout(Duration::from_secs(2))
    ///     .submit();
    /// assert_eq!(task.name(), "nine");
    /// assert_eq!(task.wait()?, 81);
    /// # Ok::<(), TaskError>(())
    /// ```
    fn task<F, A, R>(&self, function: F, argument: A) -> TaskBuilder<'_, Self, F, A, R>
    where
        F: Fn(A) -> R + Copy + Send + 'static,
        A: Serialize + DeserializeOwned + Send + 'static,
        R: Serialize + DeserializeOwned + Send + 'static,
    {
        TaskBuilder {
            executor: self,
            call: Call::new(function, argument),
            options: JobOptions::default(),
        }
    }

    /// The results of `function` for each of `inputs`, in their order, as a
    /// stream.
    ///
    /// See [`Map`] for how far it reads ahead, chunks and errors.
    fn map<F, A, R, I>(&self, function: F, inputs: I) -> Map<'_, Self, F, I::IntoIter, R>
    where
        F: Fn(A) -> R + Copy + Send + 'static,
        A: Serialize + DeserializeOwned + Send + 'static,
        R: Serialize + DeserializeOwned + Send + 'static,
        I: IntoIterator<Item = A>,
    {
        Map::new(self, function, inputs.into_iter())
    }
}

impl<E: Executor + ?Sized> ExecutorExt for E {}

/// A job that has not been submitted: made by [`ExecutorExt::task`].
#[must_use = "nothing runs until `submit` is called"]
pub struct TaskBuilder<'e, E: ?Sized, F, A, R> {
    executor: &'e E,
    call: Call<F, A, R>,
    options: JobOptions,
}

impl<E, F, A, R> TaskBuilder<'_, E, F, A, R>
where
    E: Executor + ?Sized,
    F: Fn(A) -> R + Copy + Send + 'static,
    A: Serialize + DeserializeOwned + Send + 'static,
    R: Serialize + DeserializeOwned + Send + 'static,
{
    /// Names the task, for errors and logs. Without it the function's path is
    /// the name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.options.name = Some(name.into());
        self
    }

    /// Limits how long the function may run, counted from its start; the time in
    /// the queue does not count.
    ///
    /// When it passes, the task fails as timed out. In a process the function is
    /// stopped; on a thread its [`CancelToken`](crate::CancelToken) is cancelled,
    /// and unless it looks at that it goes on, since nothing can stop it.
    /// [`Duration::MAX`] is no limit; with zero, the task fails when the function
    /// starts, unless that ends first.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.options.timeout = Some(limit);
        self
    }

    /// Limits how long the job may wait before its function starts.
    ///
    /// When that passes, the task fails as timed out and the function never
    /// runs. It has no part in how long the function takes. [`Duration::MAX`] is no
    /// limit; with zero, the job runs only if a worker takes it at once.
    pub fn queue_timeout(mut self, limit: Duration) -> Self {
        self.options.queue_timeout = Some(limit);
        self
    }

    /// Declares the job idempotent: if its worker dies while it runs, it may be
    /// run again, so many times.
    ///
    /// Without it such a job fails, since nobody knows how far it came. A job
    /// that kills a worker each time is quarantined after its last attempt, with
    /// an error that says so. Panics, errors, cancellation and time limits are
    /// no reason to run a job again; and where a job runs in this very process,
    /// there is no worker that could die alone.
    pub fn retries(mut self, times: u32) -> Self {
        self.options.retries = times;
        self
    }

    /// Submits the job and returns its task, at once.
    pub fn submit(self) -> Task<R> {
        let (job, task) = Job::new(self.call, self.options);
        self.executor.execute(job);
        task
    }
}

impl<E: ?Sized, F, A, R> std::fmt::Debug for TaskBuilder<'_, E, F, A, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskBuilder")
            .field("function", &std::any::type_name::<F>())
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
