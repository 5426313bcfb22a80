//! Whether the supervisor has to be woken: a word between it and all others.
//!
//! | word | meaning | set by |
//! |---|---|---|
//! | `AWAKE` | the supervisor will look at everything before it sleeps | it, before it looks |
//! | `POKED` | ... and has to look once more | whoever has changed something |
//! | `ASLEEP` | it sleeps, or is about to | it, if it was `AWAKE` |
//!
//! Whoever changes something does so under a lock that the supervisor takes when it
//! looks, and pokes afterwards. If the change came after the look, the lock makes the
//! word `AWAKE` visible, so the poke is not taken for one that was seen already; and
//! `AWAKE → ASLEEP` fails if there was a poke. The models in `models/` check this.

#[cfg(loom)]
use loom::sync::atomic::{AtomicU32, Ordering::*};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU32, Ordering::*};

const AWAKE: u32 = 0;
const POKED: u32 = 1;
const ASLEEP: u32 = 2;

/// The word.
#[derive(Debug)]
pub(crate) struct Attention(AtomicU32);

impl Attention {
    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(AWAKE))
    }

    /// Called after a change. True if the supervisor sleeps and this caller has to wake
    /// it.
    #[must_use]
    pub(crate) fn poke(&self) -> bool {
        self.0.load(Acquire) != POKED && self.0.swap(POKED, AcqRel) == ASLEEP
    }

    /// Whether somebody has poked.
    pub(crate) fn is_poked(&self) -> bool {
        self.0.load(Acquire) == POKED
    }

    /// Called before the supervisor looks at everything.
    pub(crate) fn wake(&self) {
        self.0.swap(AWAKE, AcqRel);
    }

    /// Called before it sleeps. False if it has to look once more.
    #[must_use]
    pub(crate) fn sleep(&self) -> bool {
        self.0
            .compare_exchange(AWAKE, ASLEEP, AcqRel, Acquire)
            .is_ok()
    }
}
