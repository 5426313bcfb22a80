//! A seat: the place of one worker in the pool, kept by one supervisor thread.
//!
//! The process in it changes; the seat and its thread stay for as long as there
//! is use for a worker.

use crate::flight::Flight;
use crate::process::Process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
pub(crate) struct Seat {
    /// Tells the seats of a pool apart.
    pub(crate) number: usize,
    thread: OnceLock<Thread>,
    woken: AtomicBool,
    /// Whether its supervisor is calling code that is not ours, which may block.
    resolving: AtomicBool,
    occupant: Mutex<Option<Occupant>>,
}

/// The worker of the moment.
#[derive(Clone, Debug)]
pub(crate) struct Occupant {
    pub(crate) process: Arc<Process>,
    /// `None` until it has said hello.
    pub(crate) flight: Option<Arc<Flight>>,
}

impl Seat {
    pub(crate) fn new(number: usize) -> Self {
        Self {
            number,
            ..Self::default()
        }
    }

    /// Called by the supervisor, first thing on its thread.
    pub(crate) fn take(&self) {
        let _ = self.thread.set(std::thread::current());
    }

    pub(crate) fn set_resolving(&self, resolving: bool) {
        self.resolving.store(resolving, Ordering::Release);
    }

    pub(crate) fn is_resolving(&self) -> bool {
        self.resolving.load(Ordering::Acquire)
    }

    /// Wakes the supervisor, now or when it next goes to sleep.
    pub(crate) fn wake(&self) {
        self.woken.store(true, Ordering::Release);
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// Sleeps until it is woken, but no longer than `limit`. False if it was not
    /// woken. Called by the supervisor alone.
    pub(crate) fn sleep(&self, limit: Option<Duration>) -> bool {
        let until = limit.and_then(|limit| Instant::now().checked_add(limit));
        while !self.woken.swap(false, Ordering::Acquire) {
            match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => std::thread::park(),
                Some(Duration::ZERO) => return false,
                Some(left) => std::thread::park_timeout(left),
            }
        }
        true
    }

    /// The jobs of the worker of the moment, once it has said hello.
    pub(crate) fn flight(&self) -> Option<Arc<Flight>> {
        self.slot().as_ref()?.flight.clone()
    }

    pub(crate) fn occupant(&self) -> Option<Occupant> {
        self.slot().clone()
    }

    pub(crate) fn seat(&self, occupant: Option<Occupant>) {
        let former = std::mem::replace(&mut *self.slot(), occupant);
        drop(former);
    }

    fn slot(&self) -> MutexGuard<'_, Option<Occupant>> {
        self.occupant.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
