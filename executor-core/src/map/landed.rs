//! [`Landed`]: what there is of a job of a map; and [`Front`], who waits for it.

use crate::error::TaskError;
use crate::watch::{Settled, WakerSlot, Watcher};
use std::task::Waker;

/// What there is of one job.
pub(super) enum Landed<A, R> {
    One(Result<R, TaskError>),
    /// One, and how many nanoseconds it took if it did not fail.
    Timed(Result<R, TaskError>, Option<u64>),
    /// Outcomes of a chunk that still runs.
    Early(Vec<Result<R, TaskError>>),
    /// The end of a chunk.
    Chunk(Over<A, R>),
}

/// What there is of a chunk at its end.
pub(super) struct Over<A, R> {
    /// The other outcomes.
    pub(super) results: Vec<Result<R, TaskError>>,
    /// Inputs to be submitted again: they come after those.
    pub(super) rest: Vec<A>,
    /// These come back because one among them has ended the job.
    pub(super) suspect: bool,
    /// How many inputs it has run, and in how many nanoseconds if it did not fail.
    pub(super) ran: (usize, Option<u64>),
}

/// Who waits for the foremost chunk.
pub(super) struct Front(WakerSlot);

impl Front {
    pub(super) fn new() -> Self {
        Self(WakerSlot::new())
    }

    /// From now on `waker` is woken when the chunk has results.
    pub(super) fn register(&self, waker: &Waker) {
        self.0.register(waker);
    }
}

impl Watcher for Front {
    fn settled(&self, _token: usize, _settled: Settled) {
        self.0.wake();
    }
}
