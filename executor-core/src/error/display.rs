//! How a [`TaskError`] reads: the task, what happened to it, the cause.

use super::{Detail, TaskError, TaskErrorKind};
use std::error::Error;
use std::fmt;

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.task {
            Some((id, name)) => write!(f, "task {id} `{name}` ")?,
            None => f.write_str("task ")?,
        }
        f.write_str(match self.kind() {
            TaskErrorKind::Cancelled => "was cancelled",
            TaskErrorKind::Panicked => "panicked",
            TaskErrorKind::TimedOut => "timed out",
            TaskErrorKind::WorkerLost => "lost its worker",
            TaskErrorKind::Rejected => "was rejected",
            TaskErrorKind::Encode => "could not be encoded",
            TaskErrorKind::Decode => "could not be decoded",
            TaskErrorKind::PoolBroken => "could not run, the pool is broken",
            TaskErrorKind::Failed => "failed",
            TaskErrorKind::InvalidState => "is in an invalid state for this",
            TaskErrorKind::WouldDeadlock => "would deadlock",
        })?;
        match &self.0.detail {
            Detail::Message(message) => write!(f, ": {message}"),
            Detail::Panic(report) => match report.location() {
                Some(location) => write!(f, " at {location}: {}", report.message()),
                None => write!(f, ": {}", report.message()),
            },
            Detail::Lost(lost) => write!(f, ": {lost}"),
            Detail::Codec { subject, cause } => write!(f, ": {subject}: {cause}"),
            Detail::Caused { message, source } => write!(f, ": {message}: {source}"),
            Detail::User(error) => write!(f, ": {error}"),
        }
    }
}

impl fmt::Debug for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskError")
            .field("kind", &self.kind())
            .field("message", &self.to_string())
            .finish()
    }
}

impl Error for TaskError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0.detail {
            Detail::User(error) | Detail::Caused { source: error, .. } => Some(&***error),
            _ => None,
        }
    }
}
