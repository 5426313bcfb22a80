//! [`CancelToken`]: asking a function that runs to stop.
//!
//! Nothing can stop a function on a thread from outside. A function that wants to
//! be stoppable looks at a token now and then, and ends by itself. The token is
//! either its own, captured by a closure, or the one of its job:
//! [`CancelToken::current`].
//!
//! ```
//! use executor_core::{CancelToken, Cancelled, ExecutorExt as _, Inline};
//!
//! fn count(to: u64) -> Result<u64, Cancelled> {
//!     let token = CancelToken::current();
//!     let mut sum = 0;
//!     for n in 0..to {
//!         token.check()?;
//!         sum += n;
//!     }
//!     Ok(sum)
//! }
//!
//! assert_eq!(Inline::new().submit(count, 10).flatten().wait()?, 45);
//! # Ok::<(), executor_core::TaskError>(())
//! ```
//!
//! # The token of a job
//!
//! | event | the job's token |
//! |---|---|
//! | [`Task::cancel`](crate::Task::cancel), of a running job whose function has asked for it | is cancelled, and the caller is told [`Requested`](crate::CancelOutcome::Requested) |
//! | the same, before the function has asked | the caller is told [`TooLate`](crate::CancelOutcome::TooLate); a function that asks later finds its token cancelled |
//! | the job's time limit passes, on a thread | is cancelled, once the task has resolved as timed out |
//! | [`Shutdown::kill`](crate::Shutdown::kill) of a thread pool, or the deadline of a shutdown | is cancelled |
//! | `cancel` of a coroutine's task | is cancelled, and the coroutine ends at its next await |
//!
//! What the function returns still counts: a value that it returns after all wins,
//! unless the task was resolved by a time limit. `Err(Cancelled)`, through
//! [`Task::flatten`](crate::Task::flatten), makes a task that was cancelled.
//!
//! In a worker process a running job is stopped by ending the process, so there,
//! and outside of any job, the current token is one that nobody cancels.
//!
//! # How it works
//!
//! A token is a node of a tree. Each has a flag, and behind a lock those who wait
//! and, weakly, its children; a child has its parent. *Cancel* sets the flag,
//! **then** takes the lock and takes out whoever is there; *register* takes the
//! lock, **then** reads the flag. So whoever is not taken out sees the flag.
//! Wakers are called when all nodes are marked, under no lock. A child that goes,
//! and a future that is dropped, takes itself off its list: in a token that lives
//! long, nothing piles up.

mod node;
mod waiting;

pub use self::waiting::UntilCancelled;

use self::node::Node;
use crate::current;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A wish to stop, shared by those who may have it and those who heed it.
///
/// Clones are the same token. It is cancelled once and for all; dropping it, or all
/// of its clones, cancels nothing.
///
/// ```
/// use executor_core::CancelToken;
/// use std::time::Duration;
///
/// let token = CancelToken::new();
/// let theirs = token.clone();
/// let worker = std::thread::spawn(move || {
///     let mut rounds = 0;
///     // Sleeps, and is woken early.
///     while !theirs.wait_timeout(Duration::from_millis(1)) {
///         rounds += 1;
///     }
///     rounds
/// });
/// token.cancel();
/// worker.join().unwrap();
/// ```
#[derive(Clone)]
pub struct CancelToken(Arc<Node>);

impl CancelToken {
    /// A token that is not cancelled.
    pub fn new() -> Self {
        Self(Node::new())
    }

    /// The token of the job, or the coroutine, that runs on this thread.
    ///
    /// The [module](self) says who cancels it. Outside of any, and in a worker
    /// process, it is a token that nobody cancels.
    pub fn current() -> Self {
        match current::task() {
            Some(task) => task.token(),
            None => Self::new(),
        }
    }

    /// Cancels this token, and those that were derived from it.
    ///
    /// When the call that does it returns, all their flags are set. Whoever waits is
    /// woken on this thread; a waker that panics is reported through `tracing` and
    /// harms nobody.
    pub fn cancel(&self) {
        node::cancel(&self.0);
    }

    /// True once it, or one that it was derived from, was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Lets a function end with `?`.
    ///
    /// # Errors
    /// [`Cancelled`], if it was.
    pub fn check(&self) -> Result<(), Cancelled> {
        match self.is_cancelled() {
            true => Err(Cancelled(())),
            false => Ok(()),
        }
    }

    /// A token that is cancelled with this one, and may be cancelled by itself
    /// without this one being.
    ///
    /// ```
    /// use executor_core::CancelToken;
    ///
    /// let all = CancelToken::new();
    /// let (one, other) = (all.child(), all.child());
    /// one.cancel();
    /// assert!(!all.is_cancelled() && !other.is_cancelled());
    /// all.cancel();
    /// assert!(other.is_cancelled());
    /// ```
    pub fn child(&self) -> Self {
        Self(Node::child_of(&self.0))
    }

    /// Blocks this thread until the token is cancelled, but no longer than `limit`:
    /// a sleep that can be interrupted. True if it was cancelled.
    ///
    /// Not for asynchronous code, which awaits [`cancelled`](Self::cancelled).
    pub fn wait_timeout(&self, limit: Duration) -> bool {
        self.0.wait_timeout(limit)
    }

    /// Waits until the token is cancelled.
    ///
    /// # Cancel safety
    /// May be given up at any time: the future takes itself off the token.
    ///
    /// ```
    /// use executor_core::CancelToken;
    /// use futures::executor::block_on;
    ///
    /// let token = CancelToken::new();
    /// let theirs = token.clone();
    /// std::thread::spawn(move || theirs.cancel());
    /// block_on(token.cancelled());
    /// ```
    pub fn cancelled(&self) -> UntilCancelled {
        UntilCancelled::new(self.0.clone())
    }
}

impl Default for CancelToken {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelToken")
            .field("cancelled", &self.is_cancelled())
            .finish_non_exhaustive()
    }
}

/// The error of a function that has ended because its token was cancelled.
///
/// [`TaskError::failed`](crate::TaskError::failed), and so
/// [`Task::flatten`](crate::Task::flatten), makes of it an error of the kind
/// [`Cancelled`](crate::TaskErrorKind::Cancelled), also where it is in a box. An
/// error of the user's own that was made from it stays the user's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cancelled(());

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("its token was cancelled")
    }
}

impl std::error::Error for Cancelled {}

thread_local! {
    static PARENT: RefCell<Option<CancelToken>> = const { RefCell::new(None) };
}

/// Makes the tokens of the jobs that run on this thread children of `token`, until
/// it is told otherwise.
///
/// For executors: a pool hands each of its threads the token that it cancels when
/// it is killed, and so reaches all functions that heed theirs, without a list of
/// them.
pub fn set_parent(token: Option<CancelToken>) {
    let _ = PARENT.try_with(|parent| parent.replace(token));
}

/// A token for a job that runs on this thread.
pub(crate) fn for_job() -> CancelToken {
    let parent = PARENT.try_with(|parent| parent.borrow().clone());
    match parent.ok().flatten() {
        Some(parent) => parent.child(),
        None => CancelToken::new(),
    }
}

#[cfg(test)]
mod tests;
