//! Coroutines: futures that the runtime drives on behalf of a [`Task`].
//!
//! # Protocol
//!
//! The runtime owns a [`Coroutine`], which owns the user's future and the
//! promise of its task. The task reaches the coroutine through [`Request`] alone,
//! a flag and the waker of the last poll:
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

#[cfg(test)]
mod tests;

use crate::cancelled::{Leftovers, drop_cancelled};
use crate::runtime;
use executor_core::context::Surroundings;
use executor_core::current;
use executor_core::panic::{catch, discard};
use executor_core::{CancelOutcome, Control, Promise, Task, TaskError, TaskRef, promise_with};
use futures::task::AtomicWaker;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

/// Starts `future` on the runtime and returns its task, at once.
///
/// It runs whether or not the task is awaited. A panic in it fails its task alone,
/// with message and location. The name of the task is `Task-N`, with a number that
/// grows.
///
/// The output is the task's value, whatever it is; of a `Result`, use
/// [`ensure_future`](crate::ensure_future) or [`Task::flatten`] to have a task
/// that fails when the future does. This is Python's `loop.create_task`.
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
    let request = Arc::new(Request::default());
    let (promise, task) = promise_with(next_name(), request.clone(), 0);
    runtime::spawn(Coroutine {
        reference: promise.reference(),
        // A runtime moves what it is given several times before it pins it.
        future: Some(Box::pin(future)),
        outcome,
        promise: Some(promise),
        request,
        leftovers: None,
        surroundings: Surroundings::capture(),
    });
    task
}

/// `Task-1`, `Task-2`, …: as Python names its tasks.
pub(crate) fn next_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("Task-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The way from a task to its coroutine.
#[derive(Default)]
struct Request {
    cancel: AtomicBool,
    started: AtomicBool,
    waker: AtomicWaker,
}

impl Request {
    fn cancelled(&self) -> TaskError {
        TaskError::cancelled(match self.started.load(Ordering::Relaxed) {
            true => "at an await",
            false => "before it started",
        })
    }
}

impl Control for Request {
    fn cancel(&self, _ticket: u64) -> CancelOutcome {
        self.cancel.store(true, Ordering::Release);
        self.waker.wake();
        CancelOutcome::Requested
    }

    fn is_running(&self, _ticket: u64) -> bool {
        self.started.load(Ordering::Acquire)
    }
}

struct Coroutine<F: Future, T: Send + 'static> {
    future: Option<Pin<Box<F>>>,
    outcome: fn(F::Output) -> Result<T, TaskError>,
    promise: Option<Promise<T>>,
    reference: TaskRef,
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
    /// One poll of the future, unless it is to be cancelled.
    fn step(&mut self, context: &mut Context<'_>) -> Poll<End<T>> {
        let request = &*self.request;
        if request.cancel.load(Ordering::Acquire) {
            return Poll::Ready(End::Cancelled);
        }
        request.started.store(true, Ordering::Release);
        if let Some(future) = &mut self.future {
            let outcome = self.outcome;
            match catch(|| future.as_mut().poll(context).map(outcome)) {
                Ok(Poll::Pending) => {}
                Ok(ready) => return ready.map(End::Of),
                Err(report) => return Poll::Ready(End::Of(Err(TaskError::panicked(report)))),
            }
        }
        request.waker.register(context.waker());
        match request.cancel.load(Ordering::Acquire) {
            true => Poll::Ready(End::Cancelled),
            false => Poll::Pending,
        }
    }

    /// The end of it: its future is gone when this is ready.
    fn run(&mut self, context: &mut Context<'_>) -> Poll<Result<T, TaskError>> {
        if self.leftovers.is_none() {
            let end = ready!(self.step(context));
            let future = self.future.take();
            match end {
                End::Of(outcome) => {
                    discard(future);
                    return Poll::Ready(outcome);
                }
                End::Cancelled => self.leftovers = Some(drop_cancelled(future)),
            }
        }
        if let Some(leftovers) = &mut self.leftovers {
            ready!(leftovers.poll(context));
        }
        Poll::Ready(Err(self.request.cancelled()))
    }
}

impl<F: Future, T: Send + 'static> Future for Coroutine<F, T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let reference = self.reference.clone();
        let mut surroundings = std::mem::take(&mut self.surroundings);
        let poll = current::enter(reference, || surroundings.resume(|| self.run(context)));
        let Poll::Ready(outcome) = poll else {
            self.surroundings = surroundings;
            return Poll::Pending;
        };
        discard(surroundings);
        if let Some(promise) = self.promise.take() {
            promise.resolve(outcome);
        }
        Poll::Ready(())
    }
}
