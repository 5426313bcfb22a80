//! Who supervises: one thread at a time, and another as soon as that one is held up.
//!
//! The supervisor resolves tasks, and so runs code that is not ours: a `Serialize`, a
//! `Deserialize`, a callback, a waker, a `Drop`. Each may block for ever, and it may
//! wait for something that only the supervisor can do. So supervising is a role that a
//! thread loses when it does not come back in time:
//!
//! | word | meaning | set by |
//! |---|---|---|
//! | shift, `WAITING` | the supervisor sleeps, and will see whatever happens | it alone |
//! | shift, `WORKING` | it is at work | it, when it wakes; a watchdog, with the next shift |
//!
//! While it works it counts its steps. A watchdog compares two readings some
//! milliseconds apart: if the supervisor was at the same step of the same shift both
//! times, the watchdog raises the shift, and another thread begins to supervise. The
//! former one notices when it comes back, by its shift, and does nothing more.
//!
//! What the supervisor was about to do is in nobody's hands but the step at hand: all
//! else stands in tables that the next one finds. So two threads are both at work only
//! while the former one finishes its step, and each table has a lock of its own.
//!
//! A thread that is merely slow, because the processor is busy, may lose the role as
//! well. That costs a thread's wake-up and harms nobody.
//!
//! The models in `models/` check that there is always somebody to supervise, and never
//! two with the same shift.

#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering::*};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering::*};

const WORKING: u64 = 1;

/// Whose turn it is, and how far they are.
#[derive(Debug)]
pub(crate) struct Role {
    word: AtomicU64,
    steps: AtomicU64,
}

/// One thread's time as the supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shift(u64);

/// What a watchdog saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    word: u64,
    steps: u64,
}

impl Look {
    /// Whether the supervisor is at work.
    pub(crate) fn is_at_work(self) -> bool {
        self.word & WORKING != 0
    }
}

impl Role {
    /// The role, which nobody has: whoever takes it over is the first.
    pub(crate) fn new() -> Self {
        Self {
            word: AtomicU64::new(WORKING),
            steps: AtomicU64::new(0),
        }
    }

    fn word(shift: Shift, working: u64) -> u64 {
        shift.0 << 1 | working
    }

    /// Whether it is still this shift.
    pub(crate) fn is(&self, shift: Shift) -> bool {
        self.word.load(Acquire) >> 1 == shift.0
    }

    /// Counts a step: the supervisor is not held up.
    pub(crate) fn step(&self) {
        // Cheaper than an addition in one step. If a former supervisor counts at the same
        // moment, one of both is lost, and at worst the role is taken over in vain.
        let steps = self.steps.load(Relaxed);
        self.steps.store(steps.wrapping_add(1), Relaxed);
    }

    /// The supervisor is about to sleep. False if it is not the supervisor any more.
    #[must_use]
    pub(crate) fn rest(&self, shift: Shift) -> bool {
        let (from, to) = (Self::word(shift, WORKING), Self::word(shift, 0));
        self.word
            .compare_exchange(from, to, AcqRel, Acquire)
            .is_ok()
    }

    /// The supervisor wakes: one that sleeps never loses the role.
    pub(crate) fn wake(&self, shift: Shift) {
        self.step();
        self.word.store(Self::word(shift, WORKING), Release);
    }

    /// How far the supervisor is.
    pub(crate) fn look(&self) -> Look {
        let word = self.word.load(Acquire);
        Look {
            word,
            steps: self.steps.load(Relaxed),
        }
    }

    /// Takes the role away from a supervisor that is where it was when `before` was
    /// seen: the shift of whoever comes next.
    pub(crate) fn take_over(&self, before: Look) -> Option<Shift> {
        if !before.is_at_work() || self.look() != before {
            return None;
        }
        let next = Shift((before.word >> 1) + 1);
        let word = Self::word(next, WORKING);
        self.word
            .compare_exchange(before.word, word, AcqRel, Acquire)
            .is_ok()
            .then_some(next)
    }
}
