//! A vector of tasks of one type, of which there may be very many.

use super::{Member, TaskSet, WaitedSet, sealed::Sealed};
use executor_core::panic::discard;
use executor_core::{InOrder, Progress, Settled, Task, TaskError};
use std::fmt;
use std::task::{Context, Poll, ready};
use std::vec::IntoIter;

impl<T: Send + 'static> Sealed for Vec<Task<T>> {}

impl<T: Send + 'static> TaskSet for Vec<Task<T>> {
    type Values = Vec<T>;
    type Outcomes = Vec<Result<T, TaskError>>;
    type Waited = Many<T>;

    fn into_waited(self) -> Many<T> {
        Many {
            values: Vec::new(),
            left: self.into_iter(),
            passed: 0,
        }
    }
}

/// Values are taken while the wait goes on, and the memory of their tasks with them,
/// as far as those at the front are done.
#[doc(hidden)]
#[derive(Debug)]
pub struct Many<T: Send + 'static> {
    values: Vec<T>,
    left: IntoIter<Task<T>>,
    /// So many of those that are left are known to be done. The first of them has no
    /// value, which stays with its task until somebody asks for it.
    passed: usize,
}

// The values are moved, never pinned.
impl<T: Send + 'static> Unpin for Many<T> {}

impl<T: Send + 'static> Many<T> {
    /// Takes the values at the front, and says how many there were.
    fn take_values(&mut self) -> usize {
        let before = self.values.len();
        while self.passed == 0
            && let Some(first) = self.left.as_mut_slice().first_mut()
            && let Some(value) = first.take_value()
        {
            if self.values.is_empty() {
                self.values.reserve_exact(self.left.len());
            }
            self.values.push(value);
            drop(self.left.next());
        }
        self.values.len() - before
    }
}

impl<T: Send + 'static> Sealed for Many<T> {}

impl<T: Send + 'static> WaitedSet for Many<T> {
    type Values = Vec<T>;
    type Outcomes = Vec<Result<T, TaskError>>;
    type Wait = InOrder;

    fn count(&self) -> usize {
        self.left.len()
    }

    fn visit(&mut self, f: &mut dyn FnMut(&mut dyn Member) -> bool) {
        for task in self.left.as_mut_slice() {
            if !f(task) {
                return;
            }
        }
    }

    fn wait(&mut self, decides: fn(Settled) -> bool) -> InOrder {
        InOrder::new(decides)
    }

    fn poll(&mut self, in_order: &mut InOrder, context: &mut Context<'_>) -> Poll<Option<usize>> {
        let mut done = 0;
        loop {
            // What is done and has no value comes first from now on.
            self.passed += done - self.take_values().min(done);
            let rest = &mut self.left.as_mut_slice()[self.passed..];
            done = match ready!(in_order.poll(rest, context)) {
                Progress::Decided(place) => return Poll::Ready(Some(self.passed + place)),
                Progress::Done(0) => return Poll::Ready(None),
                Progress::Done(done) => done,
            };
        }
    }

    fn into_values(mut self) -> Result<Vec<T>, TaskError> {
        for mut task in self.left.by_ref() {
            self.values.push(task.try_result()?);
        }
        Ok(std::mem::take(&mut self.values))
    }

    fn into_outcomes(mut self) -> Vec<Result<T, TaskError>> {
        let left = std::mem::take(&mut self.left);
        let left = left.map(|mut task| task.try_result());
        let values = std::mem::take(&mut self.values);
        values.into_iter().map(Ok).chain(left).collect()
    }

    fn list(&self, list: &mut fmt::DebugList<'_, '_>) {
        list.entries(self.left.as_slice());
    }
}

impl<T: Send + 'static> Drop for Many<T> {
    /// One by one, since a drop of the user's may panic.
    fn drop(&mut self) {
        self.values.drain(..).for_each(discard);
    }
}
