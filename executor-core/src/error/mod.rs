//! [`TaskError`], the one error of every executor, and its kinds.

mod display;
mod worker_lost;

pub use self::worker_lost::{DeathCause, WorkerExit, WorkerLost};

use crate::panic::PanicReport;
use crate::task::TaskId;
use crate::token::Cancelled;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// Any error, as a box: what a user's function may fail with.
pub type BoxError = Box<dyn Error + Send + Sync + 'static>;

/// Why a [`Task`](crate::Task) has no value.
///
/// The error is opaque: ask it for its [`kind`](Self::kind) or through the
/// predicates. It names the task it belongs to, and its message says the cause.
/// Clones share the user's own error.
///
/// ```
/// use executor_core::{ExecutorExt as _, Inline, TaskErrorKind};
///
/// fn fails(_: ()) -> u8 {
///     panic!("no luck")
/// }
///
/// let error = Inline::new().submit(fails, ()).wait().unwrap_err();
/// assert_eq!(error.kind(), TaskErrorKind::Panicked);
/// assert!(error.to_string().contains("no luck"));
/// ```
#[derive(Clone)]
pub struct TaskError(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: TaskErrorKind,
    task: Option<(TaskId, Box<str>)>,
    detail: Detail,
}

/// What is known beyond the kind.
#[derive(Clone)]
enum Detail {
    Message(String),
    Panic(PanicReport),
    Lost(WorkerLost),
    Codec {
        subject: String,
        cause: String,
    },
    Caused {
        message: String,
        source: Arc<BoxError>,
    },
    /// The user's own error.
    User(Arc<BoxError>),
}

/// The kinds of [`TaskError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TaskErrorKind {
    /// The task was cancelled, by its owner or by a shutdown.
    Cancelled,
    /// The function or coroutine panicked.
    Panicked,
    /// A time limit passed.
    TimedOut,
    /// The worker that ran the job died.
    WorkerLost,
    /// The executor did not take the job: it is full or closed.
    Rejected,
    /// The argument could not be sent, or the result could not be sent back.
    Encode,
    /// The argument or the result arrived but could not be read.
    Decode,
    /// The executor cannot run jobs at present: its workers do not start.
    PoolBroken,
    /// The user's own error: the function returned `Err`.
    Failed,
    /// The task was asked for something its state does not allow, such as its
    /// result before it has one.
    InvalidState,
    /// A thread was about to block on a task that cannot complete while it does.
    WouldDeadlock,
}

impl TaskError {
    fn new(kind: TaskErrorKind, detail: Detail) -> Self {
        Self(Box::new(Inner {
            kind,
            task: None,
            detail,
        }))
    }

    /// A task that was cancelled; `how` completes "was cancelled: …".
    pub fn cancelled(how: impl Into<String>) -> Self {
        Self::new(TaskErrorKind::Cancelled, Detail::Message(how.into()))
    }

    /// A function that panicked.
    pub fn panicked(report: PanicReport) -> Self {
        Self::new(TaskErrorKind::Panicked, Detail::Panic(report))
    }

    /// A limit that passed; `what_now` says what became of the function.
    pub fn timed_out(limit: Duration, what_now: impl AsRef<str>) -> Self {
        let message = format!("its limit of {limit:?} passed; {}", what_now.as_ref());
        Self::new(TaskErrorKind::TimedOut, Detail::Message(message))
    }

    /// A worker that died with the job.
    pub fn worker_lost(lost: WorkerLost) -> Self {
        Self::new(TaskErrorKind::WorkerLost, Detail::Lost(lost))
    }

    /// A job the executor did not take; `why` completes "was rejected: …".
    pub fn rejected(why: impl Into<String>) -> Self {
        Self::new(TaskErrorKind::Rejected, Detail::Message(why.into()))
    }

    /// A value that could not be encoded: `subject` names it and its type.
    pub fn encode(subject: impl Into<String>, cause: impl Into<String>) -> Self {
        let (subject, cause) = (subject.into(), cause.into());
        Self::new(TaskErrorKind::Encode, Detail::Codec { subject, cause })
    }

    /// A value that could not be decoded: `subject` names it and its type.
    pub fn decode(subject: impl Into<String>, cause: impl Into<String>) -> Self {
        let (subject, cause) = (subject.into(), cause.into());
        Self::new(TaskErrorKind::Decode, Detail::Codec { subject, cause })
    }

    /// An executor whose workers do not start, with the reason.
    pub fn pool_broken(message: impl Into<String>, source: impl Into<BoxError>) -> Self {
        let (message, source) = (message.into(), Arc::new(source.into()));
        Self::new(
            TaskErrorKind::PoolBroken,
            Detail::Caused { message, source },
        )
    }

