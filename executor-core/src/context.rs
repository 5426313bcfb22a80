//! Values that follow the work: [`ContextVar`] and [`Context`], Python's
//! `contextvars`.
//!
//! A request id, a user, a trace: such a value is set once, and whatever is
//! started from there, on another thread, in another process or as a coroutine,
//! finds it without its being passed along.
//!
//! * A task is given a **copy** of the context when it is created: by `submit`
//!   (of a [`map`](crate::ExecutorExt::map), when the stream reads the input) or
//!   `create_task`. What is set later does not reach it.
//! * What a task sets is its own. It never leaks back to whoever created the task,
//!   nor to the next job of the same worker. A coroutine keeps its own values
//!   across its awaits.
//! * The current [`tracing`] span goes the same way, and the function runs inside
//!   it.
//!
//! ```
//! use executor_core::{ContextVar, ExecutorExt as _, Inline, TaskError};
//!
//! static USER: ContextVar<String> = ContextVar::new("user");
//!
//! fn greet(_: ()) -> String {
//!     format!("hello, {}", USER.get().unwrap_or_default())
//! }
//!
//! let greeting = USER.scope("ada".to_owned(), || Inline::new().submit(greet, ()));
//! assert_eq!(greeting.wait()?, "hello, ada");
//! assert_eq!(USER.get(), None);
//! # Ok::<(), TaskError>(())
//! ```
//!
//! # Across processes
//!
//! Values are encoded with the job's argument, by name and type, and decoded in the
//! worker when they are first asked for. So two variables of one name and one type
//! are the same variable, and a value that is never asked for costs its bytes and
//! no more. One that cannot be encoded fails the job before it is sent; one that
//! cannot be decoded fails it where the function asks; both errors name the
//! variable.
//!
//! Of the span only name, target and id can cross, since its fields belong to the
//! submitter's subscriber. In the worker the function runs inside a span `job` of
//! level INFO with the fields `task`, `task_id`, `parent`, `parent_target` and
//! `parent_id`. It is seen only if the worker has a subscriber of its own, for
//! instance one that the pool's initializer has installed.
//!
//! # How it is kept
//!
//! A context is one [`Arc`] of a short list, or nothing while no
//! variable is set. Each thread has a current one. Copying it for a task is one
//! increment; setting a variable changes the list in place, or copies it if a task
//! has it as well. A job without context and span carries a null pointer.

mod carried;
mod span;
mod variables;
mod wire;

pub use self::carried::Surroundings;
pub(crate) use self::wire::{Sender, call_apart, call_within};

use self::variables::{Installed, Undecodable, Variables};
use crate::error::TaskError;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// A variable that each task has a copy of, with the value it had where the task
/// was created.
///
/// It is a `static`, and has no value until one is set. Its name goes into errors
/// and, with its type, across process boundaries; keep the names of a program
/// distinct.
///
/// ```
/// use executor_core::ContextVar;
///
/// static DEPTH: ContextVar<u32> = ContextVar::new("depth");
///
/// assert_eq!(DEPTH.set(1), None);
/// DEPTH.scope(2, || assert_eq!(DEPTH.get(), Some(2)));
/// assert_eq!(DEPTH.take(), Some(1));
/// ```
pub struct ContextVar<T> {
    name: &'static str,
    value: PhantomData<fn() -> T>,
}

impl<T> ContextVar<T> {
    /// A variable of this name.
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            value: PhantomData,
        }
    }

    /// The name that it was given.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

