//! Coroutines: futures that the runtime drives on behalf of a [`Task`].
//!
//! # Protocol
//!
//! The runtime owns a [`Coroutine`], which owns the user's future and the
//! promise of its task. The task reaches the coroutine through [`Request`] alone,
//! a flag and the waker of the last poll:
//!
//! * *poll*: leave the waker, **then** read the flag. If it is set, drop the
//!   future and resolve as cancelled; else poll the future;
//! * *cancel*: set the flag, **then** wake.
//!
//! Whichever comes second sees the other, so a request is never slept through.
//! One made while the future is being polled wakes the coroutine for another
//! poll, where it takes effect; if that very poll completes the future, the value
//! wins. The future is dropped before the task resolves: whoever sees the outcome
//! finds what the coroutine held released.

use crate::runtime;
use executor_core::panic::{catch, discard};
use executor_core::{CancelOutcome, Control, Promise, Task, TaskError, promise_with};
use futures::task::AtomicWaker;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

/// Starts `future` on the runtime and returns its task, at once.
///
/// It runs whether or not the task is awaited. [`Task::cancel`] makes it end at
/// its next await: it is dropped there, and the task resolves as cancelled. A
/// panic in it fails its task alone, with message and location. The name of the
/// task is `Task-N`, with a number that grows.
///
/// The output is the task's value, whatever it is; of a `Result`, use
/// [`ensure_future`](crate::ensure_future) or [`Task::flatten`] to have a task
/// that fails when the future does. This is Python's `loop.create_task`.
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
        // A runtime moves what it is given several times before it pins it.
        future: Some(Box::pin(future)),
        outcome,
        promise: Some(promise),
        request,
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
    request: Arc<Request>,
}

impl<F: Future, T: Send + 'static> Coroutine<F, T> {
    /// One poll of the future, unless it is to be cancelled.
    fn step(&mut self, context: &mut Context<'_>) -> Poll<Result<T, TaskError>> {
        self.request.waker.register(context.waker());
        if self.request.cancel.load(Ordering::Acquire) {
            let when = match self.request.started.load(Ordering::Relaxed) {
                true => "at an await",
                false => "before it started",
            };
            return Poll::Ready(Err(TaskError::cancelled(when)));
        }
        self.request.started.store(true, Ordering::Release);
        let Some(future) = &mut self.future else {
            return Poll::Pending;
        };
        let outcome = self.outcome;
        catch(|| future.as_mut().poll(context).map(outcome))
            .unwrap_or_else(|report| Poll::Ready(Err(TaskError::panicked(report))))
    }
}

impl<F: Future, T: Send + 'static> Future for Coroutine<F, T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let outcome = ready!(self.step(context));
        discard(self.future.take());
        if let Some(promise) = self.promise.take() {
            promise.resolve(outcome);
        }
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::future::poll_fn;
    use futures::task::noop_waker_ref;
    use std::sync::atomic::AtomicUsize;

    /// A coroutine that the test polls, and how often its future was polled.
    struct ByHand {
        coroutine: Coroutine<Pin<Box<dyn Future<Output = u8> + Send>>, u8>,
        task: Task<u8>,
        polls: Arc<AtomicUsize>,
    }

    /// `step` is called with the number of the poll, from one.
    fn by_hand(step: impl Fn(usize) -> Poll<u8> + Send + 'static) -> ByHand {
        let request = Arc::new(Request::default());
        let (promise, task) = promise_with("by hand", request.clone(), 0);
        let polls = Arc::<AtomicUsize>::default();
        let count = polls.clone();
        let future = poll_fn(move |_| step(count.fetch_add(1, Ordering::SeqCst) + 1));
        let coroutine = Coroutine {
            future: Some(Box::pin(Box::pin(future) as _)),
            outcome: Ok,
            promise: Some(promise),
            request,
        };
        ByHand {
            coroutine,
            task,
            polls,
        }
    }

    fn poll(by_hand: &mut ByHand) -> Poll<()> {
        let mut context = Context::from_waker(noop_waker_ref());
        Pin::new(&mut by_hand.coroutine).poll(&mut context)
    }

    #[test]
    fn cancelled_before_its_first_poll_it_never_starts() {
        let mut it = by_hand(|_| Poll::Pending);
        assert!(!it.task.is_running());
        assert_eq!(it.task.cancel(), CancelOutcome::Requested);
        assert!(!it.task.is_done(), "the runtime has not got round to it");
        assert!(poll(&mut it).is_ready());
        assert_eq!(it.polls.load(Ordering::SeqCst), 0);
        let error = it.task.wait().unwrap_err();
        assert!(error.is_cancelled());
        assert!(error.to_string().contains("before it started"), "{error}");
    }

    #[test]
    fn cancelled_at_an_await_it_is_not_polled_again() {
        let mut it = by_hand(|_| Poll::Pending);
        assert!(poll(&mut it).is_pending());
        assert!(it.task.is_running());
        assert!(it.task.cancel().took_effect());
        assert!(poll(&mut it).is_ready());
        assert_eq!(it.polls.load(Ordering::SeqCst), 1);
        assert_eq!(it.task.cancel(), CancelOutcome::TooLate);
        assert!(it.task.wait().unwrap_err().is_cancelled());
    }

    #[test]
    fn a_coroutine_that_its_runtime_drops_is_cancelled() {
        let mut it = by_hand(|_| Poll::Pending);
        assert!(poll(&mut it).is_pending());
        drop(it.coroutine);
        assert!(it.task.wait().unwrap_err().is_cancelled());
    }

    #[test]
    fn a_panic_ends_it() {
        let mut it = by_hand(|poll| match poll {
            1 => Poll::Pending,
            _ => panic!("at poll {poll}"),
        });
        assert!(poll(&mut it).is_pending());
        assert!(poll(&mut it).is_ready());
        let error = it.task.wait().unwrap_err();
        assert_eq!(error.panic_report().unwrap().message(), "at poll 2");
    }
}
