//! [`EventLoop`]: one thread that drives coroutines and calls callbacks.
//!
//! # Rounds
//!
//! A loop has one queue, [`Ready`]: callbacks to be called and coroutines to be
//! polled, in the order in which they became ready. A *round* first moves the
//! timers that are due to the end of the queue, and then runs what is in it, but
//! not what is added meanwhile: that is for the next round. [`Drive`] goes round
//! as long as there is anything, and sleeps otherwise; it is itself a future, so
//! timers and I/O of the runtime are at work on this very thread meanwhile.
//!
//! # States
//!
//! | state | how it gets there | a thread that blocks for one of its coroutines |
//! |---|---|---|
//! | new | `EventLoop::new` | waits: somebody may be about to run the loop |
//! | running | `run_…` | waits; on the loop's own thread, it is an error |
//! | stopped | the end of `run_…` | is an error, also for those that wait already |
//! | closed | `close`, drop | its coroutines were cancelled; on the thread that is still about it, it is an error |
//!
//! All is written under one lock, which is held while nothing else is called: no
//! code of the user's, no waker, no `Drop`.
//!
//! # Races
//!
//! * *A push against the loop's going to sleep*: push, **then** wake; leave the
//!   waker, **then** look at the queue. One of the two sees the other.
//! * *A push against close*: both under the lock. What is pushed afterwards is
//!   given back and dropped, so no coroutine is left behind unreported.
//! * *A thread that blocks against the end of a run*: it leaves its waker with the
//!   task, **then** asks (under the lock) whether the loop goes on; the end of a
//!   run is written (under the lock), **then** those who asked are woken.

mod call;
mod current;
mod default_executor;
mod drive;
mod exceptions;
mod executors;
mod handle;
mod node;
mod ready;
mod running;
mod shared;
mod submit;
mod timers;

pub use self::call::CallHandle;
pub use self::current::get_running_loop;
pub(crate) use self::current::running;
pub use self::exceptions::ExceptionContext;
pub use self::handle::Handle;
pub(crate) use self::shared::Shared;

use self::running::{Ended, go};
use crate::coroutine::{Coroutine, Home};
use executor_core::{BoxError, TaskError};
use std::fmt;
use std::future::Future;
use std::sync::Arc;

/// A loop that drives coroutines and calls callbacks, one after another, on the
/// thread that calls one of its `run` methods: Python's event loop.
///
/// Everything else is done through its [`Handle`], from any thread. While it runs,
/// [`create_task`](crate::create_task), [`ensure_future`](crate::ensure_future),
/// [`gather`](crate::gather) and the others start their coroutines on it when they
/// are called on its thread. What runs on the loop must not block: nothing else
/// does meanwhile.
///
/// It may be moved to another thread between two runs, and run again after
/// anything, a panic included. Dropping it closes it. A thread that blocks for one
/// of its coroutines after a run has ended, and before the next one begins, is
/// given an error, since nobody knows whether there will be a next one; before the
/// first run, it waits.
///
/// For a program that has one `main` coroutine, [`run`](crate::run) is shorter.
///
/// ```
/// use combinators::EventLoop;
/// use executor_core::TaskError;
///
/// async fn add3(x: u32) -> Result<u32, TaskError> {
///     Ok(x + 3)
/// }
///
/// let mut event_loop = EventLoop::new();
/// assert_eq!(event_loop.run_until_complete(add3(2))?, 5);
///
/// // Another one in a thread of its own, for coroutines from anywhere.
/// let mut event_loop = EventLoop::new();
/// let handle = event_loop.handle();
/// let thread = std::thread::spawn(move || event_loop.run_forever());
/// assert_eq!(handle.run_coroutine_threadsafe(add3(4)).wait()?, 7);
/// handle.stop();
/// thread.join().unwrap()?;
/// # Ok::<(), TaskError>(())
/// ```
#[must_use = "a loop that is dropped is closed"]
pub struct EventLoop {
    shared: Arc<Shared>,
}

impl EventLoop {
    /// A loop that nobody runs yet.
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Shared::default()),
        }
    }

    /// What reaches this loop from any thread.
    pub fn handle(&self) -> Handle {
        Handle::new(self.shared.clone())
    }

    /// The handle of the loop that runs on this thread.
    pub fn current() -> Option<Handle> {
        get_running_loop()
    }

    /// Runs the loop until `future` is done, and returns its outcome.
    ///
    /// The future need not be `'static`. It counts as a task of the loop, with a
    /// name, and can be cancelled as such. To be able to go on with it after a
    /// [`stop`](Handle::stop), give a task by reference:
    /// `run_until_complete(&mut task)`. Callbacks that it scheduled before it ended
    /// are still called.
    ///
    /// # Errors
    /// The future's own error, one that is a [`TaskError`] as it is; or
    /// * [`InvalidState`](executor_core::TaskErrorKind::InvalidState) if the loop
    ///   was stopped first, or if this thread drives a loop, or a coroutine of the shared
    ///   runtime, already;
    /// * [`Rejected`](executor_core::TaskErrorKind::Rejected) if it is closed.
    pub fn run_until_complete<F, T, E>(&mut self, future: F) -> Result<T, TaskError>
    where
        F: Future<Output = Result<T, E>>,
        E: Into<BoxError>,
    {
        let mut output = None;
        let main = async { output = Some(future.await.map_err(TaskError::failed)) };
        let home = Home::Loop(Arc::downgrade(&self.shared));
        let (main, mut task) = Coroutine::new(main, Ok, home);
        let ended = go(&self.shared, Some((Box::new(main), task.reference())))?;
        let name = |error: TaskError| error.for_task(task.id(), task.name());
        match (output, ended) {
            (Some(outcome), _) => outcome.map_err(name),
            (None, Ended::Stopped) => Err(name(TaskError::invalid_state(
                "Event loop stopped before Future completed.",
            ))),
            (None, Ended::Complete) => Err(match task.try_result() {
                Err(error) => error,
                Ok(()) => unreachable!("the output is written before the task is done"),
            }),
        }
    }

    /// Runs the loop until it is stopped.
    ///
    /// If [`stop`](Handle::stop) was called before, that is after one round.
    ///
    /// # Errors
    /// * [`InvalidState`](executor_core::TaskErrorKind::InvalidState) if this
    ///   thread drives a loop, or a coroutine of the shared runtime, already;
    /// * [`Rejected`](executor_core::TaskErrorKind::Rejected) if it is closed.
    pub fn run_forever(&mut self) -> Result<(), TaskError> {
        go(&self.shared, None).map(drop)
    }

    /// Closes the loop, for good; a second time, nothing happens.
    ///
    /// Callbacks that were not called are dropped. Coroutines that are not done
    /// are dropped at their await: each is reported to the exception handler
    /// ("Task was destroyed but it is pending!"), and its task resolves as
    /// cancelled. The handle of the default executor is dropped, whose jobs
    /// still finish.
    pub fn close(&mut self) {
        self.shared.close();
    }
}

impl Default for EventLoop {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for EventLoop {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for EventLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.show("EventLoop", f)
    }
}
