//! [`Task`]: the handle of a job or coroutine, and the future of its outcome.

mod flatten;
mod help;
mod meta;
mod reference;
mod view;
mod waiting;

pub use self::meta::TaskId;
pub(crate) use self::meta::{Extra, Meta};
pub(crate) use self::reference::AnyTask;
pub use self::reference::TaskRef;

use self::view::View;
use crate::cell::{CallbackId, Outcome, Stage, call_with};
use crate::control::CancelOutcome;
use crate::current;
use crate::error::TaskError;
use crate::panic::{catch, discard};
use crate::say;
use crate::watch::{Settled, Watcher};
use std::any::type_name;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The handle of one job or coroutine, and the future of its outcome.
///
/// The work has been submitted already: nothing depends on this being polled.
/// Await it, [`wait`](Self::wait) for it from synchronous code, or give it to a
/// combinator.
///
/// Dropping it *detaches* the work, which goes on (Python's rule, and
/// async-std's); [`cancel_on_drop`](Self::cancel_on_drop) opts in to the other
/// rule. An error that nobody has looked at is reported once, through `tracing`,
/// when the last handle of the task goes; a cancellation is not.
///
/// # Cancel safety
/// Awaiting `&mut task` may be given up at any time; the outcome is not lost.
///
/// ```
/// use executor_core::{ExecutorExt as _, Inline};
///
/// let task = Inline::new().submit(|n: u64| n * n, 7);
/// assert!(task.is_done());
/// assert_eq!(task.wait()?, 49);
/// # Ok::<(), executor_core::TaskError>(())
/// ```
#[must_use = "a task that is dropped goes on by itself: await it, or say `detach`"]
pub struct Task<T: Send + 'static> {
    shared: Arc<dyn View<T>>,
    cancel_on_drop: bool,
    /// A coroutine waits at it, so a cancellation of that one is passed on.
    awaited: bool,
    /// Somebody was registered through this handle, to be told when the task is done.
    watched: bool,
    /// Nothing is left in there for this handle.
    taken: bool,
    /// `Sync` only where `T` is: see `Cell`'s.
    value: PhantomData<T>,
}

// The value is never pinned: it is behind an `Arc` and moves out by itself.
impl<T: Send + 'static> Unpin for Task<T> {}

