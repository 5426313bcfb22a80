//! [`Deadline`]: a point in time that a future can wait for.

use crate::runtime::Sleep;
use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// A limit that counts from the call that set it, whenever it is first polled.
#[derive(Debug)]
pub(crate) struct Deadline {
    /// `None` for a limit that no clock can represent: it never passes.
    at: Option<Instant>,
    sleep: Option<Sleep>,
}

impl Deadline {
    pub(crate) fn after(limit: Duration) -> Self {
        Self::at(Instant::now().checked_add(limit))
    }

    pub(crate) fn at(at: Option<Instant>) -> Self {
        Self { at, sleep: None }
    }

    /// Moves it, unless that is where it is; a timer that was set goes.
    pub(crate) fn move_to(&mut self, at: Option<Instant>) {
        if self.at != at {
            *self = Self::at(at);
        }
    }

    /// Ready once the limit has passed, and from then on.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.at else {
            return Poll::Pending;
        };
        loop {
            // A limit of zero needs no timer.
            let left = at.saturating_duration_since(Instant::now());
            if left.is_zero() {
                self.sleep = None;
                return Poll::Ready(());
            }
            let sleep = self.sleep.get_or_insert_with(|| Sleep::new(left));
            if Pin::new(sleep).poll(context).is_pending() {
                return Poll::Pending;
            }
            // A timer may be early by its granularity: sleep for what is left.
            self.sleep = None;
        }
    }
}
