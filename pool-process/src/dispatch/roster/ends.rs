//! Who is idle, and who goes.

use super::{Hand, Roster};
use crate::seat::{Phase, Seat};
use std::time::Instant;

impl<W: Hand> Roster<W> {
    /// A worker has nothing, and has had nothing since now.
    pub(crate) fn idle(&mut self, id: u64) {
        self.few_suffice = false;
        // An entry that stands there from before a job says nothing about since when.
        self.not_idle(id);
        if self.find(id).and_then(Seat::serving).is_some() {
            self.idle.push((id, Instant::now()));
        }
    }

    pub(crate) fn not_idle(&mut self, id: u64) {
        self.idle.retain(|(idle, _)| *idle != id);
    }

    /// Those that are idle, as far as is known, and since when: the first for the longest.
    pub(crate) fn idlers(&self) -> impl Iterator<Item = (&W, Instant)> {
        let serving = |id| self.find(id).and_then(Seat::serving);
        let found = move |&(id, since): &(u64, Instant)| Some((serving(id)?, since));
        self.idle.iter().filter_map(found)
    }

    /// Whether a worker that has been idle for long may go.
    pub(crate) fn may_shrink(&self) -> bool {
        let leaving = |seat: &&Seat<W>| matches!(seat.phase, Phase::Leaving(_));
        let leaving = self.seats.iter().filter(leaving).count();
        !self.warming && self.seats.len() - leaving > self.min_workers
    }

    /// A worker that has nothing was asked to go. False if it has no seat.
    pub(crate) fn leave(&mut self, id: u64) -> bool {
        let Some(seat) = self.seat(id) else {
            return false;
        };
        seat.phase = Phase::Leaving(Instant::now());
        self.changed();
        self.not_idle(id);
        true
    }

    /// One that was asked to go is gone.
    pub(crate) fn left(&mut self, id: u64) {
        // Not a second time, if a former supervisor comes to this late.
        if self.free(id).is_none() {
            return;
        }
        if self.seats.len() + self.wanted < self.min_workers {
            self.replace();
        }
    }

    /// Frees a seat.
    pub(crate) fn free(&mut self, id: u64) -> Option<Seat<W>> {
        let place = self.seats.iter().position(|seat| seat.id == id)?;
        let seat = self.seats.remove(place);
        if seat.serving().is_some() {
            self.changed();
        }
        self.not_idle(id);
        Some(seat)
    }

    /// One more worker is to be started, in place of one whose seat is free now, whether
    /// a job needs it or not.
    pub(crate) fn replace(&mut self) {
        self.wanted += usize::from(!self.ending);
    }

    /// From now on no worker is started but for a job.
    pub(crate) fn end(&mut self) {
        self.ending = true;
        self.warming = false;
        self.wanted = 0;
    }
}