impl<T: Send + 'static> Task<T> {
    pub(crate) fn new(shared: Arc<dyn View<T>>) -> Self {
        Self {
            shared,
            cancel_on_drop: false,
            awaited: false,
            watched: false,
            taken: false,
            value: PhantomData,
        }
    }

    /// A task that has its outcome already, such as one that was refused.
    pub fn ready(name: impl Into<String>, outcome: Result<T, TaskError>) -> Self {
        let (promise, task) = crate::promise::promise(name);
        promise.resolve(outcome);
        task
    }

    /// A number that no other task of this process has.
    pub fn id(&self) -> TaskId {
        self.shared.meta().id()
    }

    /// The name it was given, or else the path of its function.
    pub fn name(&self) -> &str {
        self.shared.meta().name()
    }

    /// Another way to reach this task, which does not own its outcome.
    pub fn reference(&self) -> TaskRef {
        TaskRef::new(self.shared.clone())
    }

    /// Cancels the work, as far as that is possible, and says how far it was.
    ///
    /// A job that has not started is removed: what it captured is dropped and
    /// the task is done before this returns, callbacks included. See
    /// [`CancelOutcome`] for the rest.
    pub fn cancel(&self) -> CancelOutcome {
        self.shared.cancel()
    }

    /// From now on, dropping this handle cancels the work.
    pub fn cancel_on_drop(mut self) -> Self {
        self.cancel_on_drop = true;
        self
    }

    /// Lets the work go on by itself. Its outcome is dropped when it comes.
    pub fn detach(mut self) {
        self.cancel_on_drop = false;
        self.awaited = false;
    }

    /// Nobody needs to look at this task's error: if it has one, or gets one, that
    /// is not reported.
    pub fn ignore_error(&self) {
        self.shared.be_quiet();
    }

    /// True once there is an outcome: a value, an error or a cancellation.
    pub fn is_done(&self) -> bool {
        matches!(self.shared.stage(), Stage::Done { .. })
    }

    /// True while the function runs.
    pub fn is_running(&self) -> bool {
        self.shared.is_running()
    }

    /// True once the task was cancelled, by anybody.
    pub fn is_cancelled(&self) -> bool {
        self.settled() == Some(Settled::Cancelled)
    }

    /// How the task ended, without its value; `None` before that.
    pub fn settled(&self) -> Option<Settled> {
        match self.shared.stage() {
            Stage::Done { settled, .. } => Some(settled),
            _ => None,
        }
    }

    /// Takes the outcome out, if there is one.
    ///
    /// # Errors
    /// The task's own error; or, before there is an outcome and after it has
    /// been taken, an error of the kind
    /// [`InvalidState`](crate::TaskErrorKind::InvalidState), and the task stays
    /// as it is.
    pub fn try_result(&mut self) -> Result<T, TaskError> {
        self.take()
            .unwrap_or_else(|| Err(self.invalid("the result is not ready")))
    }

    /// Shows the outcome, if there is one and it has not been taken.
    pub fn outcome(&self) -> Option<Result<&T, &TaskError>> {
        // SAFETY: `Task` is the owner's side. The outcome can be taken only
        // through `&mut self`, so not while this borrow lives; and `&self` is
        // on several threads only if `T` is `Sync`.
        let outcome = unsafe { self.shared.peek() };
        if let Some(Err(_)) = outcome {
            self.shared.be_quiet();
        }
        outcome.map(Result::as_ref)
    }

    /// Calls `callback` with the outcome as soon as there is one.
    ///
    /// It runs on the thread that resolves the task, before the task counts as
    /// done; if the task is done already, at once on this thread. Callbacks run
    /// in the order they were added. One that panics is reported through
    /// `tracing` and harms neither the others nor the task. If the outcome has
    /// been taken, the callback is given an error of the kind
    /// [`InvalidState`](crate::TaskErrorKind::InvalidState).
    ///
    /// What is returned is for
    /// [`remove_done_callback`](Self::remove_done_callback), and may be ignored.
    pub fn add_done_callback(
        &self,
        callback: impl FnOnce(Result<&T, &TaskError>) + Send + 'static,
    ) -> CallbackId {
        let id = CallbackId::next();
        // SAFETY: as for `outcome`.
        let added = unsafe { self.shared.call_when_done(id, Box::new(callback)) };
        if let Err(callback) = added {
            let error = self.invalid("the result has been taken already");
            call_with(callback, Err(&error));
        }
        id
    }

    /// Takes a done callback back, and drops it uncalled. False if it was called
    /// already, or is about to be.
    pub fn remove_done_callback(&self, id: CallbackId) -> bool {
        self.shared.forget_callback(id)
    }

    /// Has `watcher` told when the task is done, in place of whoever waited for
    /// it before. False, and nothing happens, if the task is done already.
    ///
    /// This is for combinators: it is how one waits for many tasks at a cost
    /// that does not grow with those that are still running.
    pub fn watch(&mut self, watcher: Arc<dyn Watcher>, token: usize) -> bool {
        self.awaited = false;
        self.watched = self.shared.tell_when_done(watcher, token);
        self.watched
    }

    /// Has `watcher` told when the task is done, besides whoever else is: any
    /// number may follow a task. False, and nothing happens, if it is done
    /// already.
    pub fn follow(&self, watcher: Arc<dyn Watcher>, token: usize) -> bool {
        self.shared.follow(watcher, token)
    }

    /// Takes a watcher, or the last waker, off the task again.
    pub fn unwatch(&mut self) {
        self.awaited = false;
        // To look into the slot costs a lock.
        if std::mem::take(&mut self.watched) {
            self.shared.forget_waiter();
        }
    }

    /// Waits for the outcome without taking it.
    ///
    /// # Cancel safety
    /// May be given up at any time.
    pub fn poll_done(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.is_done() {
            return Poll::Ready(());
        }
        self.watched = self.shared.wake_when_done(context.waker());
        match self.watched {
            true => Poll::Pending,
            false => Poll::Ready(()),
        }
    }

    /// Takes the value out, if there is one. An error stays.
    ///
    /// For combinators that go through many tasks: the others are left for later.
    ///
    /// ```
    /// use executor_core::{Task, TaskError};
    ///
    /// let mut task = Task::ready("seven", Ok(7));
    /// assert_eq!((task.take_value(), task.take_value()), (Some(7), None));
    /// let mut failed = Task::<u8>::ready("failed", Err(TaskError::failed("no luck")));
    /// assert_eq!(failed.take_value(), None);
    /// assert!(failed.try_result().unwrap_err().is_failed());
    /// ```
    pub fn take_value(&mut self) -> Option<T> {
        // SAFETY: as for `take`.
        let value = unsafe { self.shared.take_value() };
        self.taken |= value.is_some();
        value
    }

    /// Where the task's cell stands.
    pub(crate) fn cell(&self) -> usize {
        self.shared.address()
    }

    /// Between which addresses its cell stands, without a look at it.
    pub(crate) fn extent(&self) -> RangeInclusive<usize> {
        let start = Arc::as_ptr(&self.shared).addr();
        start..=start + size_of_val(&*self.shared)
    }

    fn take(&mut self) -> Option<Outcome<T>> {
        // SAFETY: `Task` is the owner's side, and `&mut self` means that no
        // `outcome()` is borrowed.
        let outcome = unsafe { self.shared.take() };
        self.taken |= outcome.is_some();
        outcome
    }

    fn take_or_invalid(&mut self) -> Outcome<T> {
        self.take()
            .unwrap_or_else(|| Err(self.invalid("the result has been taken already")))
    }

    fn invalid(&self, why: &str) -> TaskError {
        let why = match self.shared.stage() {
            Stage::Done { taken: true, .. } => "the result has been taken already",
            _ => why,
        };
        self.shared.meta().name_it(TaskError::invalid_state(why))
    }
}

