//! [`AsCompletedTimeout`]: as completed, but no longer than so.

use super::AsCompleted;
use crate::deadline::Deadline;
use executor_core::{Task, TaskError};
use futures::Stream;
use futures::stream::FusedStream;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// A stream of tasks that are done, which ends with an error when its limit has
/// passed: made by [`AsCompleted::timeout`].
///
/// What is done is yielded first, also after the limit. In place of the first task
/// that would have to be waited for comes one error of the kind
/// [`TimedOut`](executor_core::TaskErrorKind::TimedOut), which says how many are
/// unfinished, and the stream ends. Nothing is cancelled:
/// [`into_pending`](Self::into_pending) gives the tasks back.
///
/// # Cancel safety
/// As for [`as_completed`](crate::as_completed).
#[must_use = "the tasks run by themselves, but a stream yields nothing unless it is polled"]
pub struct AsCompletedTimeout<T: Send + 'static> {
    completed: AsCompleted<T>,
    total: usize,
    limit: Duration,
    deadline: Deadline,
    expired: bool,
}

impl<T: Send + 'static> AsCompletedTimeout<T> {
    pub(super) fn new(completed: AsCompleted<T>, limit: Duration) -> Self {
        Self {
            total: completed.tasks.len(),
            completed,
            limit,
            deadline: Deadline::after(limit),
            expired: false,
        }
    }

    /// The tasks that were not yielded, in the order given: to be waited for in
    /// another way, or cancelled.
    pub fn into_pending(self) -> Vec<Task<T>> {
        self.completed.into_pending()
    }

    fn late(&self) -> TaskError {
        let (left, total) = (self.completed.left, self.total);
        TaskError::timed_out(self.limit, format!("{left} (of {total}) tasks unfinished"))
    }
}

impl<T: Send + 'static> Stream for AsCompletedTimeout<T> {
    type Item = Result<Task<T>, TaskError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.expired {
            return Poll::Ready(None);
        }
        if let Poll::Ready(next) = Pin::new(&mut this.completed).poll_next(context) {
            return Poll::Ready(next.map(Ok));
        }
        if this.deadline.poll(context).is_pending() {
            return Poll::Pending;
        }
        this.expired = true;
        Poll::Ready(Some(Err(this.late())))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match (self.expired, self.completed.left) {
            (true, _) | (false, 0) => (0, Some(0)),
            // One error, or every task.
            (false, left) => (1, Some(left + 1)),
        }
    }
}

impl<T: Send + 'static> FusedStream for AsCompletedTimeout<T> {
    fn is_terminated(&self) -> bool {
        self.expired || self.completed.is_terminated()
    }
}

impl<T: Send + 'static> fmt::Debug for AsCompletedTimeout<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompletedTimeout")
            .field("completed", &self.completed)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
