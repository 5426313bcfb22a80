//! [`TaskGroupError`]: all that went wrong in a task group.

use executor_core::TaskError;
use std::error::Error;
use std::fmt;

/// The errors of a task group's children and of its body, in the order in which
/// they came: Python's `ExceptionGroup`.
///
/// There is at least one. `{}` says how many there are, `{:#}` and `{:?}` show
/// them all. The tasks of the children have their errors as well, so that the
/// user's own error is shared: [`TaskError::downcast_ref`] shows it, while
/// [`TaskError::downcast`] works on the last one there is.
///
/// ```
/// use combinators::task_group;
/// use executor_core::TaskError;
/// use std::num::ParseIntError;
///
/// # futures::executor::block_on(async {
/// let error = task_group(async |group| {
///     group.create_task(async { "x".parse::<u8>() }).detach();
///     Ok::<_, TaskError>(())
/// })
/// .await
/// .unwrap_err();
/// assert_eq!(error.to_string(), "unhandled errors in a TaskGroup (1 sub-error)");
/// assert!(error.errors()[0].downcast_ref::<ParseIntError>().is_some());
/// # })
/// ```
#[derive(Clone, Debug)]
pub struct TaskGroupError {
    errors: Vec<TaskError>,
}

impl TaskGroupError {
    pub(super) fn new(errors: Vec<TaskError>) -> Self {
        Self { errors }
    }

    /// The errors, the first of which ended the group.
    pub fn errors(&self) -> &[TaskError] {
        &self.errors
    }

    /// The errors, by value.
    pub fn into_errors(self) -> Vec<TaskError> {
        self.errors
    }

    /// True if nothing failed, but the body ended because what it awaited was
    /// cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.errors.iter().all(TaskError::is_cancelled)
    }
}

impl From<TaskGroupError> for TaskError {
    /// A failure, which [`TaskError::downcast`] turns back; or the cancellation,
    /// if it [is](TaskGroupError::is_cancelled) nothing else.
    fn from(error: TaskGroupError) -> Self {
        match error.errors.first() {
            Some(first) if error.is_cancelled() => first.clone(),
            _ => Self::failed(error),
        }
    }
}

impl fmt::Display for TaskGroupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.errors.len();
        let s = if count == 1 { "" } else { "s" };
        write!(f, "unhandled errors in a TaskGroup ({count} sub-error{s})")?;
        if f.alternate() {
            for error in &self.errors {
                write!(f, "\n  {error:#}")?;
            }
        }
        Ok(())
    }
}

impl Error for TaskGroupError {
    /// The first of the errors.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let first = self.errors.first()?;
        Some(first)
    }
}
