//! [`Home`]: who drives a coroutine.

use crate::event_loop::{ExceptionContext, Shared};
use executor_core::{Promise, TaskError, TaskId, TaskRef};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};

/// Who drives a coroutine, and therefore lists it among its tasks.
pub(crate) enum Home {
    /// The runtime of all the process.
    Runtime,
    /// An event loop, which lists its coroutines by itself.
    Loop(Weak<Shared>),
}

impl Home {
    pub(super) fn list<T: Send + 'static>(&self, promise: &Promise<T>) {
        if let Self::Runtime = self {
            shard(promise.id()).insert(promise.id(), promise.reference());
        }
    }

    pub(super) fn strike(&self, task: &TaskRef) {
        if let Self::Runtime = self {
            let listed = shard(task.id()).remove(&task.id());
            drop(listed);
        }
    }

    /// Marks this thread for as long as the result lives: it polls a coroutine.
    pub(super) fn enter(&self) -> Polling {
        let runtime = matches!(self, Self::Runtime);
        Polling(POLLING.replace(runtime || POLLING.get()))
    }

    /// Why this thread would wait for a coroutine for ever.
    pub(super) fn stuck(&self) -> Option<TaskError> {
        match self {
            Self::Loop(home) => home.upgrade().and_then(|home| home.stuck()),
            Self::Runtime => polls_for_runtime().then(|| {
                TaskError::would_deadlock(
                    "a coroutine blocks a thread of the runtime that drives it, rather than await it",
                )
            }),
        }
    }

    /// A coroutine has ended with an error.
    pub(super) fn failed(&self, task: &TaskRef, error: &TaskError) {
        if let Self::Loop(home) = self
            && let Some(home) = home.upgrade()
        {
            home.failed(task, error);
        }
    }

    pub(super) fn report(&self, context: &ExceptionContext) {
        let home = match self {
            Self::Loop(home) => home.upgrade(),
            Self::Runtime => None,
        };
        match home {
            Some(home) => home.report(context),
            None => context.report(),
        }
    }
}

thread_local! {
    /// A coroutine of the shared runtime is being polled on this thread.
    static POLLING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is one of the shared runtime, inside a coroutine.
pub(crate) fn polls_for_runtime() -> bool {
    POLLING.try_with(Cell::get).unwrap_or(false)
}

pub(super) struct Polling(bool);

impl Drop for Polling {
    fn drop(&mut self) {
        POLLING.set(self.0);
    }
}

/// The coroutines of the shared runtime that are not done. Several lists, since
/// each start and each end is written down by some thread of the runtime.
static LISTS: [Mutex<BTreeMap<TaskId, TaskRef>>; 8] = [const { Mutex::new(BTreeMap::new()) }; 8];

fn shard(id: TaskId) -> MutexGuard<'static, BTreeMap<TaskId, TaskRef>> {
    // Modulo a constant number of lists.
    let place = (id.get() % LISTS.len() as u64) as usize;
    LISTS[place].lock().unwrap_or_else(PoisonError::into_inner)
}

/// The coroutines of the shared runtime that are not done, oldest first.
pub(crate) fn all_shared() -> Vec<TaskRef> {
    let mut all = BTreeMap::new();
    for list in &LISTS {
        let list = list.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(list.iter().map(|(id, task)| (*id, task.clone())));
    }
    all.into_values().filter(|task| !task.is_done()).collect()
}
