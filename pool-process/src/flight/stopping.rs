//! Stopping a job that is with the worker: cancelling it, or at its time limit.
//!
//! What has not begun is taken back. What runs is condemned on the board first,
//! so that the worker begins nothing else, and then the worker is killed: the
//! supervisor finds it dead and resolves the job with its [`Fate`].

use super::Flight;
use super::table::{Held, Table, split, ticket};
use crate::transport::Sight;
use executor_core::timer::{self, Timer};
use executor_core::{CancelOutcome, Control, TaskError};
use std::time::{Duration, Instant};

/// Why a running job was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Cancelled,
    TimedOut(Duration),
}

impl Flight {
    /// Notes when a job became the first, and starts its time limit, if it has
    /// one.
    pub(super) fn watch_first(&self, table: &mut Table) {
        let Some(&slot) = table.order.front() else {
            return;
        };
        let Some(entry) = table.entries[slot].as_mut() else {
            return;
        };
        if entry.since.is_none() {
            entry.since = Some(Instant::now());
        }
        if let Held::Job(job) = &entry.held
            && entry.limit.is_none()
            && let Some(limit) = job.timeout()
        {
            let ticket = ticket(slot, entry.seq);
            entry.limit = Some(self.after(limit, ticket, limit));
        }
    }

    fn after(&self, delay: Duration, ticket: u64, limit: Duration) -> Timer {
        let myself = self.myself.clone();
        timer::after(delay, move || {
            if let Some(flight) = myself.upgrade() {
                flight.expire(ticket, limit);
            }
        })
    }

    /// The limit of a job has passed since it became the first. It counts from
    /// when the worker began, which may be later; one that does not begin at all
    /// is found on the supervisor's rounds.
    fn expire(&self, ticket: u64, limit: Duration) {
        let (slot, seq) = split(ticket);
        let mut table = self.table();
        let Some(entry) = table.entry(slot, seq) else {
            return;
        };
        let left = match self.board.look(slot, seq) {
            Sight::Queued => limit.max(Duration::from_millis(1)),
            Sight::Running => {
                // It is asked once: it might say each time that it began just now.
                let runs_for = self.board.runs_for(slot);
                let now = Instant::now();
                let began = || now.checked_sub(runs_for).unwrap_or(now);
                limit.saturating_sub(entry.began.get_or_insert_with(began).elapsed())
            }
            _ => Duration::ZERO,
        };
        if !left.is_zero() {
            entry.limit = Some(self.after(left, ticket, limit));
            return;
        }
        if entry.fate.is_some() || !self.board.condemn(slot, seq) {
            // It is being killed already, or has just ended.
            return;
        }
        entry.fate = Some(Fate::TimedOut(limit));
        drop(table);
        self.process.kill();
    }
}

impl Control for Flight {
    fn cancel(&self, ticket: u64) -> CancelOutcome {
        let (slot, seq) = split(ticket);
        let mut table = self.table();
        let Some(entry) = table.entry(slot, seq) else {
            return CancelOutcome::TooLate;
        };
        if let Held::Packing { refused } = &mut entry.held {
            refused.get_or_insert_with(|| TaskError::cancelled("before it started"));
            return CancelOutcome::Requested;
        }
        match entry.fate {
            Some(Fate::Cancelled) => return CancelOutcome::Killed,
            Some(Fate::TimedOut(_)) => return CancelOutcome::TooLate,
            None => {}
        }
        if let Some(job) = self.take_slot_back(&mut table, slot) {
            drop(table);
            job.fail(TaskError::cancelled("before it started"));
            return CancelOutcome::BeforeStart;
        }
        if !self.board.condemn(slot, seq) {
            return CancelOutcome::TooLate;
        }
        if let Some(entry) = table.entry(slot, seq) {
            entry.fate = Some(Fate::Cancelled);
        }
        drop(table);
        self.process.kill();
        CancelOutcome::Killed
    }

    fn withdraw(&self, ticket: u64, error: TaskError) -> bool {
        let (slot, seq) = split(ticket);
        let mut table = self.table();
        let Some(entry) = table.entry(slot, seq) else {
            return false;
        };
        if let Held::Packing { refused } = &mut entry.held {
            refused.get_or_insert(error);
            return true;
        }
        let job = self.take_slot_back(&mut table, slot);
        drop(table);
        match job {
            Some(job) => {
                job.fail(error);
                true
            }
            None => false,
        }
    }

    fn is_running(&self, ticket: u64) -> bool {
        let (slot, seq) = split(ticket);
        !matches!(
            self.board.look(slot, seq),
            Sight::Queued | Sight::Nonsense | Sight::Taken
        )
    }
}

pub(super) fn sentence(fate: Fate, pid: u32) -> TaskError {
    match fate {
        Fate::Cancelled => TaskError::cancelled(format!(
            "while it ran; its worker, process {pid}, was killed"
        )),
        Fate::TimedOut(limit) => {
            TaskError::timed_out(limit, format!("its worker, process {pid}, was killed"))
        }
    }
}
