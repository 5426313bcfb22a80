//! [`Tally`]: outcomes, counted.

use executor_core::{TaskError, TaskErrorKind};

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// With a value.
    Done,
    /// With its function's own error.
    Failed,
    /// Cancelled.
    Cancelled,
    /// With a panic.
    Panicked,
    /// At one of its limits.
    TimedOut,
    /// With its worker.
    Lost,
    /// With its worker, more often than it may.
    Quarantined,
    /// The pool did not take it.
    Rejected,
    /// The pool had no workers.
    Broken,
    /// In some other way.
    Other,
}

impl Class {
    const NAMES: [(Self, &str); 10] = [
        (Self::Done, "done"),
        (Self::Failed, "failed"),
        (Self::Cancelled, "cancelled"),
        (Self::Panicked, "panicked"),
        (Self::TimedOut, "timed out"),
        (Self::Lost, "worker lost"),
        (Self::Quarantined, "worker lost, quarantined"),
        (Self::Rejected, "rejected"),
        (Self::Broken, "pool broken"),
        (Self::Other, "other"),
    ];

    /// What an outcome is.
    pub fn of<T, E>(outcome: Result<&Result<T, E>, &TaskError>) -> Self {
        let error = match outcome {
            Ok(Ok(_)) => return Self::Done,
            Ok(Err(_)) => return Self::Failed,
            Err(error) => error,
        };
        match error.kind() {
            TaskErrorKind::Cancelled => Self::Cancelled,
            TaskErrorKind::Panicked => Self::Panicked,
            TaskErrorKind::TimedOut => Self::TimedOut,
            TaskErrorKind::WorkerLost => match error.lost_worker() {
                Some(lost) if lost.is_quarantined() => Self::Quarantined,
                _ => Self::Lost,
            },
            TaskErrorKind::Rejected => Self::Rejected,
            TaskErrorKind::PoolBroken => Self::Broken,
            _ => Self::Other,
        }
    }
}

/// How many jobs ended how.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// How many were submitted.
    pub submitted: u64,
    /// How many of them were refused, and might be.
    pub refused: u64,
    /// Bytes of payload in results that were right.
    pub bytes: u64,
    ended: [u64; Class::NAMES.len()],
    /// Outcomes that are wrong in themselves, or that the job cannot have had.
    pub wrong: Vec<String>,
    /// Jobs without an outcome.
    pub stuck: Vec<String>,
    /// Jobs that took too long to end after they were stopped.
    pub late: Vec<String>,
}

impl Tally {
    /// Counts one.
    pub fn count(&mut self, class: Class) {
        self.ended[class as usize] += 1;
    }

    /// Adds another's counts.
    pub fn add(&mut self, other: Self) {
        self.submitted += other.submitted;
        self.refused += other.refused;
        self.bytes += other.bytes;
        for (mine, theirs) in self.ended.iter_mut().zip(other.ended) {
            *mine += theirs;
        }
        self.wrong.extend(other.wrong);
        self.stuck.extend(other.stuck);
        self.late.extend(other.late);
    }

    /// How many have ended.
    pub fn ended(&self) -> u64 {
        self.ended.iter().sum()
    }

    /// Each way to end, and how many did.
    pub fn rows(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let rows = Class::NAMES.iter().zip(self.ended);
        rows.map(|((_, name), count)| (*name, count))
    }
}
