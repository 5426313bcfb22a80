//! [`Shelf`]: what a chunk and its map share while the chunk runs.
//!
//! The results stand in a [list](crate::partial::published) that the map reads while
//! it is written. Whoever writes does not know whether the map waits: so the
//! [pulse](crate::partial::pulse) looks about once a millisecond, and rings the bell if
//! there is something that the map has not seen.
//!
//! # The bell
//!
//! It rings once until the map has looked (`rung`), and not for what the map has seen
//! (`seen`). The map leaves its waker, **then** looks at the list, **then** sleeps;
//! whoever rings has seen a longer list. One that rings too early, because the map is
//! not there yet, leaves `rung`, and the map finds the results by itself. Should a ring
//! come between two looks of the pulse, the next look makes up for it. And the end of
//! the chunk's task wakes the map in any case.

use super::items::Left;
use super::records;
use crate::panic::{PanicReport, contain};
use crate::partial::published::{Count, Writer};
use crate::partial::pulse::Pulse;
use crate::partial::{Intake, lock};
use crate::timer;
use crate::watch::{Settled, Watcher};
use serde::de::DeserializeOwned;
use std::any::type_name;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What became of one input of a chunk. The fault is boxed, lest each result be as long.
pub(super) type Finished<R> = Result<R, Box<Fault>>;

/// Why an input of a chunk has no result.
#[derive(Debug)]
pub(super) enum Fault {
    Panicked(PanicReport),
    /// The result could not be encoded.
    Unencoded(String),
}

pub(super) struct Shelf<A, R: Send> {
    results: Count<Finished<R>>,
    /// `None` while whoever fills it has it, and when the chunk is over.
    open: Mutex<Option<Writer<Finished<R>>>>,
    bell: Mutex<Bell>,
    /// Inputs that were not begun, or may be begun again: whoever takes one has it.
    rest: Mutex<Left<A>>,
    /// The map is gone.
    abandoned: AtomicBool,
}

/// Who is told that there are results.
#[derive(Default)]
struct Bell {
    to: Option<(Arc<dyn Watcher>, usize)>,
    seen: usize,
    rung: bool,
}

impl<A, R: Send> Shelf<A, R> {
    pub(super) fn new(results: Writer<Finished<R>>) -> Self {
        Self {
            results: results.count(),
            open: Mutex::new(Some(results)),
            bell: Mutex::default(),
            rest: Mutex::new(Left::of(Vec::new())),
            abandoned: AtomicBool::new(false),
        }
    }

    /// How many inputs have their results.
    pub(super) fn finished(&self) -> usize {
        self.results.get()
    }

    // ----- whoever runs the chunk -----

    /// What the results are written to: once.
    pub(super) fn open(&self) -> Option<Writer<Finished<R>>> {
        lock(&self.open).take()
    }

    /// Keeps inputs for whoever wants them.
    pub(super) fn keep(&self, inputs: Left<A>) {
        let former = std::mem::replace(&mut *lock(&self.rest), inputs);
        drop(former);
    }

    /// The next input to begin with.
    pub(super) fn next(&self) -> Option<A> {
        lock(&self.rest).next()
    }

    /// Nobody wants the results.
    pub(super) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Relaxed)
    }

    /// Tells the map, if it waits, of what it has not seen.
    pub(super) fn ring(&self) {
        if let Some(to) = self.bell_to_ring() {
            tell(to);
        }
    }

    fn bell_to_ring(&self) -> Option<(Arc<dyn Watcher>, usize)> {
        let mut bell = lock(&self.bell);
        if bell.rung || bell.to.is_none() || self.finished() <= bell.seen {
            return None;
        }
        bell.rung = true;
        bell.to.clone()
    }

    // ----- the map -----

    /// From now on `watcher` is told, with `token`.
    pub(super) fn ring_for(&self, watcher: Arc<dyn Watcher>, token: usize) {
        let former = lock(&self.bell).to.replace((watcher, token));
        drop(former);
    }

    /// The map has seen so many results.
    pub(super) fn seen(&self, results: usize) {
        let mut bell = lock(&self.bell);
        (bell.seen, bell.rung) = (results, false);
    }

    /// Takes the inputs that may be submitted anew.
    pub(super) fn take_rest(&self) -> Left<A> {
        std::mem::replace(&mut *lock(&self.rest), Left::of(Vec::new()))
    }

    /// Nobody wants the results from now on.
    pub(super) fn abandon(&self) {
        self.abandoned.store(true, Relaxed);
        let former = lock(&self.bell).to.take();
        drop(former);
    }
}

impl<A, R: DeserializeOwned + Send> Shelf<A, R> {
    /// Adds results from another process.
    pub(super) fn add(&self, records: &[u8]) -> Result<(), String> {
        // Out of the lock, since a `Deserialize` may do anything.
        let results = self.open();
        let mut results = results.ok_or("it is over, or another part of it was garbled")?;
        let added = records::read(records, &mut results);
        lock(&self.open).replace(results);
        added
    }
}

impl<A: Send, R: DeserializeOwned + Send> Intake for Shelf<A, R> {
    fn take_in(&self, part: &[u8]) -> Result<(), String> {
        let added = self.add(part);
        self.ring();
        added.map_err(|why| format!("results of type `{}`: {why}", type_name::<R>()))
    }
}

/// Calls foreign code: a waker.
fn tell((watcher, token): (Arc<dyn Watcher>, usize)) {
    contain("a waker panicked", move || {
        watcher.settled(token, Settled::Value)
    });
}

impl<A: Send, R: Send> Pulse for Shelf<A, R> {
    fn pulse(self: Arc<Self>) -> bool {
        let Some(to) = self.bell_to_ring() else {
            return false;
        };
        // A waker may block: the clock has other threads for when it does.
        timer::after(Duration::ZERO, move || tell(to)).detach();
        true
    }
}
