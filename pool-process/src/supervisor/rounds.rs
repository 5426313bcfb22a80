//! Looking after a worker: is it alive, is it worn out, does it behave?
//!
//! The system announces a worker's death, but not that it is stopped, or reads
//! nothing, or has grown too large. So twice a second the supervisor looks at each worker
//! that is busy; for idle ones it sleeps.
//!
//! A worker is expected to do something about its first job, unless it is at the
//! function: to begin it, or to send the result that it has announced or begun to
//! send. Large payloads take their time; but one that reads or writes less than a
//! mebibyte in [`MAX_IDLE_ROUNDS`] is killed. A stopped worker is given no longer than
//! that either, so who looks at one with a debugger stops it in a function, and not for
//! long.

use super::Down;
use crate::config::{Config, FLOOD, GRACE, MAX_IDLE_ROUNDS, ROUND, SEND_STEP};
use crate::flight::Violation;
use crate::process::Process;
use crate::seat::Occupant;
use std::time::{Duration, Instant};

/// How often resident memory is looked at, at the most.
const WEIGH: Duration = Duration::from_millis(100);

/// What was seen of a worker so far.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    /// Rounds in a row in which it did not take notice of its next job, or was
    /// stopped.
    idle: u32,
    /// How much had been moved when they began.
    moved: u64,
    /// When it was looked at last: a new supervisor looks at once.
    looked: Option<Instant>,
    /// Wake-ups in a row that led to nothing.
    fruitless: u32,
    /// How much had been moved when they began.
    moved_then: u64,
    weighed: Option<Instant>,
    too_heavy: bool,
    /// When its wire was found to be closed.
    closed: Option<Instant>,
}

impl Rounds {
    /// The worker has woken its parent, which led to something or not.
    pub(super) fn rung(&mut self, fruitful: bool, moved: u64) -> Result<(), Violation> {
        let fruitful = fruitful || moved != self.moved_then;
        self.moved_then = moved;
        self.fruitless = if fruitful { 0 } else { self.fruitless + 1 };
        if self.fruitless > FLOOD {
            return Err(Violation("it floods its parent with messages"));
        }
        Ok(())
    }

    /// A result has come.
    pub(crate) fn fruitful(&mut self) {
        self.idle = 0;
        self.fruitless = 0;
    }

    /// The worker has closed its wire: it is ending, or is not what it was.
    pub(super) fn closed(&mut self) {
        self.closed.get_or_insert_with(Instant::now);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.is_some()
    }

    /// Whether it has had its time to end since.
    fn is_closed_for_long(&self) -> bool {
        self.closed.is_some_and(|at| at.elapsed() >= GRACE)
    }

    /// Whether it has more resident memory than it may keep.
    pub(crate) fn is_too_heavy(&mut self, process: &Process, config: &Config) -> bool {
        let Some(most) = config.recycle_above else {
            return false;
        };
        let due = self.weighed.is_none_or(|at| at.elapsed() >= WEIGH);
        if due && !self.too_heavy {
            self.weighed = Some(Instant::now());
            let resident = process.resident();
            self.too_heavy = resident.is_some_and(|bytes| bytes > most);
        }
        self.too_heavy
    }
}

/// Looks after a worker that is busy.
pub(super) fn look_after(worker: &Occupant) -> Result<(), Down> {
    if worker.rounds().is_closed_for_long() {
        return Err(Down::Closed);
    }
    let now = Instant::now();
    let looked = worker.rounds().looked.replace(now);
    if looked.is_some_and(|at| now - at < ROUND / 2) {
        worker.rounds().looked = looked;
        return Ok(());
    }
    let stopped = worker.process.is_stopped();
    let flight = &worker.flight;
    let sends = flight.first_is_sent() || worker.desk.is_amid();
    // What comes by wire is no result of a job that has not begun.
    let mut moved = worker.board.moved();
    if flight.first_has_begun() {
        moved += worker.desk.received();
    }
    let mut rounds = worker.rounds();
    let moves = moved.saturating_sub(rounds.moved) >= SEND_STEP as u64;
    if moves || !stopped && !sends && !flight.first_waits() {
        rounds.idle = 0;
        rounds.moved = moved;
        return Ok(());
    }
    rounds.idle += 1;
    match (rounds.idle > MAX_IDLE_ROUNDS, stopped, sends) {
        (false, _, _) => Ok(()),
        (true, true, _) => Err(Down::Misbehaved("it was stopped and did not go on")),
        (true, false, true) => Err(Down::Misbehaved("it does not go on with a result")),
        (true, false, false) => Err(Down::Misbehaved("it does not go on with its jobs")),
    }
}
