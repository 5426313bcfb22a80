//! [`take`] and [`give`]: memory for large payloads, used again.
//!
//! Most of what it costs to move 64 MiB is not the copying: memory that is fresh
//! from the system costs a page fault for each 4 KiB, and as much again when it
//! goes back. Arguments and results come and go one after another, so what the
//! last one needed is kept for the next.
//!
//! What is kept is bounded, and only ever what was in use a moment ago:
//!
//! * buffers of [`LEAST`] bytes or more, no more than [`MOST`] of them, and no more
//!   than [`MOST_BYTES`] together. The newest stay;
//! * nothing before somebody has asked for such a buffer: a program that moves no
//!   large payloads between processes keeps none;
//! * for [`KEPT_FOR`] since one was last given or taken; then all goes back to the
//!   system, so that an idle process does not sit on it. That is how long other
//!   allocators keep what was freed, too;
//! * nothing at all after [`keep_none`].
//!
//! A buffer is used for no less than half of what it holds, so that small payloads
//! do not occupy large memory. It is empty: nobody sees what was there before.

#[cfg(test)]
mod tests;

use crate::{pieces, timer};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A buffer of fewer bytes is not kept.
pub const LEAST: usize = 256 << 10;
/// No more buffers are kept.
pub const MOST: usize = 8;
/// No more bytes are kept: two payloads of 64 MiB, and some.
pub const MOST_BYTES: usize = 160 << 20;
/// Everything that is kept goes after so long without use.
pub const KEPT_FOR: Duration = Duration::from_secs(10);

/// An empty buffer with room for so many bytes that was in use before, if there is
/// one; or one without any room.
///
/// ```
/// use executor_core::spare;
///
/// let mut payload = spare::take(1 << 20);
/// payload.resize(1 << 20, 7_u8);
/// spare::give(payload);
/// assert!(spare::take(1 << 20).capacity() >= 1 << 20);
/// ```
pub fn take(room: usize) -> Vec<u8> {
    if room < LEAST {
        return Vec::new();
    }
    store().take(room, Instant::now())
}

/// Gives a buffer back, for whoever needs one next; or frees it, see the
/// [module](self).
pub fn give(buffer: Vec<u8>) {
    if buffer.capacity() < LEAST {
        return;
    }
    // Never waits: a lock that was held while the process forked stays locked there.
    let Ok(mut store) = STORE.try_lock() else {
        return;
    };
    let Given { surplus, look } = store.give(buffer, Instant::now());
    drop(store);
    // Not under the lock.
    drop(surplus);
    if let Some(delay) = look {
        look_after(delay);
    }
}

/// Keeps no buffers in this process from now on: its memory is limited, or watched.
pub fn keep_none() {
    let kept = std::mem::take(&mut *store()).buffers;
    store().closed = true;
    drop(kept);
}

/// Makes room in `buffer` for so many bytes more, in memory that was in use before,
/// if there is need and there is such memory.
#[inline]
pub(crate) fn make_room(buffer: &mut Vec<u8>, more: usize) {
    if more >= LEAST && buffer.capacity() - buffer.len() < more {
        make_much_room(buffer, more);
    }
}

#[cold]
fn make_much_room(buffer: &mut Vec<u8>, more: usize) {
    let mut roomy = take(buffer.len() + more);
    if roomy.capacity() > 0 {
        pieces::append(&mut roomy, buffer);
        give(std::mem::replace(buffer, roomy));
    }
}

fn look_after(delay: Duration) {
    let look = || {
        let (kept, again) = store().look(Instant::now());
        drop(kept);
        if let Some(delay) = again {
            look_after(delay);
        }
    };
    timer::after(delay, look).detach();
}

static STORE: Mutex<Store> = Mutex::new(Store::new());

fn store() -> MutexGuard<'static, Store> {
    STORE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug, Default)]
struct Store {
    /// The oldest first.
    buffers: VecDeque<Vec<u8>>,
    /// When one was last given or taken; `None` if none was ever asked for.
    used: Option<Instant>,
    /// Whether somebody looks later whether they are still used.
    watched: bool,
    closed: bool,
}

/// What is to be done when a buffer was given.
#[must_use]
struct Given {
    /// To be freed.
    surplus: Vec<Vec<u8>>,
    /// When somebody is to look, if nobody does yet.
    look: Option<Duration>,
}

impl Store {
    const fn new() -> Self {
        Self {
            buffers: VecDeque::new(),
            used: None,
            watched: false,
            closed: false,
        }
    }

    fn take(&mut self, room: usize, now: Instant) -> Vec<u8> {
        self.used = Some(now);
        let fits = |buffer: &Vec<u8>| (room..=room.saturating_mul(2)).contains(&buffer.capacity());
        // The newest is most likely to be in a cache.
        let place = self.buffers.iter().rposition(fits);
        let found = place.and_then(|place| self.buffers.remove(place));
        found.unwrap_or_default()
    }

    fn give(&mut self, mut buffer: Vec<u8>, now: Instant) -> Given {
        let mut surplus = Vec::new();
        if self.closed || self.used.is_none() || buffer.capacity() > MOST_BYTES {
            surplus.push(buffer);
            let look = None;
            return Given { surplus, look };
        }
        buffer.clear();
        self.buffers.push_back(buffer);
        while self.buffers.len() > MOST || self.bytes() > MOST_BYTES {
            surplus.extend(self.buffers.pop_front());
        }
        self.used = Some(now);
        let look = (!std::mem::replace(&mut self.watched, true)).then_some(KEPT_FOR);
        Given { surplus, look }
    }

    /// What is to be freed because nobody has used it for long; and when to look
    /// again, if it was used.
    fn look(&mut self, now: Instant) -> (VecDeque<Vec<u8>>, Option<Duration>) {
        let idle = self.used.map_or(KEPT_FOR, |used| now.duration_since(used));
        let left = KEPT_FOR.saturating_sub(idle);
        if !left.is_zero() && !self.buffers.is_empty() {
            return (VecDeque::new(), Some(left));
        }
        self.watched = false;
        (std::mem::take(&mut self.buffers), None)
    }

    fn bytes(&self) -> usize {
        self.buffers.iter().map(Vec::capacity).sum()
    }
}
