//! Which scopes enclose the one that is being polled.
//!
//! While a scope polls its future it leaves its limit here, with its waker. A
//! scope within that future, whose own limit has passed as well, then leaves it to
//! the outer one to raise. Otherwise the code between the two would take for the
//! inner limit's what is the outer one's, and go on, though it has no time left.
//!
//! The waker tells whether both belong to the same chain of polls: a runtime that
//! is nested in a poll, or a set of futures with wakers of its own, begins anew.

use std::cell::Cell;
use std::task::{RawWakerVTable, Waker};
use std::time::Instant;

/// The earliest limit of the scopes around, and the waker they are polled with.
#[derive(Clone, Copy)]
struct Around {
    waker: (*const (), &'static RawWakerVTable),
    earliest: Option<Instant>,
}

impl Around {
    fn is_polled_with(&self, waker: &Waker) -> bool {
        self.waker.0 == waker.data() && std::ptr::eq(self.waker.1, waker.vtable())
    }
}

thread_local! {
    static AROUND: Cell<Option<Around>> = const { Cell::new(None) };
}

fn around(waker: &Waker) -> Option<Around> {
    let around = AROUND.try_with(Cell::get).ok().flatten();
    around.filter(|around| around.is_polled_with(waker))
}

/// Whether a scope around the one that is polled with `waker` is late by `now`.
pub(super) fn has_passed(waker: &Waker, now: Instant) -> bool {
    let earliest = around(waker).and_then(|around| around.earliest);
    earliest.is_some_and(|when| when <= now)
}

/// While this lives, what is polled on this thread is within one scope more.
pub(super) struct Enclosing(Option<Around>);

impl Enclosing {
    pub(super) fn enter(waker: &Waker, when: Option<Instant>) -> Self {
        let outer = around(waker).and_then(|around| around.earliest);
        let earliest = [outer, when].into_iter().flatten().min();
        let within = Around {
            waker: (waker.data(), waker.vtable()),
            earliest,
        };
        let former = AROUND.try_with(|around| around.replace(Some(within)));
        Self(former.ok().flatten())
    }
}

impl Drop for Enclosing {
    fn drop(&mut self) {
        let _ = AROUND.try_with(|around| around.set(self.0));
    }
}
