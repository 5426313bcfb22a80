//! [`Limit`]: a point in time at which somebody who waits is woken.

use crate::timer::{self, Timer};
use crate::watch::WakerSlot;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// A limit on a stream. It needs no runtime: the clock of all jobs keeps it.
#[derive(Debug)]
pub(super) struct Limit {
    length: Duration,
    /// `None` for a limit that no clock can represent: it never passes.
    at: Option<Instant>,
    /// There is one once somebody has waited.
    alarm: Option<(Arc<WakerSlot>, Timer)>,
}

impl Limit {
    /// Passes `length` after `start`.
    pub(super) fn new(start: Instant, length: Duration) -> Self {
        Self {
            length,
            at: start.checked_add(length),
            alarm: None,
        }
    }

    pub(super) fn length(&self) -> Duration {
        self.length
    }

    pub(super) fn has_passed(&self) -> bool {
        self.at.is_some_and(|at| Instant::now() >= at)
    }

    /// Ready once it has passed.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.at else {
            return Poll::Pending;
        };
        let (waiting, _) = self.alarm.get_or_insert_with(|| {
            let waiting = Arc::new(WakerSlot::new());
            let bell = waiting.clone();
            let left = at.saturating_duration_since(Instant::now());
            (waiting, timer::after(left, move || bell.wake()))
        });
        // The waker first: then either the bell finds it, or the time is up here.
        waiting.register(context.waker());
        match self.has_passed() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}
