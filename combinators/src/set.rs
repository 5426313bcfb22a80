//! [`TaskSet`]: tasks that are waited for together, alike or of several types.

mod ending;
mod tuple;

pub(crate) use self::ending::{cancel_all, give_up};

use executor_core::{Countdown, Task, TaskError};
use std::fmt;

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

    /// How many there are.
    #[doc(hidden)]
    fn count(&self) -> usize;

    /// Shows each task to `f`, in order, for as long as that says so.
    #[doc(hidden)]
    fn visit(&mut self, f: &mut dyn FnMut(&mut dyn Member) -> bool);

    /// Takes the values of tasks that are all done.
    #[doc(hidden)]
    fn into_values(self) -> Result<Self::Values, TaskError>;

    /// Takes the outcomes of tasks that are all done.
    #[doc(hidden)]
    fn into_outcomes(self) -> Self::Outcomes;

    #[doc(hidden)]
    fn list(&self, list: &mut fmt::DebugList<'_, '_>);
}

/// A task of a set, whatever its type.
#[doc(hidden)]
pub trait Member: sealed::Sealed {
    fn watch(&mut self, countdown: &mut Countdown, place: usize);
    /// Cancels it, unless it is done. Nobody needs to look at its error. True if it
    /// will end for that.
    fn cancel(&self) -> bool;
    fn ignore_error(&self);
    fn take_error(&mut self) -> Option<TaskError>;
}

mod sealed {
    #[allow(unnameable_types, reason = "that is what keeps others out")]
    pub trait Sealed {}
}

impl<T: Send + 'static> sealed::Sealed for Task<T> {}

impl<T: Send + 'static> Member for Task<T> {
    fn watch(&mut self, countdown: &mut Countdown, place: usize) {
        countdown.watch(self, place);
    }

    fn cancel(&self) -> bool {
        self.ignore_error();
        !self.is_done() && Task::cancel(self).took_effect() && !self.is_done()
    }

    fn ignore_error(&self) {
        Task::ignore_error(self);
    }

    fn take_error(&mut self) -> Option<TaskError> {
        self.try_result().err()
    }
}

impl<T: Send + 'static> sealed::Sealed for Vec<Task<T>> {}

impl<T: Send + 'static> TaskSet for Vec<Task<T>> {
    type Values = Vec<T>;
    type Outcomes = Vec<Result<T, TaskError>>;

    fn count(&self) -> usize {
        self.len()
    }

    fn visit(&mut self, f: &mut dyn FnMut(&mut dyn Member) -> bool) {
        for task in self {
            if !f(task) {
                return;
            }
        }
    }

    fn into_values(self) -> Result<Vec<T>, TaskError> {
        self.into_iter().map(|mut task| task.try_result()).collect()
    }

    fn into_outcomes(self) -> Vec<Result<T, TaskError>> {
        self.into_iter().map(|mut task| task.try_result()).collect()
    }

    fn list(&self, list: &mut fmt::DebugList<'_, '_>) {
        list.entries(self);
    }
}
