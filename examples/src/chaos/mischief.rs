//! [`Mischief`]: what can be switched off, by `--without`.

use std::time::Duration;

/// A class of things that are done to a pool besides submitting jobs to it and
/// killing its workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Mischief {
    /// Done callbacks that wait for another job, submit one and wait, or block
    Callbacks,
    /// Arguments that are slow to serialize, results that are slow to deserialize
    Values,
    /// Workers that are sent SIGSTOP, most of them SIGCONT later
    Stop,
    /// Workers that are frozen in a cgroup, and thawed later
    Freeze,
    /// A second pool, whose queue is full most of the time
    Full,
    /// Forked children of this process that submit to its pools
    Fork,
}

/// What a run does, and how long it waits.
#[derive(Clone, Debug)]
pub struct Rules {
    /// What is switched off.
    pub without: Vec<Mischief>,
    /// How long anything may take that ought to be over.
    pub patience: Duration,
}

impl Rules {
    /// Whether this class is not switched off.
    pub fn has(&self, mischief: Mischief) -> bool {
        !self.without.contains(&mischief)
    }

    /// How long a cancelled job, or one whose limit has passed, may take to end.
    /// A kill may need some seconds before it gives a frozen process up.
    pub fn late_after(&self) -> Duration {
        (self.patience / 4).max(Duration::from_secs(12))
    }

    /// How long no job may end while one waits that only user code of other jobs could
    /// hold up.
    pub fn held_up_after(&self) -> Duration {
        self.patience / 4
    }

    /// How long no job may end while a callback waits for one.
    pub fn callback_waits(&self) -> Duration {
        self.patience / 2
    }

    /// The longest that a worker is frozen: longer than `late_after` in a run of
    /// the usual patience.
    pub fn frozen_for(&self) -> Duration {
        self.patience / 3
    }
}
