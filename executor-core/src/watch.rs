//! Being told, cheaply, when one of many tasks is done.
//!
//! [`Countdown`] answers when all of them are, or a deciding one; [`Completions`]
//! which one is next. Each registers one watcher with all its tasks, so that a
//! completion costs the same however many others there are. [`InOrder`] does what
//! `Countdown` does for many tasks of one type, of which it waits for one at a time.

mod completions;
mod countdown;
pub(crate) mod failures;
mod in_order;
#[cfg(all(test, loom))]
mod loom;
mod waker_slot;

pub use self::completions::Completions;
pub use self::countdown::Countdown;
pub use self::in_order::{InOrder, Progress};
pub(crate) use self::waker_slot::WakerSlot;

use crate::error::TaskError;

/// How a task ended, without its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Settled {
    /// It has a value.
    Value,
    /// It has an error other than a cancellation.
    Error,
    /// It was cancelled.
    Cancelled,
}

impl Settled {
    pub(crate) fn of<T>(outcome: &Result<T, TaskError>) -> Self {
        match outcome {
            Ok(_) => Self::Value,
            Err(error) if error.is_cancelled() => Self::Cancelled,
            Err(_) => Self::Error,
        }
    }
}

/// Somebody who waits for a group of tasks.
///
/// A combinator registers one watcher with all its tasks, through
/// [`Task::watch`](crate::Task::watch), and is told of each of them once: so it
/// need not poll the others to learn which one it was.
pub trait Watcher: Send + Sync {
    /// The task that was registered with this `token` is done.
    ///
    /// Called on the thread that resolved the task, under no lock. It must not
    /// block; a panic in it is reported and contained.
    fn settled(&self, token: usize, settled: Settled);

    /// Whoever waits for what this stands for is to look again: see
    /// [`TaskRef::nudge`](crate::TaskRef::nudge). The task is not done.
    ///
    /// Unless it is overridden, nobody is told.
    fn nudged(&self, token: usize) {
        let _ = token;
    }
}
