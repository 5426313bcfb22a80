//! [`Ledger`]: what all clients share: numbers, callbacks, and how often each
//! job may have begun.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How often a job's function may have begun, at the least and at the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Runs(pub u8, pub u8);

/// What all clients share.
#[derive(Debug)]
pub struct Ledger {
    /// By the jobs' numbers; the first stands for no job.
    runs: Mutex<Vec<Runs>>,
    /// How many done callbacks were called.
    pub called: AtomicU64,
    /// How many were called with a value.
    pub done: AtomicU64,
    /// How many were called for a job that had had its call.
    pub called_twice: AtomicU64,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            runs: Mutex::new(vec![Runs(0, 0)]),
            called: AtomicU64::new(0),
            done: AtomicU64::new(0),
            called_twice: AtomicU64::new(0),
        }
    }
}

impl Ledger {
    fn lock(&self) -> MutexGuard<'_, Vec<Runs>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of a new job.
    pub fn number(&self) -> u64 {
        let mut runs = self.lock();
        runs.push(Runs(0, u8::MAX));
        runs.len() as u64 - 1
    }

    /// Notes how often a job may have begun.
    pub fn expect(&self, number: u64, runs: Runs) {
        if let Some(entry) = self.lock().get_mut(number as usize) {
            *entry = runs;
        }
    }

    /// How many jobs there are, counting the one that is none.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Never: see [`len`](Self::len).
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// The jobs that began more or less often than they may have.
    pub fn compare(&self, begun: &[u8]) -> Vec<String> {
        let runs = self.lock();
        let pairs = runs.iter().zip(begun).enumerate().skip(1);
        pairs
            .filter(|(_, (Runs(least, most), times))| !(least..=most).contains(times))
            .map(|(number, (Runs(least, most), times))| {
                format!("job {number} began {times} times, not {least} to {most} times")
            })
            .collect()
    }
}

/// Bytes that may be in flight.
#[derive(Debug)]
pub struct Budget(AtomicU64);

impl Budget {
    /// So many bytes.
    pub fn new(bytes: u64) -> Self {
        Self(AtomicU64::new(bytes))
    }

    /// Takes some, if there are so many.
    pub fn take(&self, bytes: u64) -> bool {
        let less = |left: u64| left.checked_sub(bytes);
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok()
    }

    /// Gives them back.
    pub fn give(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}