impl<T> ContextVar<T>
where
    T: Clone + Send + Sync + Serialize + DeserializeOwned + 'static,
{
    /// The value in the current context.
    ///
    /// # Panics
    /// In a worker process, if what the submitter sent cannot be decoded. The job
    /// then fails as one that could not be decoded, with an error that names the
    /// variable. [`try_get`](Self::try_get) lets the function go on.
    #[track_caller]
    pub fn get(&self) -> Option<T> {
        match self.read() {
            Ok(value) => value,
            Err(fault) => fault.raise(),
        }
    }

    /// The value in the current context, or why it cannot be had.
    ///
    /// # Errors
    /// An error of the kind [`Decode`](crate::TaskErrorKind::Decode): in a worker
    /// process, if what the submitter sent cannot be decoded.
    pub fn try_get(&self) -> Result<Option<T>, TaskError> {
        self.read().map_err(Undecodable::into_error)
    }

    /// Sets the value in the current context, and gives the former one.
    ///
    /// # Panics
    /// As [`get`](Self::get), over the former value.
    #[track_caller]
    pub fn set(&self, value: T) -> Option<T> {
        let former = self.get();
        self.change(Some(value));
        former
    }

    /// Leaves the variable without a value in the current context, and gives the
    /// one it had.
    ///
    /// # Panics
    /// As [`get`](Self::get).
    #[track_caller]
    pub fn take(&self) -> Option<T> {
        let former = self.get();
        self.change(None);
        former
    }

    /// Runs `f` with this value, and puts the former one back, also when `f`
    /// panics. What `f` does to other variables stays.
    pub fn scope<R>(&self, value: T, f: impl FnOnce() -> R) -> R {
        let former = variables::current();
        let _restore = Restore {
            variable: self,
            former,
        };
        self.change(Some(value));
        f()
    }

    fn read(&self) -> Result<Option<T>, Undecodable> {
        match variables::current() {
            Some(variables) => variables.read(self.name),
            None => Ok(None),
        }
    }

    fn change(&self, value: Option<T>) {
        variables::update(|variables| variables.write(self.name, value));
    }
}

impl<T> fmt::Debug for ContextVar<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextVar")
            .field("name", &self.name)
            .field("type", &std::any::type_name::<T>())
            .finish()
    }
}

/// Puts a variable back to what it was in `former`, without decoding it.
struct Restore<'a, T: 'static>
where
    T: Clone + Send + Sync + Serialize + DeserializeOwned,
{
    variable: &'a ContextVar<T>,
    former: Option<Arc<Variables>>,
}

impl<T> Drop for Restore<'_, T>
where
    T: Clone + Send + Sync + Serialize + DeserializeOwned,
{
    fn drop(&mut self) {
        let former = self.former.take();
        let name = self.variable.name;
        variables::update(|variables| variables.copy::<T>(name, former.as_deref()));
    }
}

/// All variables with their values at one moment.
///
/// A snapshot never changes. Taking and cloning one is an increment.
///
/// ```
/// use executor_core::{Context, ContextVar};
///
/// static USER: ContextVar<String> = ContextVar::new("user");
///
/// let before = Context::current();
/// USER.set("ada".to_owned());
/// assert_eq!(before.run(|| USER.get()), None);
/// let seen = std::thread::spawn({
///     let context = Context::current();
///     move || context.run(|| USER.get())
/// });
/// assert_eq!(seen.join().unwrap().as_deref(), Some("ada"));
/// ```
#[derive(Clone, Default)]
pub struct Context(Option<Arc<Variables>>);

impl Context {
    /// A context in which no variable has a value.
    pub const fn new() -> Self {
        Self(None)
    }

    /// The current context of this thread.
    pub fn current() -> Self {
        Self(variables::current())
    }

    /// True if no variable has a value.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Runs `f` in this context. What `f` sets is forgotten at its end.
    pub fn run<R>(&self, f: impl FnOnce() -> R) -> R {
        let _inside = Installed::new(self.0.clone());
        f()
    }

    /// Runs `f` in this context, which afterwards is as `f` left it.
    ///
    /// For those who drive coroutines: one step of a coroutine goes on in the
    /// context that the last one has left.
    pub fn resume<R>(&mut self, f: impl FnOnce() -> R) -> R {
        let inside = Installed::new(self.0.take());
        let _keep = Keep(&mut self.0, inside);
        f()
    }
}

struct Keep<'a>(&'a mut Option<Arc<Variables>>, Installed);

impl Drop for Keep<'_> {
    fn drop(&mut self) {
        *self.0 = self.1.remove();
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().flat_map(|variables| variables.names());
        f.debug_tuple("Context")
            .field(&names.collect::<Vec<_>>())
            .finish()
    }
}

#[cfg(test)]
mod tests;
