//! Who wants to hear of tasks that fail, whichever they are: one list for the
//! whole process.
//!
//! Somebody who waits for 100,000 tasks is interested in each of them only should
//! it fail. To say so to each costs as much as the waiting; failures are few. So
//! it is they who look whether anybody listens.
//!
//! # Protocol
//!
//! A [`Listener`] knows tasks by the addresses of their cells, and hears of
//! failures that lie between the least and the greatest of them, in the order in
//! which they come. They may be somebody else's: it looks whether it knows the
//! addresses.
//!
//! * *Listen*: put the listener on the list and count it, **then** look at the
//!   tasks;
//! * *Fail*: move the cell to `DONE`, **then** look at the count; if it is not
//!   zero, take the lock of the list and tell those who are on it.
//!
//! Between the two steps of either stands a fence, so one of the two sees the
//! other: who listens finds the task failed, or the task finds who listens. As an
//! address is told when its cell is done, and those that are waited for are kept
//! by their handles, no two cells are mistaken for each other.
//!
//! A waker is foreign code: it is woken outside the lock, and contained. The models
//! in `watch/loom/in_order.rs` check this.

use super::{Settled, Watcher, waker_slot::WakerSlot};
use crate::panic::contain;
use crate::sync::{AtomicUsize, Mutex, fence, lock};
use std::ops::{Deref, RangeInclusive};
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

/// So many failures are kept in mind until the listener looks: enough for whoever
/// hears of strangers, and then of its own, to know which of these was the first.
const MOST: usize = 32;

struct Failures {
    count: AtomicUsize,
    listeners: Mutex<Vec<Arc<Listener>>>,
}

crate::sync::process_wide! {
    static FAILURES: Failures = Failures {
        count: AtomicUsize::new(0),
        listeners: Mutex::new(Vec::new()),
    };
}

/// Which ends of a task it is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) errors: bool,
    pub(super) cancellations: bool,
}

impl Wanted {
    pub(super) fn is_anything(self) -> bool {
        self.errors || self.cancellations
    }

    fn is(self, settled: Settled) -> bool {
        match settled {
            Settled::Value => false,
            Settled::Error => self.errors,
            Settled::Cancelled => self.cancellations,
        }
    }
}

/// Who is told: it has one waker, for failures and for the tasks that it watches.
pub(super) struct Listener {
    wanted: Wanted,
    among: RangeInclusive<usize>,
    /// How many have failed, so that to look costs no lock while none has.
    count: AtomicUsize,
    /// The addresses of the first that failed, in order.
    heard: Mutex<Vec<usize>>,
    pub(super) waker: WakerSlot,
}

impl Listener {
    /// The addresses of the cells that failed, in the order in which they did.
    pub(super) fn heard(&self) -> Vec<usize> {
        match self.count.load(Acquire) {
            0 => Vec::new(),
            _ => lock(&self.heard).clone(),
        }
    }

    /// True if this is the first that it hears of.
    fn hear(&self, cell: usize, settled: Settled) -> bool {
        if !self.wanted.is(settled) || !self.among.contains(&cell) {
            return false;
        }
        let mut heard = lock(&self.heard);
        if heard.len() < MOST {
            heard.push(cell);
            self.count.store(heard.len(), Release);
        }
        heard.len() == 1
    }
}

impl Watcher for Listener {
    fn settled(&self, _token: usize, _settled: Settled) {
        self.waker.wake();
    }
}

/// A [`Listener`] that is on the list until this is dropped.
pub(super) struct Listening(Arc<Listener>);

impl Listening {
    /// From now on it hears of failures, or of nothing if it wants nothing.
    pub(super) fn new(wanted: Wanted, among: RangeInclusive<usize>) -> Self {
        let listener = Arc::new(Listener {
            wanted,
            among,
            count: AtomicUsize::new(0),
            heard: Mutex::new(Vec::new()),
            waker: WakerSlot::new(),
        });
        let this = Self(listener);
        if wanted.is_anything() {
            let mut listeners = lock(&FAILURES.listeners);
            listeners.push(this.0.clone());
            FAILURES.count.store(listeners.len(), Relaxed);
            drop(listeners);
            fence(SeqCst);
        }
        this
    }

    pub(super) fn watcher(&self) -> Arc<dyn Watcher> {
        self.0.clone()
    }
}

impl Deref for Listening {
    type Target = Listener;

    fn deref(&self) -> &Listener {
        &self.0
    }
}

impl Drop for Listening {
    /// Those who keep it have nobody to wake from now on.
    fn drop(&mut self) {
        if self.wanted.is_anything() {
            let mut listeners = lock(&FAILURES.listeners);
            listeners.retain(|listener| !Arc::ptr_eq(listener, &self.0));
            FAILURES.count.store(listeners.len(), Relaxed);
        }
        self.0.waker.clear();
    }
}

/// Tells who listens that the task whose cell stands there has ended otherwise than
/// with a value. To be called once it is done.
#[cold]
pub(crate) fn tell(cell: usize, settled: Settled) {
    fence(SeqCst);
    if FAILURES.count.load(Relaxed) == 0 {
        return;
    }
    let hears = |listener: &&Arc<Listener>| listener.hear(cell, settled);
    let told: Vec<_> = lock(&FAILURES.listeners)
        .iter()
        .filter(hears)
        .cloned()
        .collect();
    for listener in told {
        contain("a waker panicked", || listener.waker.wake());
    }
}
