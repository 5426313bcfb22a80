//! Coroutines: futures that are driven on behalf of a [`Task`].
//!
//! Whoever drives it, the shared runtime or an event loop, owns a [`Coroutine`],
//! which owns the user's future and the promise of its task. The task reaches
//! the coroutine through [`Request`] alone, a flag and the waker of the last
//! poll:
//!
//! * *poll*: poll the future, unless the flag is set. If it is pending, leave the
//!   waker, **then** read the flag. Where it is set, drop the future and resolve
//!   as cancelled;
//! * *cancel*: set the flag, **then** wake.
//!
//! Whichever comes second sees the other, so a request is never slept through.
//! One made while the future is being polled takes effect at the await where that
//! poll ends; if it completes the future, the value wins. The future is dropped
//! before the task resolves: whoever sees the outcome finds what the coroutine
//! held released.
//!
//! What runs is the task's: polls, and the drop of the future, are inside
//! `current::enter`. A future that is dropped because of the flag is dropped inside
//! `current::cancelling`, which passes the cancellation on to what it awaits; the
//! coroutine then resolves when the task groups in it have ended.
//!
//! The context and the span of its creation surround all of that; what
//! the coroutine sets stays its own.

mod home;
mod request;
#[cfg(test)]
mod tests;

pub(crate) use self::home::{Home, all_shared, polls_for_runtime};
pub(crate) use self::request::Request;

use crate::cancelled::{Leftovers, drop_cancelled};
use crate::event_loop::{self, ExceptionContext};
use crate::runtime;
use executor_core::context::Surroundings;
use executor_core::panic::{catch, discard};
use executor_core::{Promise, Task, TaskError, TaskRef, current, promise_with};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

/// Starts `future` and returns its task, at once.
///
/// On a thread that runs an [`EventLoop`](crate::EventLoop) it becomes a coroutine
/// of that loop, as in Python; elsewhere the shared runtime drives it. It runs
/// whether or not the task is awaited. A panic in it fails its task alone, with
/// message and location. The name of the task is `Task-N`, with a number that
/// grows.
///
/// The output is the task's value, whatever it is; of a `Result`, use
/// [`ensure_future`](crate::ensure_future) or [`Task::flatten`] to have a task
/// that fails when the future does. This is Python's `asyncio.create_task`.
///
/// # Cancellation
///
/// [`Task::cancel`] ends it at its next await: it is dropped there, with all it
/// holds, and then the task resolves as cancelled. A task that it awaits there is
/// cancelled as well, and so on down, as in Python; one that it merely holds goes
/// on, and so does one under a [`shield`](crate::shield).
///
/// In Python a cancellation is an exception, raised inside the coroutine. Here the
/// coroutine runs no further, so there is nothing to catch: it cannot swallow a
/// cancellation and return something after all (`test_cancel_task_catching`), nor
/// does it have to raise it again, and nobody has to count requests against each
/// other (`uncancel`, `cancelling`). What must happen in any case belongs into the
/// `Drop` of something it holds; what must be awaited in any case, under a shield.
///
/// A coroutine may cancel itself, through
/// [`current_task`](executor_core::current_task): that takes effect at its next
/// await. If it ends without another one, its value counts, where Python's would
/// be lost.
///
/// ```
/// use combinators::create_task;
///
/// let task = create_task(async { 6 * 7 });
/// assert_eq!(task.wait()?, 42);
/// # Ok::<(), executor_core::TaskError>(())
/// ```
pub fn create_task<F>(future: F) -> Task<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    start(future, Ok)
}

/// Starts `future`; its task is resolved with what `outcome` makes of its output.
pub(crate) fn start<F, T>(future: F, outcome: fn(F::Output) -> Result<T, TaskError>) -> Task<T>
where
    F: Future + Send + 'static,
    T: Send + 'static,
{
    if let Some(running) = event_loop::running() {
        return running.start(future, outcome);
    }
    let (coroutine, task) = Coroutine::new(future, outcome, Home::Runtime);
    runtime::spawn(coroutine);
    task
}

