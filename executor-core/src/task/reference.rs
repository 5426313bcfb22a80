//! [`TaskRef`]: reaching a task without owning its outcome.

use super::{Meta, TaskId};
use crate::cell::Stage;
use crate::control::CancelOutcome;
use crate::current;
use crate::error::TaskError;
use crate::job::Shared;
use crate::token::{self, CancelToken};
use crate::watch::Settled;
use std::fmt;
use std::sync::Arc;

/// What can be asked of a task by anybody, whatever its types; the methods are
/// those of `Cell`.
pub(crate) trait AnyTask: Send + Sync {
    fn meta(&self) -> &Meta;
    fn stage(&self) -> Stage;
    fn is_running(&self) -> bool;
    fn cancel(&self) -> CancelOutcome;
    fn nudge(&self);
    fn await_briefly(&self);
    fn stuck(&self) -> Option<TaskError>;
    fn token(&self) -> CancelToken;
}

impl<I: Send, T: Send> AnyTask for Shared<I, T> {
    fn meta(&self) -> &Meta {
        &self.meta
    }
    fn stage(&self) -> Stage {
        self.cell.stage()
    }
    fn is_running(&self) -> bool {
        self.cell.is_running()
    }
    fn cancel(&self) -> CancelOutcome {
        let error = || self.meta.name_it(TaskError::cancelled("before it started"));
        // What is dropped and called then is no part of what runs here.
        current::outside(|| self.cell.cancel(error))
    }
    fn nudge(&self) {
        self.cell.nudge();
    }
    fn await_briefly(&self) {
        self.cell.await_briefly();
    }
    fn stuck(&self) -> Option<TaskError> {
        self.cell.stuck()
    }
    fn token(&self) -> CancelToken {
        self.cell.token(token::for_job)
    }
}

/// Another way to reach a task: it can be looked at and cancelled, by anybody and
/// from anywhere, while the outcome belongs to the one who has the
/// [`Task`](crate::Task).
///
/// Clones reach the same task. They keep it from being freed, but do not keep it
/// running, nor cancel it when they go.
///
/// ```
/// let (promise, task) = executor_core::promise::<u8>("answer");
/// let reference = task.reference();
/// assert_eq!((reference.name(), reference.is_done()), ("answer", false));
/// promise.resolve(Ok(42));
/// assert!(reference.is_done());
/// assert_eq!(task.wait().unwrap(), 42);
/// ```
#[derive(Clone)]
pub struct TaskRef(Arc<dyn AnyTask>);

impl TaskRef {
    pub(crate) fn new(task: Arc<dyn AnyTask>) -> Self {
        Self(task)
    }

    pub(crate) fn shared(&self) -> &Arc<dyn AnyTask> {
        &self.0
    }

    /// The number that no other task of this process has.
    pub fn id(&self) -> TaskId {
        self.0.meta().id()
    }

    /// The name of the task.
    pub fn name(&self) -> &str {
        self.0.meta().name()
    }

    /// Cancels the work, as [`Task::cancel`](crate::Task::cancel) does.
    pub fn cancel(&self) -> CancelOutcome {
        self.0.cancel()
    }

    /// True once there is an outcome.
    pub fn is_done(&self) -> bool {
        self.settled().is_some()
    }

    /// True while the function runs, or the coroutine has begun.
    pub fn is_running(&self) -> bool {
        self.0.is_running()
    }

    /// True of a job, which is a function that some executor runs; not of a
    /// coroutine, nor of any other task that is resolved through a
    /// [`Promise`](crate::Promise).
    ///
    /// ```
    /// use executor_core::{ExecutorExt as _, Inline, promise};
    ///
    /// let add = |n: u8| n.checked_add(1).ok_or_else(|| "too much".to_owned());
    /// let job = Inline::new().submit(add, 7);
    /// assert!(job.reference().is_job());
    /// assert!(job.flatten().reference().is_job());
    /// assert!(!promise::<u8>("answer").1.reference().is_job());
    /// ```
    pub fn is_job(&self) -> bool {
        self.0.meta().is_job()
    }

    /// How the task ended; `None` before that.
    pub fn settled(&self) -> Option<Settled> {
        match self.0.stage() {
            Stage::Done { settled, .. } => Some(settled),
            _ => None,
        }
    }

    /// The token of the function or coroutine, which runs on this thread.
    pub(crate) fn token(&self) -> CancelToken {
        self.0.token()
    }

    /// Wakes whoever waits for the task, so that it looks again; the task stays
    /// as it is.
    ///
    /// For those who drive coroutines: a thread that is blocked in
    /// [`Task::wait`](crate::Task::wait) asks
    /// [`Control::stuck`](crate::Control::stuck) again.
    pub fn nudge(&self) {
        self.0.nudge();
    }
}

impl PartialEq for TaskRef {
    /// True of references to the same task.
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for TaskRef {}

impl fmt::Debug for TaskRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.settled() {
            Some(Settled::Value) => "finished",
            Some(Settled::Error) => "failed",
            Some(Settled::Cancelled) => "cancelled",
            None if self.is_running() => "running",
            None => "pending",
        };
        f.debug_struct("TaskRef")
            .field("id", &self.id())
            .field("name", &self.name())
            .field("state", &format_args!("{state}"))
            .finish()
    }
}
