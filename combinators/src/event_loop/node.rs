//! [`Node`]: a coroutine of an event loop, and its own waker.
//!
//! `woken` says that it stands in the queue, where it must not stand twice. A
//! poll clears it *first*: whoever wakes the coroutine during the poll queues it
//! again, for the next round. The routine is taken out of its slot for the poll,
//! so that no lock is held; only the thread that runs the loop does that.

use super::ready::Ready;
use super::shared::Shared;
use crate::coroutine::Routine;
use executor_core::TaskRef;
use executor_core::panic::{catch, discard};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Wake, Waker};

type Slot = Option<Box<dyn Routine + Send>>;

pub(super) struct Node {
    home: Weak<Shared>,
    pub(super) task: TaskRef,
    routine: Mutex<Slot>,
    woken: AtomicBool,
}

impl Node {
    /// It counts as woken: whoever makes it queues it.
    pub(super) fn new(
        home: &Arc<Shared>,
        task: TaskRef,
        routine: Box<dyn Routine + Send>,
    ) -> Arc<Self> {
        Arc::new(Self {
            home: Arc::downgrade(home),
            task,
            routine: Mutex::new(Some(routine)),
            woken: AtomicBool::new(true),
        })
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.routine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One poll. True if it is done.
    pub(super) fn step(self: &Arc<Self>) -> bool {
        // Acquires what was written before it was woken.
        self.woken.swap(false, Ordering::AcqRel);
        let Some(mut routine) = self.slot().take() else {
            return true;
        };
        let waker = Waker::from(self.clone());
        // The routine contains the user's panics; those of a waker it clones are
        // contained here.
        let polled = catch(|| routine.drive(&mut Context::from_waker(&waker)));
        let pending = polled.is_ok_and(|polled| polled.is_pending());
        if pending {
            *self.slot() = Some(routine);
        } else {
            discard(routine);
        }
        !pending
    }

    /// Drops the future, and resolves the task as cancelled.
    pub(super) fn abandon(&self, why: &str) {
        let routine = self.slot().take();
        if let Some(mut routine) = routine {
            let _ = catch(|| routine.abandon(why));
            discard(routine);
        }
    }
}

impl Wake for Node {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // A swap even if it is set: a mere load could miss that a poll has begun,
        // and that poll what the waker was called for.
        if !self.woken.swap(true, Ordering::AcqRel)
            && let Some(home) = self.home.upgrade()
        {
            home.push(Ready::Node(self.clone()));
        }
    }
}
