//! [`Handle`]: everything that can be asked of a loop, from any thread.

use super::call::CallHandle;
use super::exceptions::ExceptionContext;
use super::shared::{Phase, Shared};
use super::timers::Due;
use crate::ensure_future::as_task;
use executor_core::panic::discard;
use executor_core::{BoxError, Task, TaskError, TaskRef};
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// Reaches an [`EventLoop`](crate::EventLoop) from any thread, its own included.
///
/// Clones reach the same loop. They do not keep it open: once the loop was closed
/// or dropped, callbacks and coroutines are refused.
///
/// What is started here begins when the loop gets round to it; nothing blocks.
/// Callbacks and polls of coroutines happen one after another on the loop's
/// thread, in the order in which they became ready.
#[derive(Clone)]
pub struct Handle(pub(super) Arc<Shared>);

impl Handle {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// Has `callback` called by the loop, after all that is ready by now.
    ///
    /// From any thread: Python's `call_soon` and `call_soon_threadsafe` are one. A
    /// panic in it goes to the exception handler and harms nobody.
    ///
    /// # Errors
    /// An error of the kind [`Rejected`](executor_core::TaskErrorKind::Rejected) if
    /// the loop is closed; the callback is dropped.
    ///
    /// ```
    /// use combinators::EventLoop;
    ///
    /// let mut event_loop = EventLoop::new();
    /// let handle = event_loop.handle();
    /// let (tell, told) = std::sync::mpsc::channel();
    /// for n in 1..=3 {
    ///     let tell = tell.clone();
    ///     handle.call_soon(move || tell.send(n).unwrap())?;
    /// }
    /// handle.stop();
    /// event_loop.run_forever()?;
    /// assert_eq!(told.try_iter().collect::<Vec<_>>(), [1, 2, 3]);
    /// # Ok::<(), executor_core::TaskError>(())
    /// ```
    pub fn call_soon(
        &self,
        callback: impl FnOnce() + Send + 'static,
    ) -> Result<CallHandle, TaskError> {
        self.0.call_soon(callback)
    }

    /// The same as [`call_soon`](Self::call_soon), by the name that says so.
    ///
    /// # Errors
    /// As for [`call_soon`](Self::call_soon).
    pub fn call_soon_threadsafe(
        &self,
        callback: impl FnOnce() + Send + 'static,
    ) -> Result<CallHandle, TaskError> {
        self.0.call_soon(callback)
    }

    /// Has `callback` called once `delay` has passed, on the loop's thread.
    ///
    /// A delay of zero is as good as any other: the callback comes after what is
    /// ready by then. Callbacks of the same time come in the order of the calls.
    ///
    /// # Errors
    /// As for [`call_soon`](Self::call_soon).
    ///
    /// ```
    /// use combinators::EventLoop;
    /// use std::time::Duration;
    ///
    /// let mut event_loop = EventLoop::new();
    /// let handle = event_loop.handle();
    /// let stopper = handle.clone();
    /// let call = handle.call_later(Duration::from_millis(5), move || stopper.stop())?;
    /// assert!(call.when().is_some_and(|due| due > handle.time()));
    /// event_loop.run_forever()?;
    /// # Ok::<(), executor_core::TaskError>(())
    /// ```
    pub fn call_later(
        &self,
        delay: Duration,
        callback: impl FnOnce() + Send + 'static,
    ) -> Result<CallHandle, TaskError> {
        self.0.call_when(Due::after(delay), callback)
    }

    /// Has `callback` called at a time of the clock that [`time`](Self::time)
    /// reads. One that has passed is as good as a delay of zero.
    ///
    /// # Errors
    /// As for [`call_soon`](Self::call_soon).
    pub fn call_at(
        &self,
        at: Instant,
        callback: impl FnOnce() + Send + 'static,
    ) -> Result<CallHandle, TaskError> {
        self.0.call_when(Due::new(at), callback)
    }

    /// The time by the loop's clock, which is the monotonic one of the system.
    pub fn time(&self) -> Instant {
        Instant::now()
    }

