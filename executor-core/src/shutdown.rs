//! How an executor ends: [`Shutdown`] and its report.

use std::time::Duration;

/// What is to become of the jobs at hand when an executor shuts down.
///
/// ```
/// use executor_core::Shutdown;
/// use std::time::Duration;
///
/// let patient = Shutdown::drain().within(Duration::from_secs(30));
/// assert_eq!(patient.deadline(), Some(Duration::from_secs(30)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shutdown {
    mode: ShutdownMode,
    deadline: Option<Duration>,
}

/// The three ways, from the mildest to the strictest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ShutdownMode {
    /// Queued and running jobs finish.
    Drain,
    /// Queued jobs are cancelled; running ones finish.
    CancelPending,
    /// Queued jobs are cancelled; running ones are stopped where that is
    /// possible (in a process), and abandoned where it is not (on a thread).
    Kill,
}

impl Shutdown {
    /// Queued and running jobs finish.
    pub const fn drain() -> Self {
        Self::new(ShutdownMode::Drain)
    }

    /// Queued jobs are cancelled; running ones finish.
    pub const fn cancel_pending() -> Self {
        Self::new(ShutdownMode::CancelPending)
    }

    /// Queued jobs are cancelled; running ones are stopped or abandoned.
    pub const fn kill() -> Self {
        Self::new(ShutdownMode::Kill)
    }

    const fn new(mode: ShutdownMode) -> Self {
        let deadline = None;
        Self { mode, deadline }
    }

    /// When this time has passed, what is left is treated as by
    /// [`kill`](Self::kill). [`Duration::MAX`] is no deadline; zero is a kill that a
    /// moment of grace goes before.
    #[must_use]
    pub const fn within(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Which of the three ways.
    pub const fn mode(self) -> ShutdownMode {
        self.mode
    }

    /// After which time it turns into a kill.
    pub const fn deadline(self) -> Option<Duration> {
        self.deadline
    }
}

/// What became of the jobs that an executor had when its shutdown began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// How many came to their end, well or badly.
    pub finished: usize,
    /// How many were cancelled: they were queued, or their worker was killed.
    pub cancelled: usize,
    /// The names of those that still ran when the executor stopped waiting.
    pub abandoned: Vec<String>,
    /// The ids of worker processes that were sent SIGKILL and have not ended: the
    /// kernel cannot end one that is frozen, or that waits for a file system or a
    /// device which does not answer. Nothing more is run in them.
    pub unkilled: Vec<u32>,
}
