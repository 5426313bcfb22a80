//! Looking after a worker: is it alive, is it worn out, does it behave?
//!
//! The system announces a worker's death, but not that it is stopped, or reads
//! nothing, or has grown too large. A supervisor whose worker is busy, and from
//! which nothing comes that leads to anything, looks for these twice a second;
//! one whose worker is idle sleeps.
//!
//! A worker is expected to do something about its first job, unless it is at the
//! function: to begin it, or to send the result that it has announced or begun to
//! send. Large payloads take their time; but one that reads or writes less than a
//! mebibyte in [`MAX_IDLE_ROUNDS`] holds its supervisor up, byte by byte for ever if
//! it likes, and is killed. A stopped worker is given no longer than that either, so
//! who looks at one with a debugger stops it in a function, and not for long.

use super::{Down, Supervisor};
use crate::config::{FLOOD, MAX_IDLE_ROUNDS, ROUND, SEND_STEP};
use crate::flight::Violation;
use std::time::{Duration, Instant};

/// How often resident memory is looked at, at the most.
const WEIGH: Duration = Duration::from_millis(100);

/// What was seen of a worker so far.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    /// Rounds in a row in which it did not take notice of its next job, or was
    /// stopped.
    idle: u32,
    /// How much had been moved when they began.
    moved: u64,
    looked: Option<Instant>,
    /// Messages in a row that led to nothing.
    fruitless: u32,
    /// Jobs that it was given.
    pub(super) given: u64,
    weighed: Option<Instant>,
    too_heavy: bool,
}

impl Rounds {
    /// News has come, which led to something or not.
    pub(super) fn heard(&mut self, fruitful: bool) -> Result<(), Violation> {
        // Empty messages do not make up for jobs that are not done.
        self.idle = if fruitful { 0 } else { self.idle };
        self.fruitless = if fruitful { 0 } else { self.fruitless + 1 };
        if self.fruitless > FLOOD {
            return Err(Violation("it floods its parent with messages"));
        }
        Ok(())
    }
}

impl Supervisor<'_> {
    /// Nothing has come that led to anything; for a round, if it is so long ago
    /// that the worker was looked after.
    pub(super) fn look_after(&mut self) -> Result<(), Down> {
        let looked = self.rounds.looked;
        if looked.is_some_and(|at| at.elapsed() < ROUND / 2) {
            return Ok(());
        }
        self.rounds.looked = Some(Instant::now());
        // A bell that did not ring hides nothing for long.
        if self.take_in(None)? {
            self.rounds.idle = 0;
            return Ok(());
        }
        let stopped = self.worker.process.is_stopped();
        let sends = self.flight.first_is_sent() || self.worker.wire.is_amid();
        // What comes by wire is no result of a job that has not begun.
        let mut moved = self.worker.board.moved();
        if self.flight.first_has_begun() {
            moved += self.worker.wire.received();
        }
        let moves = moved.saturating_sub(self.rounds.moved) >= SEND_STEP as u64;
        if moves || !stopped && !sends && !self.flight.first_waits() {
            self.rounds.idle = 0;
            self.rounds.moved = moved;
            return Ok(());
        }
        self.rounds.idle += 1;
        match (self.rounds.idle > MAX_IDLE_ROUNDS, stopped, sends) {
            (false, _, _) => Ok(()),
            (true, true, _) => Err(Down::Misbehaved("it was stopped and did not go on")),
            (true, false, true) => Err(Down::Misbehaved("it does not go on with a result")),
            (true, false, false) => Err(Down::Misbehaved("it does not go on with its jobs")),
        }
    }

    /// How many jobs the worker may be given.
    pub(super) fn room(&self) -> usize {
        let (room, _) = self.flight.load();
        match self.dispatch.config.max_tasks_per_worker {
            None => room,
            Some(most) => {
                let left = most.saturating_sub(self.rounds.given);
                room.min(usize::try_from(left).unwrap_or(usize::MAX))
            }
        }
    }

    /// True if the worker is to be replaced when it has finished what it has.
    pub(super) fn is_worn_out(&mut self) -> bool {
        self.room() == 0 && self.flight.is_empty() || self.is_too_heavy()
    }

    fn is_too_heavy(&mut self) -> bool {
        let Some(most) = self.dispatch.config.recycle_above else {
            return false;
        };
        let due = self.rounds.weighed.is_none_or(|at| at.elapsed() >= WEIGH);
        if due && !self.rounds.too_heavy {
            self.rounds.weighed = Some(Instant::now());
            let resident = self.worker.process.resident();
            self.rounds.too_heavy = resident.is_some_and(|bytes| bytes > most);
        }
        self.rounds.too_heavy
    }
}
