//! [`Builder`]: the settings of a pool, and why it may not be built.

use crate::config::{Config, MAX_DEPTH};
use crate::image;
use crate::pool::ProcessPool;
use crate::snapshot::Snapshot;
use crate::worker::{self, Host};
use std::error::Error;
use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::time::Duration;

/// The settings of a [`ProcessPool`].
///
/// ```no_run
/// # fn main() -> Result<(), pool_process::BuildError> {
/// pool_process::init();
/// let pool = pool_process::ProcessPool::builder().max_workers(3).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is built until `build` is called"]
pub struct Builder {
    max_workers: Option<usize>,
    max_queued: Option<usize>,
    name: String,
    boot_deadline: Duration,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            max_workers: None,
            max_queued: None,
            name: "ProcessPoolExecutor".to_owned(),
            boot_deadline: Duration::from_secs(30),
        }
    }

    /// The most worker processes at a time. They start on demand.
    ///
    /// Without it, as many as there are processors to this process: that
    /// respects its affinity and the CPU quota of its cgroup.
    pub fn max_workers(mut self, workers: usize) -> Self {
        self.max_workers = Some(workers);
        self
    }

    /// The most jobs that may wait for a worker; one more is refused, as a task
    /// that has failed. Without it the queue is bounded by memory alone.
    pub fn max_queued(mut self, jobs: usize) -> Self {
        self.max_queued = Some(jobs);
        self
    }

    /// A name for the pool, in logs and thread names.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// How long a worker may take from its start to its hello: 30 seconds unless
    /// set.
    pub fn boot_deadline(mut self, limit: Duration) -> Self {
        self.boot_deadline = limit;
        self
    }

    /// Builds the pool. No worker is started yet.
    ///
    /// The environment, working directory, arguments and file mask of this
    /// moment are those of all its workers, whenever they start.
    ///
    /// # Errors
    /// If [`init`](crate::init) has not run in this process, if a number is
    /// zero, if pools are too deep inside one another, or if this system cannot
    /// run worker processes.
    pub fn build(self) -> Result<ProcessPool, BuildError> {
        let host = worker::host().ok_or(Kind::NoInit)?;
        if self.max_workers == Some(0) {
            return Err(Kind::Zero("max_workers").into());
        }
        if self.max_queued == Some(0) {
            return Err(Kind::Zero("max_queued").into());
        }
        let depth = worker::depth();
        if depth >= MAX_DEPTH {
            return Err(Kind::TooDeep(depth).into());
        }
        if !image::anchor_is_code() {
            return Err(Kind::Unsupported.into());
        }
        let processors = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Ok(ProcessPool::start(Config {
            max_workers: self.max_workers.unwrap_or_else(processors),
            max_queued: self.max_queued,
            name: self.name,
            boot_deadline: self.boot_deadline,
            snapshot: Snapshot::take().map_err(Kind::Snapshot)?,
            depth,
            libtest: match host {
                Host::Program => None,
                Host::Test(test) => Some(test),
            },
        }))
    }
}

/// Why a pool was not built.
#[derive(Debug)]
pub struct BuildError(Kind);

#[derive(Debug)]
enum Kind {
    NoInit,
    Zero(&'static str),
    TooDeep(u32),
    Unsupported,
    Snapshot(io::Error),
}

impl From<Kind> for BuildError {
    fn from(kind: Kind) -> Self {
        Self(kind)
    }
}

impl BuildError {
    /// True if [`init`](crate::init) has not run in this process.
    pub fn is_missing_init(&self) -> bool {
        matches!(self.0, Kind::NoInit)
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::NoInit => f.write_str(
                "`pool_process::init()` has not run: workers are this program started again, so \
                 call it first thing in `main` (in tests: `pool_process::test_worker!()` and \
                 `init_test_worker()`)",
            ),
            Kind::Zero(what) => write!(f, "{what} must be greater than 0"),
            Kind::TooDeep(depth) => write!(
                f,
                "this process is a worker inside {depth} pools already, and no more than \
                 {MAX_DEPTH} may be inside one another"
            ),
            Kind::Unsupported => f.write_str(
                "functions of this program cannot be named from one process to another: either \
                 this crate is in a dynamic library, or the system is not Linux",
            ),
            Kind::Snapshot(error) => write!(f, "the working directory is not known: {error}"),
        }
    }
}

impl Error for BuildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0 {
            Kind::Snapshot(error) => Some(error),
            _ => None,
        }
    }
}
