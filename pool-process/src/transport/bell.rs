//! A bell: how one process wakes another that sleeps, and only then.
//!
//! The sleeper announces that it sleeps, looks once more at what it waits for,
//! and sleeps. Whoever changes what it waits for looks at the announcement
//! afterwards. Between writing and looking both have a full barrier, so one of
//! the two sees the other: no wake-up is lost, and while nobody sleeps a change
//! costs no system call.
//!
//! | word | meaning | set by |
//! |---|---|---|
//! | `ASLEEP` | somebody sleeps, or is about to | the sleeper; it is so at first |
//! | `AWAKE` | nobody is to be woken | the sleeper when it wakes, whoever rings |
//!
//! The models in `models/` check that no wake-up is lost.
//!
//! A worker may write anything here: then its parent sleeps too long, which its
//! rounds bound, or is woken for nothing, which it counts.

#[cfg(loom)]
use loom::sync::atomic::{AtomicU32, fence};
use std::sync::atomic::Ordering::SeqCst;
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU32, fence};
#[cfg(not(loom))]
use {
    rustix::thread::futex::{self, Flags},
    std::time::Instant,
};

const ASLEEP: u32 = 0;
const AWAKE: u32 = 1;

/// One side's bell.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Bell(AtomicU32);

impl Bell {
    #[cfg(loom)]
    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(AWAKE))
    }

    /// Announces a sleep, after which the sleeper looks once more.
    pub(crate) fn announce(&self) {
        self.0.store(ASLEEP, SeqCst);
        fence(SeqCst);
    }

    /// Takes an announcement back.
    pub(crate) fn withdraw(&self) {
        self.0.store(AWAKE, SeqCst);
    }

    /// Called after a change. True if somebody has to be woken, which is then
    /// this caller's affair alone.
    pub(crate) fn must_ring(&self) -> bool {
        fence(SeqCst);
        self.0.load(SeqCst) == ASLEEP && self.0.swap(AWAKE, SeqCst) == ASLEEP
    }

    /// Wakes the other side, if it sleeps. Called after a change.
    #[cfg(not(loom))]
    pub(crate) fn ring(&self) {
        if self.must_ring() {
            self.wake();
        }
    }

    /// Wakes the other side, whatever it has announced.
    #[cfg(not(loom))]
    pub(crate) fn wake(&self) {
        self.0.store(AWAKE, SeqCst);
        // The word is mapped, so this cannot fail; and if it did, who sleeps here
        // looks again by itself in a while.
        let _ = futex::wake(&self.0, Flags::empty(), 1);
    }

    /// Sleeps until somebody rings, unless it is `ready`. False, and no sleep, if
    /// `until` has passed. May wake for nothing.
    #[cfg(not(loom))]
    pub(crate) fn doze(&self, ready: impl Fn() -> bool, until: Option<Instant>) -> bool {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return false;
        }
        self.announce();
        if !ready() {
            let left = left.and_then(|left| left.try_into().ok());
            // Woken, or the time is over, or a signal came: all the same here.
            let _ = futex::wait(&self.0, Flags::empty(), ASLEEP, left.as_ref());
        }
        self.withdraw();
        true
    }
}
