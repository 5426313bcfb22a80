//! [`Promise`]: a task that is resolved by hand.
//!
//! The executor's side of tasks that are not jobs: coroutines, the end of a
//! shutdown, the work of executors that keep their own jobs.

use crate::cell::{Cell, Stage};
use crate::control::Control;
use crate::error::TaskError;
use crate::job::{JobOptions, Shared};
use crate::panic::discard;
use crate::task::{Meta, Task, TaskId, TaskRef};
use std::fmt;
use std::sync::Arc;

/// The right to resolve a [`Task`], once.
///
/// Dropping it unresolved fails the task, so that nobody waits for ever.
#[must_use = "a promise that is dropped fails its task"]
pub struct Promise<T: Send + 'static>(Option<Arc<Shared<(), T>>>);

/// A task, and the right to resolve it. It cannot be cancelled.
///
/// Without a name, which is to say with the name `""`, it takes less memory.
///
/// ```
/// let (promise, task) = executor_core::promise("answer");
/// std::thread::spawn(move || promise.resolve(Ok(42)));
/// assert_eq!(task.wait().unwrap(), 42);
/// ```
pub fn promise<T: Send + 'static>(name: impl Into<String>) -> (Promise<T>, Task<T>) {
    make(Meta::new(|| "promise", named(name)), None)
}

/// A task that can be cancelled through `control`, with this `ticket`.
pub fn promise_with<T: Send + 'static>(
    name: impl Into<String>,
    control: Arc<dyn Control>,
    ticket: u64,
) -> (Promise<T>, Task<T>) {
    make(
        Meta::new(|| "promise", named(name)),
        Some((control, ticket)),
    )
}

fn named(name: impl Into<String>) -> JobOptions {
    JobOptions {
        name: Some(name.into()).filter(|name| !name.is_empty()),
        ..JobOptions::default()
    }
}

pub(crate) fn make<T: Send + 'static>(
    meta: Meta,
    control: Option<(Arc<dyn Control>, u64)>,
) -> (Promise<T>, Task<T>) {
    let cell = Cell::held(control);
    let shared = Arc::new(Shared { meta, cell });
    (Promise(Some(shared.clone())), Task::new(shared))
}

impl<T: Send + 'static> Promise<T> {
    fn shared(&self) -> &Shared<(), T> {
        self.0
            .as_ref()
            .expect("a promise is whole until it is resolved")
    }

    /// The id of the task.
    pub fn id(&self) -> TaskId {
        self.shared().meta.id()
    }

    /// The name of the task.
    pub fn name(&self) -> &str {
        self.shared().meta.name()
    }

    /// Another way to reach the task, which does not own its outcome.
    pub fn reference(&self) -> TaskRef {
        let shared = self.0.as_ref();
        TaskRef::new(
            shared
                .expect("a promise is whole until it is resolved")
                .clone(),
        )
    }

    /// True while the task waits for its outcome.
    pub fn is_pending(&self) -> bool {
        self.shared().cell.stage() == Stage::Held
    }

    /// Resolves the task. Callbacks run here, before this returns.
    pub fn resolve(mut self, outcome: Result<T, TaskError>) {
        self.settle(outcome);
    }

    fn settle(&mut self, outcome: Result<T, TaskError>) {
        if let Some(shared) = self.0.take() {
            let outcome = outcome.map_err(|error| shared.meta.name_it(error));
            discard(shared.cell.resolve(outcome));
            discard(shared);
        }
    }
}

impl<T: Send + 'static> Drop for Promise<T> {
    fn drop(&mut self) {
        // The error is made only if it is needed.
        if self.0.is_some() {
            self.settle(Err(TaskError::cancelled(
                "whoever was to resolve it went away without doing so",
            )));
        }
    }
}

impl<T: Send + 'static> fmt::Debug for Promise<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Promise")
            .field("id", &self.id())
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}
