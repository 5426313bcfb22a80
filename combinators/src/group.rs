//! [`Group`]: waiting for many tasks at the price of one.
//!
//! All tasks of a group have one watcher, so a completion costs the same however
//! many others there are: nobody is polled to learn who it was.
//!
//! # Protocol
//!
//! Each task is counted exactly once, by whoever learns first that it is done:
//! `Task::watch` says of a task that is done already that it will *not* call the
//! watcher, and then the group counts it itself. To count is to
//!
//! 1. write down the task in `decided_by`, if its end decides the wait and no
//!    other has decided it;
//! 2. take one off `left`;
//! 3. wake the waiter, if 1 or 2 ended the wait.
//!
//! The waiter leaves its waker, **then** looks at `left` and `decided_by`, so it
//! sees an end that it will not be woken for. As 1 comes before 2, nothing is
//! missing from `decided_by` once `left` is zero.

use executor_core::{Settled, Task, Watcher};
use futures::task::AtomicWaker;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

const NOBODY: usize = usize::MAX;

/// Tasks that are waited for together.
pub(crate) struct Group<T: Send + 'static> {
    tasks: Vec<Task<T>>,
    decides: fn(Settled) -> bool,
    /// There is one from the first poll on.
    count: Option<Arc<Count>>,
    ended: bool,
}

impl<T: Send + 'static> Group<T> {
    /// Ends when all tasks are done, or one that `decides` it.
    pub(crate) fn new(tasks: Vec<Task<T>>, decides: fn(Settled) -> bool) -> Self {
        Self {
            tasks,
            decides,
            count: None,
            ended: false,
        }
    }

    /// Ready when the wait has ended, with the place of the task that decided it
    /// if it was not the end of all.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<usize>> {
        let count = match &self.count {
            Some(count) => count,
            None => {
                let count = Arc::new(Count::new(self.tasks.len(), self.decides));
                watch(&mut self.tasks, &count);
                self.count.insert(count)
            }
        };
        count.waker.register(context.waker());
        count.end().map_or(Poll::Pending, Poll::Ready)
    }

    /// The tasks, in the order given, once the wait is over.
    ///
    /// # Panics
    /// When called again: a future was polled after it was ready.
    pub(crate) fn finish(&mut self) -> Vec<Task<T>> {
        assert!(!self.ended, "polled after it was ready");
        self.ended = true;
        self.forget_waker();
        std::mem::take(&mut self.tasks)
    }

    pub(crate) fn tasks(&self) -> &[Task<T>] {
        &self.tasks
    }

    fn forget_waker(&self) {
        if let Some(count) = &self.count {
            count.waker.take();
        }
    }
}

impl<T: Send + 'static> Drop for Group<T> {
    /// The tasks may live on and keep the watcher, but not whoever waited.
    fn drop(&mut self) {
        self.forget_waker();
    }
}

/// Counts the tasks that are done, and has the count told of the others. Stops
/// at one that decides the wait: nothing further matters.
fn watch<T: Send + 'static>(tasks: &mut [Task<T>], count: &Arc<Count>) {
    for (place, task) in tasks.iter_mut().enumerate() {
        // Looked at first, since to watch costs a lock.
        let done = task.settled().or_else(|| {
            let watched = task.watch(count.clone(), place);
            if watched { None } else { task.settled() }
        });
        if let Some(settled) = done {
            count.settled(place, settled);
        }
        if count.decided_by.load(Ordering::Acquire) != NOBODY {
            return;
        }
    }
}

/// What the tasks of a group share.
struct Count {
    left: AtomicUsize,
    decided_by: AtomicUsize,
    decides: fn(Settled) -> bool,
    waker: AtomicWaker,
}

impl Count {
    fn new(tasks: usize, decides: fn(Settled) -> bool) -> Self {
        Self {
            left: AtomicUsize::new(tasks),
            decided_by: AtomicUsize::new(NOBODY),
            decides,
            waker: AtomicWaker::new(),
        }
    }

    /// `None` while the wait goes on.
    fn end(&self) -> Option<Option<usize>> {
        // In this order: see 1 and 2 above.
        let all = self.left.load(Ordering::Acquire) == 0;
        match self.decided_by.load(Ordering::Acquire) {
            NOBODY => all.then_some(None),
            place => Some(Some(place)),
        }
    }
}

impl Watcher for Count {
    fn settled(&self, place: usize, settled: Settled) {
        let decided = (self.decides)(settled)
            && self
                .decided_by
                .compare_exchange(NOBODY, place, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok();
        let last = self.left.fetch_sub(1, Ordering::AcqRel) == 1;
        if decided || last {
            self.waker.wake();
        }
    }
}