    /// Starts `future` on the loop; its output, whatever it is, is the value.
    ///
    /// As [`create_task`](crate::create_task) does on the loop's own thread. On a
    /// closed loop the future is dropped, and the task has failed already.
    pub fn create_task<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.0.start(future, Ok)
    }

    /// Starts `coroutine` on the loop; its `Err` fails the task, as by
    /// [`ensure_future`](crate::ensure_future).
    ///
    /// Python's function of that name returns a future which can only be blocked
    /// on. This one is a [`Task`]: it can be awaited as well.
    /// [`wait`](Task::wait) blocks until the coroutine is done, and is an error,
    /// rather than a wait for ever, on the loop's own thread and where the loop
    /// was stopped. [`cancel`](Task::cancel) and
    /// [`wait_or_cancel`](Task::wait_or_cancel) cancel the coroutine in the loop.
    /// On a closed loop the coroutine is dropped, and the task has failed already.
    ///
    /// ```
    /// use combinators::EventLoop;
    ///
    /// let mut event_loop = EventLoop::new();
    /// let handle = event_loop.handle();
    /// let task = handle.run_coroutine_threadsafe(async { "7".parse::<u8>() });
    /// let thread = std::thread::spawn(move || event_loop.run_forever());
    /// assert_eq!(task.wait()?, 7);
    /// handle.stop();
    /// thread.join().unwrap()?;
    /// # Ok::<(), executor_core::TaskError>(())
    /// ```
    pub fn run_coroutine_threadsafe<F, T, E>(&self, coroutine: F) -> Task<T>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Into<BoxError>,
    {
        match as_task(coroutine) {
            Ok(task) => task,
            Err(coroutine) => self
                .0
                .start(coroutine, |output| output.map_err(TaskError::failed)),
        }
    }

    /// Has the loop end its run after the present round.
    ///
    /// From any thread, callbacks and coroutines included. Callbacks and coroutines
    /// stay as they are and go on in the next run. If the loop does not run, its
    /// next run has one round.
    pub fn stop(&self) {
        self.0.stop();
    }

    /// True while some thread runs the loop.
    pub fn is_running(&self) -> bool {
        self.0.lock().phase == Phase::Running
    }

    /// True once the loop was closed or dropped.
    pub fn is_closed(&self) -> bool {
        self.0.lock().phase == Phase::Closed
    }

    /// The coroutines of this loop that are not done, oldest first.
    pub fn all_tasks(&self) -> Vec<TaskRef> {
        self.0.tasks()
    }

    /// Has `handler` told of what goes wrong where nobody could be told: a callback
    /// that panics, a coroutine that panics while it is dropped or is not done when
    /// the loop is closed. Without one that goes to `tracing`.
    ///
    /// It runs where that happened, mostly on the loop's thread. If it panics
    /// itself, that and what it was told are logged, and the loop goes on.
    ///
    /// ```
    /// use combinators::EventLoop;
    ///
    /// let mut event_loop = EventLoop::new();
    /// let handle = event_loop.handle();
    /// let (tell, told) = std::sync::mpsc::channel();
    /// handle.set_exception_handler(move |context| tell.send(context.to_string()).unwrap());
    /// handle.call_soon(|| panic!("no luck"))?;
    /// handle.stop();
    /// event_loop.run_forever()?;
    /// assert!(told.try_recv().unwrap().contains("no luck"));
    /// # Ok::<(), executor_core::TaskError>(())
    /// ```
    pub fn set_exception_handler(
        &self,
        handler: impl Fn(&ExceptionContext) + Send + Sync + 'static,
    ) {
        let former = self.0.handler().replace(Arc::new(handler));
        discard(former);
        // A closed loop has nothing to report, and the handler may hold a handle.
        if self.is_closed() {
            self.reset_exception_handler();
        }
    }

    /// Has `tracing` told again.
    pub fn reset_exception_handler(&self) {
        let former = self.0.handler().take();
        discard(former);
    }

    /// Ready when all of `left` have ended, which are coroutines of this loop: for
    /// use on its own thread.
    pub(crate) fn poll_ended(&self, left: &mut Vec<TaskRef>, context: &Context<'_>) -> Poll<()> {
        while left.last().is_some_and(TaskRef::is_done) {
            left.pop();
        }
        if left.is_empty() {
            return Poll::Ready(());
        }
        let waker = context.waker().clone();
        let former = self.0.lock().departure.replace(waker);
        discard(former);
        Poll::Pending
    }

    pub(crate) fn wind_up(&self) {
        self.0.lock().winding_up = true;
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.show("Handle", f)
    }
}
