//! Which workers are to be started.

use super::{Hand, Roster};
use crate::config::MAX_BOOTS;
use crate::seat::{Phase, Seat};
use std::time::Instant;

impl<W: Hand> Roster<W> {
    /// Whether a worker is to be started that there is a seat for.
    pub(super) fn lacks_one(&self, waiting: usize) -> bool {
        let starting = self.starting();
        let asked_for = || {
            self.ask_for(waiting) > starting
                || self.wanted > 0
                || self.warming && self.serving().count() + starting < self.max_workers
        };
        starting < MAX_BOOTS && self.seats.len() < self.max_workers && asked_for()
    }

    /// How many jobs ask for a worker, if so many wait in the queue: none while few suffice;
    /// those as well that wait at a worker behind another, unless somebody is idle who takes
    /// them from there.
    pub(super) fn ask_for(&self, waiting: usize) -> usize {
        if self.few_suffice {
            return 0;
        }
        let all_taken = self.seats.len() >= self.max_workers;
        if all_taken || self.serving().any(Hand::is_idle) {
            return waiting;
        }
        waiting + self.serving().map(Hand::waiting).sum::<usize>()
    }

    /// Takes a seat for a worker that is to be started.
    pub(super) fn start(&mut self) -> (u64, usize) {
        self.wanted = self.wanted.saturating_sub(1);
        let taken = |number: &usize| self.seats.iter().any(|seat| seat.number == *number);
        let number = (0..).find(|number| !taken(number)).unwrap_or(0);
        self.last_id += 1;
        self.seats.push(Seat::new(self.last_id, number));
        (self.last_id, number)
    }

    /// When a worker may be started, if that is waited for.
    pub(crate) fn next_start(&self, waiting: usize) -> Option<Instant> {
        self.put_off_until().filter(|_| self.lacks_one(waiting))
    }

    /// No start is before this. A pool that is to end, and in which nobody works, does
    /// not wait: the attempts are counted.
    pub(super) fn put_off_until(&self) -> Option<Instant> {
        let hurries = self.ending && self.serving().next().is_none();
        self.not_before.filter(|_| !hurries)
    }

    /// A worker can take jobs. False if it has no seat any more.
    pub(crate) fn serve(&mut self, id: u64, worker: W) -> bool {
        let Some(seat) = self.seat(id) else {
            return false;
        };
        seat.phase = Phase::Serving(worker);
        self.changed();
        self.idle(id);
        true
    }

    /// Whether each seat has a worker that takes jobs.
    pub(crate) fn is_warm(&self) -> bool {
        self.serving().count() == self.max_workers
    }

    /// A worker has not started. Says how often in a row that was, and whether it is to be
    /// tried again: not if it was in vain so many times, or if no job needs it. The next
    /// start is put off until the moment that `until` gives; unless nobody works and this
    /// was the last attempt, since whoever submits then is told at once.
    pub(crate) fn failed(
        &mut self,
        waiting: usize,
        most: u32,
        until: impl FnOnce(u32) -> Option<Instant>,
    ) -> (u32, bool) {
        let attempts = self.failures + 1;
        let again = self.ask_for(waiting) > 0 && attempts < most;
        self.failures = if again { attempts } else { 0 };
        let put_off = again || self.serving().next().is_some();
        self.not_before = if put_off { until(attempts) } else { None };
        (attempts, again)
    }

    /// A worker has been of use: starts are not put off any more.
    pub(crate) fn forgive(&mut self) {
        self.not_before = None;
        self.failures = 0;
    }

    /// Nobody is started any more but for a job. Says whether somebody serves.
    pub(crate) fn give_up_starting(&mut self) -> bool {
        self.wanted = 0;
        self.warming = false;
        self.serving().next().is_some()
    }
}