impl<T: Send + 'static> Future for Task<T> {
    type Output = Result<T, TaskError>;

    /// Resolves once; polled again after that, it is an error of the kind
    /// [`InvalidState`](crate::TaskErrorKind::InvalidState), not a panic. A task
    /// that awaits itself is an error of the kind
    /// [`WouldDeadlock`](crate::TaskErrorKind::WouldDeadlock).
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(outcome) = self.take() {
            return Poll::Ready(outcome);
        }
        if self.poll_done(context).is_ready() {
            return Poll::Ready(self.take_or_invalid());
        }
        if current::is(self.id()) || self.shared.is_calling_back() {
            return Poll::Ready(Err(self.waits_for_itself()));
        }
        self.awaited = true;
        Poll::Pending
    }
}

impl<T: Send + 'static> Drop for Task<T> {
    fn drop(&mut self) {
        if self.taken {
            return;
        }
        let cancel = self.cancel_on_drop || self.awaited && current::is_cancelling();
        if cancel && !self.is_done() {
            self.cancel();
        }
        let overlooked = !self.shared.is_quiet();
        match self.take() {
            Some(Err(error)) if overlooked && !error.is_cancelled() => report_overlooked(error),
            // A value nobody took is dropped here, and its `Drop` may panic.
            outcome => discard(outcome),
        }
    }
}

/// Tells of an error that the last handle of its task takes with it: Python's
/// "Task exception was never retrieved".
pub(crate) fn report_overlooked(error: TaskError) {
    // To show it is the user's code.
    let show =
        || tracing::event!(tracing::Level::ERROR, %error, "task exception was never retrieved");
    if let Err(report) = catch(show) {
        say!(error, %report, "an error that was never retrieved panicked when it was shown");
    }
    discard(error);
}

impl<T: Send + 'static> fmt::Debug for Task<T> {
    /// Shows the state and, of a result, its type and not its value, as Python's
    /// `Future` does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.shared.stage() {
            Stage::Done { settled, .. } => match settled {
                Settled::Value => format!("finished returned {}", type_name::<T>()),
                Settled::Cancelled => "cancelled".to_owned(),
                // SAFETY: as for `outcome`; but to show an error is not to look
                // at it.
                Settled::Error => match unsafe { self.shared.peek() } {
                    Some(Err(error)) => format!("finished raised {:?}", error.kind()),
                    _ => "finished raised".to_owned(),
                },
            },
            _ if self.is_running() => "running".to_owned(),
            _ => "pending".to_owned(),
        };
        f.debug_struct("Task")
            .field("id", &self.id())
            .field("name", &self.name())
            .field("state", &format_args!("{state}"))
            .finish()
    }
}
