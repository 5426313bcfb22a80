//! [`run`] and [`Runner`]: an event loop for a program's `main`, from beginning to
//! end.

use crate::deadline::Deadline;
use crate::event_loop::{EventLoop, Handle};
use executor_core::{BoxError, TaskError, current_task, say};
use std::fmt;
use std::future::Future;
use std::task::Poll;
use std::time::{Duration, Instant};

/// Runs `main` on an event loop of its own and returns its outcome: Python's
/// `asyncio.run`.
///
/// When `main` is done, the coroutines that are left are cancelled and waited for,
/// what fails meanwhile is reported, the loop's default executor finishes its jobs,
/// and the loop is closed. All of that has five minutes. For other settings see
/// [`Runner`].
///
/// A function such as [`gather`](crate::gather) starts its coroutines when it is
/// called, so it belongs inside: `run(async { gather(…).await })`. In
/// `run(gather(…))` it is called first, and the shared runtime drives them.
///
/// # Errors
/// Those of [`EventLoop::run_until_complete`]. On a thread that runs a loop
/// already, nothing is started.
///
/// ```
/// use combinators::{create_task, run, run_in_executor};
/// use executor_core::TaskError;
///
/// fn blocks(n: u64) -> u64 {
///     n * n
/// }
///
/// let squares = run(async {
///     let job = run_in_executor(None, blocks, 3);
///     let coroutine = create_task(async { 4 * 4 });
///     Ok::<_, TaskError>((job.await?, coroutine.await?))
/// })?;
/// assert_eq!(squares, (9, 16));
/// # Ok::<(), TaskError>(())
/// ```
pub fn run<F, T, E>(main: F) -> Result<T, TaskError>
where
    F: Future<Output = Result<T, E>>,
    E: Into<BoxError>,
{
    let mut runner = Runner::new();
    let outcome = runner.run(main);
    runner.close();
    outcome
}

/// An event loop for several runs, with an orderly end: Python's `asyncio.Runner`.
///
/// Dropping it closes it.
///
/// ```
/// use combinators::Runner;
/// use executor_core::TaskError;
/// use std::time::Duration;
///
/// let mut runner = Runner::new().executor_limit(Duration::from_secs(5));
/// let first = runner.run(async { Ok::<_, TaskError>(1) })?;
/// let second = runner.run(async { Ok::<_, TaskError>(first + 1) })?;
/// assert_eq!(second, 2);
/// runner.close();
/// assert!(runner.run(async { Ok::<_, TaskError>(3) }).is_err());
/// # Ok::<(), TaskError>(())
/// ```
#[must_use = "nothing is run until `run` is called"]
pub struct Runner {
    event_loop: EventLoop,
    executor_limit: Duration,
}

impl Runner {
    /// A runner with a new event loop.
    pub fn new() -> Self {
        Self {
            event_loop: EventLoop::new(),
            executor_limit: Duration::from_secs(300),
        }
    }

    /// Sets how long [`close`](Self::close) waits: for the coroutines that it has
    /// cancelled and, with what is then left of it, for the jobs of the default
    /// executor. Without it, that is five minutes, as in Python.
    pub fn executor_limit(mut self, limit: Duration) -> Self {
        self.executor_limit = limit;
        self
    }

    /// The handle of the loop.
    pub fn handle(&self) -> Handle {
        self.event_loop.handle()
    }

    /// Runs `main` until it is done. Coroutines that it leaves behind stay as they
    /// are, for the next run.
    ///
    /// # Errors
    /// Those of [`EventLoop::run_until_complete`].
    pub fn run<F, T, E>(&mut self, main: F) -> Result<T, TaskError>
    where
        F: Future<Output = Result<T, E>>,
        E: Into<BoxError>,
    {
        self.event_loop.run_until_complete(main)
    }

    /// Ends it: cancels the coroutines that are left and lets them end, waits for
    /// the default executor, and closes the loop. A second time, nothing happens.
    ///
    /// Coroutines that fail while they are cancelled are reported to the exception
    /// handler. So are those that were started only meanwhile, in some `Drop`, or
    /// are not done when its [time](Self::executor_limit) is over: they are
    /// destroyed. On a thread that runs another loop,
    /// nothing can be waited for, and all that is left is destroyed.
    pub fn close(&mut self) {
        let handle = self.handle();
        if handle.is_closed() {
            return;
        }
        handle.wind_up();
        let limit = self.executor_limit;
        let begun = Instant::now();
        let ended = self.event_loop.run_until_complete(async {
            cancel_all(&handle, Deadline::after(limit)).await;
            let left = limit.saturating_sub(begun.elapsed());
            // That it was late has been logged.
            let _ = handle.shutdown_default_executor(left).await;
            Ok::<_, TaskError>(())
        });
        if let Err(error) = ended {
            say!(warn, %error, "a runner could not end in an orderly way");
        }
        self.event_loop.close();
    }
}

/// Cancels all coroutines of the loop but the one that calls this, and waits for
/// their end, up to this deadline.
async fn cancel_all(handle: &Handle, mut deadline: Deadline) {
    let this = current_task();
    let mut left = handle.all_tasks();
    left.retain(|task| Some(task) != this.as_ref());
    for task in &left {
        task.cancel();
    }
    // Most end in the next round, but one may wait for what it had started elsewhere.
    std::future::poll_fn(
        |context| match handle.poll_ended(&mut left, context).is_ready() {
            true => Poll::Ready(()),
            // What is left is destroyed, and reported, when the loop is closed.
            false => deadline.poll(context),
        },
    )
    .await;
}

impl Default for Runner {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner")
            .field("event_loop", &self.event_loop)
            .field("executor_limit", &self.executor_limit)
            .finish()
    }
}
