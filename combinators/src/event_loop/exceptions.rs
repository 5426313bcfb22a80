//! [`ExceptionContext`]: what goes wrong on a loop where nobody could be told.

use executor_core::panic::PanicReport;
use executor_core::{TaskError, TaskRef, say};
use std::fmt;

/// What an event loop tells its exception handler.
///
/// Set one with [`Handle::set_exception_handler`](crate::Handle::set_exception_handler).
#[derive(Clone, Debug)]
pub struct ExceptionContext {
    message: &'static str,
    task: Option<TaskRef>,
    panic: Option<PanicReport>,
    error: Option<TaskError>,
}

impl ExceptionContext {
    pub(crate) fn new(message: &'static str) -> Self {
        Self {
            message,
            task: None,
            panic: None,
            error: None,
        }
    }

    pub(crate) fn task(mut self, task: &TaskRef) -> Self {
        self.task = Some(task.clone());
        self
    }

    pub(crate) fn panic(mut self, report: PanicReport) -> Self {
        self.panic = Some(report);
        self
    }

    pub(crate) fn error(mut self, error: &TaskError) -> Self {
        self.error = Some(error.clone());
        self
    }

    /// What happened.
    pub fn message(&self) -> &str {
        self.message
    }

    /// The task that it happened to, if it was one.
    pub fn task_ref(&self) -> Option<&TaskRef> {
        self.task.as_ref()
    }

    /// The panic, if it was one.
    pub fn panic_report(&self) -> Option<&PanicReport> {
        self.panic.as_ref()
    }

    /// The error that the task ended with, if that is what it is about.
    pub fn task_error(&self) -> Option<&TaskError> {
        self.error.as_ref()
    }

    /// Reports it through `tracing`, as is done where there is no handler.
    pub fn report(&self) {
        say!(error, "{self}");
    }
}

impl fmt::Display for ExceptionContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)?;
        if let Some(task) = &self.task {
            write!(f, " ({task:?})")?;
        }
        if let Some(panic) = &self.panic {
            write!(f, ": {panic}")?;
        }
        if let Some(error) = &self.error {
            write!(f, ": {error}")?;
        }
        Ok(())
    }
}
