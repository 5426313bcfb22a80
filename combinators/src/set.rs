//! [`TaskSet`]: tasks that are waited for together, alike or of several types.

mod ending;
mod many;
mod tuple;

pub(crate) use self::ending::{cancel_all, give_up};

use crate::cancelled::{Rest, cancel};
use executor_core::{Countdown, Settled, Task, TaskError, TaskId};
use std::fmt;
use std::task::{Context, Poll};

/// Tasks that are gathered together: a vector of tasks of one type, or a tuple of
/// tasks of up to twelve types.
///
/// It tells what a [`Gather`](crate::Gather) of them gives. It is implemented for
/// these types and cannot be implemented for others.
pub trait TaskSet: sealed::Sealed + Unpin + Sized {
    /// Their values, in their places.
    type Values;
    /// How each of them ended, in their places.
    type Outcomes;
    /// The same tasks while they are waited for.
    #[doc(hidden)]
    type Waited: WaitedSet<Values = Self::Values, Outcomes = Self::Outcomes>;

    #[doc(hidden)]
    fn into_waited(self) -> Self::Waited;
}

/// Tasks that are waited for, some of which may have gone already: with their
/// values in place of them.
#[doc(hidden)]
pub trait WaitedSet: sealed::Sealed + Unpin + Sized {
    type Values;
    type Outcomes;
    /// What waits for them.
    type Wait: Unpin;

    /// How many are left.
    fn count(&self) -> usize;

    /// Shows each task that is left to `f`, in order, for as long as that says so.
    fn visit(&mut self, f: &mut dyn FnMut(&mut dyn Member) -> bool);

    /// What ends when all are done, or one that `decides` it.
    fn wait(&mut self, decides: fn(Settled) -> bool) -> Self::Wait;

    /// Ready at that end, with the place of the task that decided, among those that
    /// are left.
    fn poll(&mut self, wait: &mut Self::Wait, context: &mut Context<'_>) -> Poll<Option<usize>>;

    /// Takes the values of tasks that are all done.
    fn into_values(self) -> Result<Self::Values, TaskError>;

    /// Takes the outcomes of tasks that are all done.
    fn into_outcomes(self) -> Self::Outcomes;

    fn list(&self, list: &mut fmt::DebugList<'_, '_>);
}

/// A task of a set, whatever its type.
#[doc(hidden)]
pub trait Member: sealed::Sealed {
    fn id(&self) -> TaskId;
    fn watch(&mut self, countdown: &mut Countdown, place: usize);
    /// Cancels it, unless it is done. Nobody needs to look at its error.
    #[allow(private_interfaces, reason = "only who is in this crate has a member")]
    fn cancel(&self) -> Rest;
    fn ignore_error(&self);
    fn take_error(&mut self) -> Option<TaskError>;
}

mod sealed {
    #[allow(unnameable_types, reason = "that is what keeps others out")]
    pub trait Sealed {}
}

impl<T: Send + 'static> sealed::Sealed for Task<T> {}

impl<T: Send + 'static> Member for Task<T> {
    fn id(&self) -> TaskId {
        Task::id(self)
    }

    fn watch(&mut self, countdown: &mut Countdown, place: usize) {
        countdown.watch(self, place);
    }

    #[allow(private_interfaces, reason = "only who is in this crate has a member")]
    fn cancel(&self) -> Rest {
        self.ignore_error();
        cancel(&self.reference())
    }

    fn ignore_error(&self) {
        Task::ignore_error(self);
    }

    fn take_error(&mut self) -> Option<TaskError> {
        self.try_result().err()
    }
}
