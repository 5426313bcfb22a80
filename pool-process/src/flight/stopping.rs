//! Stopping a job that is with the worker: cancelling it, or at its time limit.
//!
//! What has not begun is taken back. What runs is condemned on the board first,
//! so that the worker begins nothing else, and then the worker is killed: the
//! supervisor finds it dead and resolves the job with its [`Fate`].

use super::Flight;
use super::table::Table;
use crate::transport::{Sight, Transport};
use executor_core::timer::{self, Timer};
use executor_core::{CancelOutcome, Control, HeldJob, TaskError};
use std::time::{Duration, Instant};

/// How many bytes of a result are expected in a second, at the least.
const LEAST_RATE: u64 = 16 << 20;
/// What a result may take in any case.
const LEAST_TIME: Duration = Duration::from_secs(10);

/// Why a running job was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Cancelled,
    TimedOut(Duration),
    /// A part of its result cannot be read.
    Garbled,
}

impl Flight {
    /// Notes when a job became the first, and starts its time limit, if it has
    /// one.
    pub(super) fn watch_first(&self, table: &mut Table) {
        let Some(seq) = table.front() else {
            return;
        };
        if table.at_first.since.is_some() {
            return;
        }
        table.at_first.since = Some(Instant::now());
        if let Some(limit) = table.job(seq).and_then(HeldJob::timeout) {
            table.at_first.limit = Some(self.after(limit, seq, limit));
        }
    }

    fn after(&self, delay: Duration, seq: u64, limit: Duration) -> Timer {
        let myself = self.myself.clone();
        timer::after(delay, move || {
            if let Some(flight) = myself.upgrade() {
                flight.expire(seq, limit);
            }
        })
    }

    /// How long it may take to send the result that the worker has announced.
    fn time_to_send(&self, seq: u64) -> Duration {
        // By message, no length is announced.
        let len = match self.way {
            Transport::SharedMemory => self.board.slot(seq).result().len.min(self.longest),
            Transport::Messages => self.longest,
        };
        Duration::from_secs(len / LEAST_RATE)
    }

    /// The limit of a job has passed since it became the first. It counts from
    /// when the worker began, which may be later, to the end of the function, which
    /// the worker announces before it sends a large result; one that does not begin at
    /// all is found on the supervisor's rounds.
    fn expire(&self, seq: u64, limit: Duration) {
        let mut table = self.table();
        if table.front() != Some(seq) {
            return;
        }
        let left = match self.board.slot(seq).look(seq) {
            Sight::Queued => limit.max(Duration::from_millis(1)),
            // The function has ended in time, as far as anybody knows: the result is
            // to come within the time that it takes at the slowest.
            Sight::Running if self.board.is_sending(seq) => {
                let due = || Instant::now() + LEAST_TIME + self.time_to_send(seq);
                let due = *table.at_first.due.get_or_insert_with(due);
                due.saturating_duration_since(Instant::now())
            }
            Sight::Running => {
                // It is asked once: it might say each time that it began just now.
                let runs_for = self.board.runs_for(seq);
                let now = Instant::now();
                let began = || now.checked_sub(runs_for).unwrap_or(now);
                let began = table.at_first.began.get_or_insert_with(began);
                limit.saturating_sub(began.elapsed())
            }
            _ => Duration::ZERO,
        };
        if !left.is_zero() {
            table.at_first.limit = Some(self.after(left, seq, limit));
            return;
        }
        if table.fate.is_some() || !self.board.slot(seq).condemn(seq) {
            // It is being killed already, or has just ended.
            return;
        }
        table.fate = Some((seq, Fate::TimedOut(limit)));
        drop(table);
        self.process.kill();
    }
}

impl Control for Flight {
    fn cancel(&self, seq: u64) -> CancelOutcome {
        let mut table = self.table();
        if table.entry(seq).is_none() {
            return CancelOutcome::TooLate;
        }
        match table.fate_of(seq) {
            Some(Fate::Cancelled) => return CancelOutcome::Killed,
            Some(Fate::TimedOut(_) | Fate::Garbled) => return CancelOutcome::TooLate,
            None => {}
        }
        if let Some(job) = self.take_slot_back(&mut table, seq) {
            drop(table);
            self.board.rouse();
            self.tally.cancel(1);
            job.fail(TaskError::cancelled("before it started"));
            return CancelOutcome::BeforeStart;
        }
        // At most one kill for each worker: if it is being killed for another job, or
        // has just ended this one, nothing can be done.
        if table.fate.is_some() || !self.board.slot(seq).condemn(seq) {
            return CancelOutcome::TooLate;
        }
        table.fate = Some((seq, Fate::Cancelled));
        drop(table);
        self.process.kill();
        CancelOutcome::Killed
    }

    fn withdraw(&self, seq: u64, error: TaskError) -> bool {
        let mut table = self.table();
        let job = self.take_slot_back(&mut table, seq);
        drop(table);
        match job {
            Some(job) => {
                self.board.rouse();
                self.tally.cancel(1);
                job.fail(error);
                true
            }
            None => false,
        }
    }

    fn await_briefly(&self, seq: u64) {
        self.look_here(seq);
    }

    fn is_running(&self, seq: u64) -> bool {
        !matches!(
            self.board.slot(seq).look(seq),
            Sight::Queued | Sight::Nonsense | Sight::Taken
        )
    }
}

/// What the owner of a job is told that was stopped; `ended` says whether its worker is
/// known to be gone.
pub(super) fn sentence(fate: Fate, pid: u32, ended: bool) -> TaskError {
    let mut what = format!("its worker, process {pid}, was killed");
    if !ended {
        what.push_str(UNKILLED);
    }
    match fate {
        Fate::Cancelled => TaskError::cancelled(format!("while it ran; {what}")),
        Fate::TimedOut(limit) => TaskError::timed_out(limit, what),
        Fate::Garbled => TaskError::decode("a part of the result", what),
    }
}

/// Of a process that SIGKILL did not end within the time that it is given.
const UNKILLED: &str = " but could not be ended yet: the kernel waits for something, such as a \
                        file system that does not answer, or keeps it frozen";
