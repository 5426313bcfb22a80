//! [`Countdown`]: until all tasks are done, or one that decides.
//!
//! # Protocol
//!
//! Each task is counted exactly once, by whoever learns first that it is done:
//! `Task::watch` says of a task that is done already that it will *not* call the
//! watcher, and then it is counted where it was to be watched. To count is to
//!
//! 1. write down the task in `decided_by`, if its end decides and no other has
//!    decided before;
//! 2. add one to `done`;
//! 3. wake the waiter, if 1 or 2 was the end.
//!
//! The waiter leaves its waker, **then** looks at `done` and `decided_by`, so it
//! sees an end that it will not be woken for. As 1 comes before 2, and `done` is
//! read first, nothing is missing from `decided_by` once `done` is complete. The
//! models in `watch/loom.rs` check this.

use super::{Settled, Watcher, waker_slot::WakerSlot};
use crate::sync::AtomicUsize;
use crate::task::Task;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use std::task::{Context, Poll};

const NOBODY: usize = usize::MAX;

/// Waits for a number of tasks, or for one whose end decides the wait.
///
/// For those who write combinators: it is what `gather` of a tuple is made of. The
/// tasks may differ in type, and are told apart by their *place*, a number that the
/// caller chooses (other than `usize::MAX`). However many there are, a completion
/// costs two atomic operations, and who waits is woken once. For many tasks of one
/// type, [`InOrder`](super::InOrder) is cheaper.
///
/// Dropping it leaves the tasks as they are.
///
/// # Cancel safety
/// Polling may be given up at any time.
///
/// ```
/// use executor_core::{Countdown, Settled, promise};
/// use std::future::poll_fn;
///
/// let (number, mut one) = promise::<u8>("number");
/// let (text, mut other) = promise::<String>("text");
/// let mut countdown = Countdown::new(2, |settled| settled != Settled::Value);
/// countdown.watch(&mut one, 0);
/// countdown.watch(&mut other, 1);
/// number.resolve(Ok(7));
/// drop(text); // fails its task
/// let decided_by = futures::executor::block_on(poll_fn(|cx| countdown.poll(cx)));
/// assert_eq!(decided_by, Some(1));
/// ```
pub struct Countdown(Arc<Shared>);

struct Shared {
    tasks: usize,
    done: AtomicUsize,
    decided_by: AtomicUsize,
    decides: fn(Settled) -> bool,
    waker: WakerSlot,
}

impl Countdown {
    /// Ends when so many `tasks` are done, or one whose end `decides` it.
    pub fn new(tasks: usize, decides: fn(Settled) -> bool) -> Self {
        Self(Arc::new(Shared {
            tasks,
            done: AtomicUsize::new(0),
            decided_by: AtomicUsize::new(NOBODY),
            decides,
            waker: WakerSlot::new(),
        }))
    }

    /// Counts `task` when it is done, or at once if it is done already.
    ///
    /// Whoever waited for the task before is told no more.
    pub fn watch<T: Send + 'static>(&mut self, task: &mut Task<T>, place: usize) {
        // Looked at first, since to watch costs a lock.
        let done = task.settled().or_else(|| {
            let watched = task.watch(self.0.clone(), place);
            if watched { None } else { task.settled() }
        });
        if let Some(settled) = done {
            self.0.settled(place, settled);
        }
    }

    /// The place of the task that decided the wait, if one has.
    pub fn decided_by(&self) -> Option<usize> {
        let place = self.0.decided_by.load(Acquire);
        (place != NOBODY).then_some(place)
    }

    /// Ready when the wait has ended, and from then on: with the place of the
    /// task that decided it, or `None` if all are done and none has.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<usize>> {
        if let Some(end) = self.end() {
            return Poll::Ready(end);
        }
        self.0.waker.register(context.waker());
        self.end().map_or(Poll::Pending, Poll::Ready)
    }

    /// `None` while the wait goes on.
    fn end(&self) -> Option<Option<usize>> {
        // In this order: see 1 and 2 above.
        let all = self.0.done.load(Acquire) >= self.0.tasks;
        match self.decided_by() {
            None => all.then_some(None),
            place => Some(place),
        }
    }
}

impl Watcher for Shared {
    fn settled(&self, place: usize, settled: Settled) {
        let decided = (self.decides)(settled)
            && self
                .decided_by
                .compare_exchange(NOBODY, place, AcqRel, Relaxed)
                .is_ok();
        let last = self.done.fetch_add(1, AcqRel) + 1 == self.tasks;
        if decided || last {
            self.waker.wake();
        }
    }
}

impl Drop for Countdown {
    /// The tasks may live on and keep the watcher, but not whoever waited.
    fn drop(&mut self) {
        self.0.waker.clear();
    }
}

impl fmt::Debug for Countdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Countdown")
            .field("tasks", &self.0.tasks)
            .field("done", &self.0.done.load(Acquire))
            .field("decided_by", &self.decided_by())
            .finish()
    }
}
