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
//! | `LOOKED_FOR`, n | it sleeps, and somebody else looks for what becomes of number n | who looks, if it was `ASLEEP` |
//!
//! Who changes what somebody looks for puts the ring off for a few microseconds, and rings
//! only if that somebody has not come by then. Who stops looking makes the word `ASLEEP`
//! again, if it is still as it was left, and looks once more: so the ring is never left to
//! somebody who is not there.
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
const LOOKED_FOR: u32 = 2;

/// The word while somebody looks for this number. Others that are the same in so many bits
/// are long past, or far away.
fn looked_for(number: u64) -> u32 {
    LOOKED_FOR | (number as u32) << 2
}

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
        self.0.load(SeqCst) != AWAKE && self.0.swap(AWAKE, SeqCst) != AWAKE
    }

    /// The same after a change of this number. Not if somebody looks for that: then
    /// [`must_ring_after_all`](Self::must_ring_after_all) is to be asked a little later.
    pub(crate) fn must_ring_for(&self, number: u64) -> bool {
        fence(SeqCst);
        self.0.load(SeqCst) != looked_for(number) && self.must_ring()
    }

    /// Whether somebody looks for this number.
    pub(crate) fn is_looked_for(&self, number: u64) -> bool {
        self.0.load(SeqCst) == looked_for(number)
    }

    /// True if whoever looked for this number has not come, and the sleeper has to be woken.
    pub(crate) fn must_ring_after_all(&self, number: u64) -> bool {
        self.change(looked_for(number), AWAKE)
    }

    /// Somebody looks for this number, so that the sleeper need not be woken for it.
    pub(crate) fn look_for(&self, number: u64) {
        self.change(ASLEEP, looked_for(number));
    }

    /// Nobody looks for this number any more. Who did looks once more after this.
    pub(crate) fn look_no_more(&self, number: u64) {
        self.change(looked_for(number), ASLEEP);
        fence(SeqCst);
    }

    fn change(&self, from: u32, to: u32) -> bool {
        self.0.compare_exchange(from, to, SeqCst, SeqCst).is_ok()
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
