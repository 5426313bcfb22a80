//! Which scopes enclose the one that is being polled.
//!
//! While a scope polls its future it leaves its limit here. A scope within that future,
//! whose own limit has passed as well, then leaves it to the outer one to raise. Otherwise
//! the code between the two would take for the inner limit's what is the outer one's, and
//! go on, though it has no time left.
//!
//! The outer one raises as soon as that poll is over. A set of futures may poll the inner
//! one again before that: so this gives way more than once. But it does not for ever: a
//! thread that blocks in the poll for something else, which has scopes of its own, comes
//! back to no outer one.

use std::cell::Cell;
use std::time::Instant;

/// So often a scope leaves it to the outer one. `FuturesUnordered` polls a future that
/// wakes itself twice.
pub(super) const GIVES_WAY: u8 = 4;

thread_local! {
    /// The earliest limit of the scopes around.
    static EARLIEST: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Whether a scope around the one that is polled on this thread is late by `now`.
pub(super) fn has_passed(now: Instant) -> bool {
    let earliest = EARLIEST.try_with(Cell::get).ok().flatten();
    earliest.is_some_and(|when| when <= now)
}

/// While this lives, what is polled on this thread is within one scope more.
pub(super) struct Enclosing(Option<Instant>);

impl Enclosing {
    pub(super) fn enter(when: Option<Instant>) -> Self {
        let former = EARLIEST.try_with(|earliest| {
            let outer = earliest.get();
            earliest.set([outer, when].into_iter().flatten().min());
            outer
        });
        Self(former.ok().flatten())
    }
}

impl Drop for Enclosing {
    fn drop(&mut self) {
        let _ = EARLIEST.try_with(|earliest| earliest.set(self.0));
    }
}
