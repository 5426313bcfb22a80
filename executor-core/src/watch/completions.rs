//! [`Completions`]: which task is done next.
//!
//! # Protocol
//!
//! The reader has a queue of its own, which it fills from an inbox that the
//! tasks share. Inbox and waker stand behind one lock:
//!
//! * *a task is done*: put its token into the inbox and take the waker out, then
//!   wake it outside the lock;
//! * *the reader has nothing*: take what is in the inbox, or else leave the waker
//!   there, in one step.
//!
//! So a token that comes later finds the waker, and none that came before is
//! overlooked. A waker is foreign code: it is cloned, woken and dropped outside
//! the lock. The models in `watch/loom.rs` check this.

use super::{Settled, Watcher};
use crate::panic::discard;
use crate::sync::{Mutex, lock};
use crate::task::Task;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// Says which of many tasks are done, in the order in which they complete.
///
/// For those who write combinators: it is what `as_completed` and an unordered
/// map are made of. Tasks are told apart by their *token*, a number that the
/// caller chooses and may use again once it was given back. More may be watched
/// at any time.
///
/// Dropping it leaves the tasks as they are.
///
/// # Cancel safety
/// Waiting for the next one may be given up at any time.
///
/// ```
/// use executor_core::{Completions, promise};
/// use std::future::poll_fn;
///
/// let (first, mut a) = promise::<u8>("a");
/// let (second, mut b) = promise::<u8>("b");
/// let mut completions = Completions::new();
/// completions.watch(&mut a, 10);
/// completions.watch(&mut b, 20);
/// second.resolve(Ok(2));
/// first.resolve(Ok(1));
/// let mut next = || futures::executor::block_on(poll_fn(|cx| completions.poll_next(cx)));
/// assert_eq!((next(), next()), (20, 10));
/// ```
pub struct Completions {
    ready: VecDeque<usize>,
    inbox: Arc<Inbox>,
}

struct Inbox(Mutex<Arrived>);

struct Arrived {
    tokens: VecDeque<usize>,
    waker: Option<Waker>,
}

impl Completions {
    /// Nothing is watched as yet.
    pub fn new() -> Self {
        let arrived = Arrived {
            tokens: VecDeque::new(),
            waker: None,
        };
        Self {
            ready: VecDeque::new(),
            inbox: Arc::new(Inbox(Mutex::new(arrived))),
        }
    }

    /// Gives `token` back when `task` is done: one that is done already comes
    /// before those that complete from now on.
    ///
    /// Whoever waited for the task before is told no more.
    pub fn watch<T: Send + 'static>(&mut self, task: &mut Task<T>, token: usize) {
        // Looked at first, since to watch costs a lock.
        if task.is_done() || !task.watch(self.inbox.clone(), token) {
            self.ready.push_back(token);
        }
    }

    /// Whoever is told of a token, as if a task were done, has it given back here.
    pub(crate) fn watcher(&self) -> Arc<dyn Watcher> {
        self.inbox.clone()
    }

    /// The token of the next task that is done. Pending if none is, and also if
    /// none is watched.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<usize> {
        if self.ready.is_empty() {
            self.inbox.receive(&mut self.ready, context.waker());
        }
        self.ready.pop_front().map_or(Poll::Pending, Poll::Ready)
    }
}

impl Inbox {
    /// Fills `ready`, which is empty, or else leaves `waker`.
    fn receive(&self, ready: &mut VecDeque<usize>, waker: &Waker) {
        let mut arrived = lock(&self.0);
        let known = |registered: &Waker| registered.will_wake(waker);
        if arrived.take(ready) || arrived.waker.as_ref().is_some_and(known) {
            return;
        }
        drop(arrived);
        let next = waker.clone();
        let mut arrived = lock(&self.0);
        let unused = match arrived.take(ready) {
            true => Some(next),
            false => arrived.waker.replace(next),
        };
        drop(arrived);
        discard(unused);
    }
}

impl Arrived {
    /// Moves what has arrived; false if nothing has.
    fn take(&mut self, ready: &mut VecDeque<usize>) -> bool {
        std::mem::swap(ready, &mut self.tokens);
        !ready.is_empty()
    }
}

impl Watcher for Inbox {
    fn settled(&self, token: usize, _settled: Settled) {
        let mut arrived = lock(&self.0);
        arrived.tokens.push_back(token);
        let waker = arrived.waker.take();
        drop(arrived);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Default for Completions {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Completions {
    /// The tasks may live on and keep the inbox, but not whoever waited.
    fn drop(&mut self) {
        let former = lock(&self.inbox.0).waker.take();
        discard(former);
    }
}

impl fmt::Debug for Completions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completions")
            .field("ready", &self.ready)
            .finish_non_exhaustive()
    }
}
