//! Where a job is counted: the ledger of its executor, and the counters of its own.
//!
//! Two flags of the word of state say who counts on the job, and the place says in
//! which ledger (see [`crate::queue`]):
//!
//! * `ENTERED`: it stands in a queue as one that waits. Whoever ends the phase `QUEUED`
//!   ends this in the same operation, so the two agree who it was: a queue that takes
//!   the job out subtracts it from its own count, under its pool's lock, and anybody
//!   else (a cancel, a limit, a refusal) counts it as withdrawn in the ledger.
//! * `ADMITTED`: it was counted by the ledger when it came. It leaves once, and the
//!   place remembers whether it has: when it is withdrawn; or, once it is held, after
//!   its callbacks and before it counts as done; or, if a time limit has resolved it
//!   while the function runs, at the end of the function; or before all that, if its
//!   executor says so.
//!
//! Both are set by the executor's side in the phase `QUEUED`, after the place was
//! written: whoever finds the flag finds the ledger as well.

use super::Cell;
use super::phase::{self, ADMITTED, ENTERED, QUEUED, WRITING, phase};
use crate::deep::deeply;
use crate::error::TaskError;
use crate::panic::discard;
use crate::queue::ledger;
use crate::sync::AtomicU32;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

/// The job is counted as admitted. The other bits of a place are the ledger's number.
const COUNTED: u32 = 1 << 31;

#[derive(Debug)]
pub(super) struct Place(AtomicU32);

impl Default for Place {
    fn default() -> Self {
        Self(AtomicU32::new(0))
    }
}

impl Place {
    fn set(&self, number: u32, counted: u32) {
        self.0.store(number | counted, Relaxed);
    }

    /// The job was in a queue of this ledger, and is not to be run any more.
    pub(super) fn withdraw(&self) {
        ledger::withdraw(self.0.load(Relaxed) & !COUNTED);
    }

    /// The job is over, if it was admitted and has not left before.
    fn leave(&self) {
        if self.0.load(Relaxed) & COUNTED == 0 {
            return;
        }
        let before = self.0.fetch_and(!COUNTED, AcqRel);
        if before & COUNTED != 0 {
            ledger::leave(before & !COUNTED);
        }
    }
}

impl<I, T> Cell<I, T> {
    /// Puts the job into a queue of the ledger with this number: from now on whoever
    /// withdraws it counts it there. False if it was withdrawn before.
    pub(crate) fn enter(&self, number: u32) -> bool {
        // An admitted job is in this ledger already, and may leave it at this moment.
        if self.place.0.load(Relaxed) & !COUNTED != number {
            self.place.set(number, 0);
        }
        self.mark(ENTERED)
    }

    /// Takes a job out of its queue that still waits. False if it was withdrawn.
    pub(crate) fn exit(&self) -> bool {
        self.state.fetch_and(!ENTERED, AcqRel) & ENTERED != 0
    }

    /// Has the ledger with this number told when the job is over: it is counted
    /// already. False if the job was withdrawn before.
    pub(crate) fn admit(&self, number: u32) -> bool {
        self.place.set(number, COUNTED);
        let admitted = self.mark(ADMITTED);
        if !admitted {
            self.place.set(number, 0);
        }
        admitted
    }

    /// The job is over, if it was admitted and has not left before.
    pub(crate) fn leave(&self) {
        self.place.leave();
    }

    /// Resolves a job that is still queued, and drops its input first.
    pub(crate) fn refuse(&self, error: impl FnOnce() -> TaskError) -> bool {
        let mut state = self.state.load(Relaxed);
        loop {
            if phase(state) != QUEUED {
                return false;
            }
            let next = phase::with(state, WRITING) & !(ENTERED | ADMITTED);
            match self
                .state
                .compare_exchange_weak(state, next, AcqRel, Relaxed)
            {
                Ok(_) => break,
                Err(now) => state = now,
            }
        }
        // Before anything of the user's runs: whoever sees the task done finds it
        // counted.
        if state & ENTERED != 0 {
            self.place.withdraw();
        }
        if state & ADMITTED != 0 {
            self.leave();
        }
        // SAFETY: this call ended the phase `QUEUED`, so the input is its own.
        let input = unsafe { self.take_input() };
        deeply(|| discard(input));
        self.publish(Err(error()), false);
        true
    }

    /// Counts a worker that died over the job, and says how many there were of the
    /// same sort.
    pub(crate) fn count_death(&self, begun: bool) -> u32 {
        self.deaths.count(begun)
    }

    fn mark(&self, flag: u16) -> bool {
        let mut state = self.state.load(Relaxed);
        while phase(state) == QUEUED {
            let marked = state | flag;
            match self
                .state
                .compare_exchange_weak(state, marked, AcqRel, Acquire)
            {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        false
    }
}

/// How many workers died over the job: before it began, in the low bits, and after.
#[derive(Debug, Default)]
pub(super) struct Deaths(std::sync::atomic::AtomicU16);

/// So many deaths before the beginning are told apart, and more of the others.
const BEFORE: u16 = 0xf;

impl Deaths {
    /// Counts one, and says how many there were of the same sort: without end when they
    /// cannot be counted any more.
    pub(super) fn count(&self, begun: bool) -> u32 {
        let (shift, most) = match begun {
            false => (0, BEFORE),
            true => (BEFORE.count_ones(), u16::MAX >> BEFORE.count_ones()),
        };
        let times = |word: u16| (word >> shift) & most;
        let more = |word: u16| (times(word) < most).then(|| word + (1 << shift));
        let counted = self.0.fetch_update(Relaxed, Relaxed, more);
        counted.map_or(u32::MAX, |before| u32::from(times(before)) + 1)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn deaths_of_both_sorts_are_counted_apart_and_never_wrap() {
        let deaths = Deaths::default();
        for times in 1..=15 {
            assert_eq!(deaths.count(false), times);
        }
        assert_eq!(deaths.count(false), u32::MAX);
        for times in 1..=4095 {
            assert_eq!(deaths.count(true), times);
        }
        assert_eq!(deaths.count(true), u32::MAX);
        assert_eq!(deaths.count(false), u32::MAX);
    }
}