/// `Task-1`, `Task-2`, …: as Python names its tasks.
pub(crate) fn next_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("Task-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A coroutine, whatever its types: what an event loop keeps.
pub(crate) trait Routine {
    /// One poll. It contains the panics of the user's code.
    fn drive(&mut self, context: &mut Context<'_>) -> Poll<()>;

    /// Drops the future and resolves the task as cancelled; `why` completes "was
    /// cancelled: …".
    fn abandon(&mut self, why: &str);
}

pub(crate) struct Coroutine<F: Future, T: Send + 'static> {
    future: Option<Pin<Box<F>>>,
    outcome: fn(F::Output) -> Result<T, TaskError>,
    promise: Option<Promise<T>>,
    task: TaskRef,
    request: Arc<Request>,
    surroundings: Surroundings,
    /// What is left of it, once it was cancelled.
    leftovers: Option<Leftovers>,
}

/// How a coroutine ended.
enum End<T> {
    /// By itself.
    Of(Result<T, TaskError>),
    /// It was asked to.
    Cancelled,
}

impl<F: Future, T: Send + 'static> Coroutine<F, T> {
    pub(crate) fn new(
        future: F,
        outcome: fn(F::Output) -> Result<T, TaskError>,
        home: Home,
    ) -> (Self, Task<T>) {
        let request = Arc::new(Request::new(home));
        let (promise, task) = promise_with(next_name(), request.clone(), 0);
        request.home().list(&promise);
        let coroutine = Self {
            // A runtime moves what it is given several times before it pins it.
            future: Some(Box::pin(future)),
            outcome,
            task: promise.reference(),
            promise: Some(promise),
            request,
            surroundings: Surroundings::capture(),
            leftovers: None,
        };
        (coroutine, task)
    }

    /// One poll of the future, unless it is to be cancelled.
    fn step(&mut self, context: &mut Context<'_>) -> Poll<End<T>> {
        let request = &*self.request;
        if request.is_set() {
            return Poll::Ready(End::Cancelled);
        }
        request.start();
        if let Some(future) = &mut self.future {
            let outcome = self.outcome;
            match catch(|| future.as_mut().poll(context).map(outcome)) {
                Ok(Poll::Pending) => {}
                Ok(ready) => return ready.map(End::Of),
                Err(report) => return Poll::Ready(End::Of(Err(TaskError::panicked(report)))),
            }
        }
        request.leave(context.waker());
        match request.is_set() {
            true => Poll::Ready(End::Cancelled),
            false => Poll::Pending,
        }
    }

    /// The end of it: its future is gone when this is ready.
    fn run(&mut self, context: &mut Context<'_>) -> Poll<Result<T, TaskError>> {
        if self.leftovers.is_none() {
            match ready!(self.step(context)) {
                End::Of(outcome) => {
                    drop(self.held());
                    return Poll::Ready(outcome);
                }
                End::Cancelled => self.leftovers = Some(drop_cancelled(self.held())),
            }
        }
        if let Some(leftovers) = &mut self.leftovers {
            ready!(leftovers.poll(context));
        }
        Poll::Ready(Err(self.request.cancelled()))
    }

    /// Runs `f` as a part of the task, in what surrounds it.
    fn inside<R>(&mut self, f: impl FnOnce(&mut Self) -> R) -> R {
        let mut surroundings = std::mem::take(&mut self.surroundings);
        let task = self.task.clone();
        let done = current::enter(task, || surroundings.resume(|| f(self)));
        self.surroundings = surroundings;
        done
    }

    fn held(&mut self) -> Held<'_, F> {
        Held {
            future: self.future.take(),
            task: &self.task,
            home: self.request.home(),
        }
    }

    fn resolve(&mut self, outcome: Result<T, TaskError>) {
        if let Some(promise) = self.promise.take() {
            let home = self.request.home();
            home.strike(&self.task);
            if let Err(error) = &outcome {
                home.failed(&self.task, error);
            }
            promise.resolve(outcome);
        }
    }
}

/// The future, to be dropped; a panic of that goes to whoever drives it.
struct Held<'c, F> {
    future: Option<Pin<Box<F>>>,
    task: &'c TaskRef,
    home: &'c Home,
}

impl<F> Drop for Held<'_, F> {
    fn drop(&mut self) {
        let future = self.future.take();
        if let Err(report) = catch(|| drop(future)) {
            let message = "a coroutine panicked while it was dropped";
            let context = ExceptionContext::new(message).task(self.task).panic(report);
            self.home.report(&context);
        }
    }
}

impl<F: Future, T: Send + 'static> Routine for Coroutine<F, T> {
    fn drive(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let _polling = self.request.home().enter();
        let outcome = ready!(self.inside(|this| this.run(context)));
        discard(std::mem::take(&mut self.surroundings));
        // Callbacks run here: what they do is not done by this task.
        self.resolve(outcome);
        Poll::Ready(())
    }

    fn abandon(&mut self, why: &str) {
        self.inside(|this| drop(this.held()));
        discard(std::mem::take(&mut self.surroundings));
        self.resolve(Err(TaskError::cancelled(why)));
    }
}

impl<F: Future, T: Send + 'static> Future for Coroutine<F, T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.drive(context)
    }
}

impl<F: Future, T: Send + 'static> Drop for Coroutine<F, T> {
    /// Whoever drove it goes away.
    fn drop(&mut self) {
        if self.promise.is_some() {
            self.abandon("whoever drove it went away");
        }
    }
}