    /// The user's own error, to be had back by [`downcast`](Self::downcast).
    ///
    /// An error that is a `TaskError` already stays as it is, and
    /// [`Cancelled`] makes one that was cancelled.
    pub fn failed<E: Into<BoxError>>(error: E) -> Self {
        let error = match error.into().downcast::<TaskError>() {
            Ok(already) => return *already,
            Err(error) => error,
        };
        match error.is::<Cancelled>() {
            true => Self::cancelled("its function heeded its token"),
            false => Self::new(TaskErrorKind::Failed, Detail::User(Arc::new(error))),
        }
    }

    /// A call that the task's state does not allow.
    pub fn invalid_state(message: impl Into<String>) -> Self {
        Self::new(TaskErrorKind::InvalidState, Detail::Message(message.into()))
    }

    /// A thread that was about to block for ever; `why` completes "would
    /// deadlock: …".
    pub fn would_deadlock(why: impl Into<String>) -> Self {
        Self::new(TaskErrorKind::WouldDeadlock, Detail::Message(why.into()))
    }

    /// Names the task this error belongs to, unless it names one already.
    #[must_use]
    pub fn for_task(mut self, id: TaskId, name: &str) -> Self {
        self.0.task.get_or_insert_with(|| (id, name.into()));
        self
    }

    /// The kind of this error.
    pub fn kind(&self) -> TaskErrorKind {
        self.0.kind
    }

    /// The id of the task, once it is known.
    pub fn task_id(&self) -> Option<TaskId> {
        self.0.task.as_ref().map(|(id, _)| *id)
    }

    /// The name of the task, once it is known.
    pub fn task_name(&self) -> Option<&str> {
        self.0.task.as_ref().map(|(_, name)| &**name)
    }

    /// The message and place of the panic, if that is what happened.
    pub fn panic_report(&self) -> Option<&PanicReport> {
        match &self.0.detail {
            Detail::Panic(report) => Some(report),
            _ => None,
        }
    }

    /// How the worker died, if that is what happened.
    pub fn lost_worker(&self) -> Option<&WorkerLost> {
        match &self.0.detail {
            Detail::Lost(lost) => Some(lost),
            _ => None,
        }
    }

    /// The user's own error, borrowed, if the function returned an `E`.
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        match &self.0.detail {
            Detail::User(error) => error.downcast_ref(),
            _ => None,
        }
    }

    /// The user's own error, if the function returned an `E`.
    ///
    /// # Errors
    /// The error itself comes back when it holds no `E`, or while a clone of it
    /// is left: [`downcast_ref`](Self::downcast_ref) works on those.
    pub fn downcast<E: Error + 'static>(mut self) -> Result<E, Self> {
        let shared = match self.0.detail {
            Detail::User(shared) => shared,
            other => {
                self.0.detail = other;
                return Err(self);
            }
        };
        let back = match Arc::try_unwrap(shared).map(|error| error.downcast::<E>()) {
            Ok(Ok(error)) => return Ok(*error),
            Ok(Err(error)) => Arc::new(error),
            Err(shared) => shared,
        };
        self.0.detail = Detail::User(back);
        Err(self)
    }

    /// True if the task was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.kind() == TaskErrorKind::Cancelled
    }

    /// True if the function or coroutine panicked.
    pub fn is_panicked(&self) -> bool {
        self.kind() == TaskErrorKind::Panicked
    }

    /// True if a time limit passed.
    pub fn is_timed_out(&self) -> bool {
        self.kind() == TaskErrorKind::TimedOut
    }

    /// True if the worker died with the job.
    pub fn is_worker_lost(&self) -> bool {
        self.kind() == TaskErrorKind::WorkerLost
    }

    /// True if the executor was full or closed.
    pub fn is_rejected(&self) -> bool {
        self.kind() == TaskErrorKind::Rejected
    }

    /// True if the argument or the result could not be encoded.
    pub fn is_encode(&self) -> bool {
        self.kind() == TaskErrorKind::Encode
    }

    /// True if the argument or the result could not be decoded.
    pub fn is_decode(&self) -> bool {
        self.kind() == TaskErrorKind::Decode
    }

    /// True if the executor's workers do not start.
    pub fn is_pool_broken(&self) -> bool {
        self.kind() == TaskErrorKind::PoolBroken
    }

    /// True if the function itself returned an error.
    pub fn is_failed(&self) -> bool {
        self.kind() == TaskErrorKind::Failed
    }

    /// True if the task's state did not allow the call.
    pub fn is_invalid_state(&self) -> bool {
        self.kind() == TaskErrorKind::InvalidState
    }

    /// True if a thread was about to block for ever.
    pub fn is_would_deadlock(&self) -> bool {
        self.kind() == TaskErrorKind::WouldDeadlock
    }
}
