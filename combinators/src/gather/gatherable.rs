//! [`Gatherable`]: what can be gathered.
//!
//! An iterator and a tuple are told apart by a marker, which keeps the two
//! implementations from overlapping and which the compiler finds by itself: no
//! tuple is an iterator.

use crate::ensure_future::ensure_future;
use crate::set::TaskSet;
use executor_core::{BoxError, Task};
use std::future::Future;

/// What [`gather`](crate::gather) takes: an iterator of tasks and coroutines of
/// one type, or a tuple of up to twelve of different types.
///
/// A task is a [`Task`] of any executor. A coroutine is any other future whose
/// output is a `Result`, that is `Send` and borrows nothing. `M` is found by the
/// compiler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be gathered",
    label = "neither an iterator nor a tuple of tasks and coroutines",
    note = "give an array, a vector or another iterator, or a tuple of up to twelve",
    note = "each a `Task`, or a future of a `Result` that is `Send` and borrows nothing"
)]
pub trait Gatherable<M> {
    /// The tasks that they are, or that drive them.
    type Tasks: TaskSet;

    /// Starts what is not started, and gives the tasks.
    fn start(self) -> Self::Tasks;
}

/// Marks iterators, for [`Gatherable`].
#[derive(Debug)]
pub enum Each {}

/// Marks tuples, for [`Gatherable`].
#[derive(Debug)]
pub enum Mixed {}

impl<I, T, E> Gatherable<Each> for I
where
    I: IntoIterator,
    I::Item: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Into<BoxError>,
{
    type Tasks = Vec<Task<T>>;

    fn start(self) -> Vec<Task<T>> {
        self.into_iter().map(ensure_future).collect()
    }
}
