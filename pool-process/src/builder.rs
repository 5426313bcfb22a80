//! [`Builder`]: the settings of a pool.

mod error;

pub use self::error::BuildError;

use self::error::Kind;
use crate::config::{Config, MAX_DEPTH};
use crate::image;
use crate::orders::{Initialized, Initializer, Orders};
use crate::pool::ProcessPool;
use crate::snapshot::Snapshot;
use crate::transport::Transport;
use crate::worker::{self, Host};
use serde::{Serialize, de::DeserializeOwned};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// The settings of a [`ProcessPool`].
///
/// ```no_run
/// # fn main() -> Result<(), pool_process::BuildError> {
/// use std::time::Duration;
///
/// pool_process::init();
/// let pool = pool_process::ProcessPool::builder()
///     .max_workers(3)
///     .max_tasks_per_worker(1000)
///     .idle_timeout(Duration::from_secs(60))
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is built until `build` is called"]
pub struct Builder {
    config: Config,
    workers: Option<usize>,
    environment: Vec<(OsString, Option<OsString>)>,
    directory: Option<PathBuf>,
    initializer: Option<Result<Initializer, String>>,
    transport: Option<Transport>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            config: Config {
                max_workers: 0,
                min_workers: 0,
                idle_timeout: None,
                max_queued: None,
                max_tasks_per_worker: None,
                recycle_above: None,
                max_result: 16 << 30,
                kill_tree: false,
                capture_stderr: true,
                pin_processors: false,
                worker_exe: None,
                transport: Transport::default(),
                orders: Orders {
                    oom_score_adj: Some(500),
                    ..Orders::default()
                },
                name: "ProcessPoolExecutor".to_owned(),
                boot_deadline: Duration::from_secs(30),
                snapshot: Snapshot::default(),
                depth: 0,
                libtest: None,
            },
            workers: None,
            environment: Vec::new(),
            directory: None,
            initializer: None,
            transport: None,
        }
    }

    /// The most worker processes at a time. They start on demand.
    ///
    /// Without it, as many as there are processors to this process: that
    /// respects its affinity and the CPU quota of its cgroup.
    pub fn max_workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// How many workers stay although they are idle for longer than the
    /// [`idle_timeout`](Self::idle_timeout). They too start on demand; see
    /// [`ProcessPool::warm_up`].
    pub fn min_workers(mut self, workers: usize) -> Self {
        self.config.min_workers = workers;
        self
    }

    /// How long an idle worker stays. Without it, or with [`Duration::MAX`], as long as
    /// the pool; with zero, until there is no job for it.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.config.idle_timeout = Some(limit);
        self
    }

    /// The most jobs that may wait for a worker; one more is refused, as a task
    /// that has failed. Without it the queue is bounded by memory alone.
    pub fn max_queued(mut self, jobs: usize) -> Self {
        self.config.max_queued = Some(jobs);
        self
    }

    /// Replaces a worker after so many jobs, for functions that leak. A chunk of
    /// a `map` counts as one.
    pub fn max_tasks_per_worker(mut self, jobs: u64) -> Self {
        self.config.max_tasks_per_worker = Some(jobs);
        self
    }

    /// Replaces a worker whose resident memory is above so many bytes, when it
    /// has finished what it has. No job is lost by this.
    pub fn recycle_above(mut self, bytes: u64) -> Self {
        self.config.recycle_above = Some(bytes);
        self
    }

    /// Limits the address space of each worker to so many bytes: an allocation
    /// beyond it fails, which in most programs ends the worker, and its job fails
    /// as out of memory.
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.config.orders.memory_limit = Some(bytes);
        self
    }

    /// The longest result, in bytes, that is taken from a worker: 16 GiB unless
    /// set. A worker that announces a longer one is killed.
    pub fn max_result_bytes(mut self, bytes: u64) -> Self {
        self.config.max_result = bytes;
        self
    }

    /// Calls `function(argument)` in each worker, once, before its first job.
    ///
    /// It returns nothing, or a `Result<(), E>`. A worker in which it fails or
    /// panics does not take jobs; when that has happened several times in a row,
    /// the jobs that wait fail with its error.
    ///
    /// This is the place to install the worker's `tracing` subscriber. Context
    /// variables that it sets reach no job: each has those of its submitter.
    pub fn initializer<F, A, R>(mut self, function: F, argument: A) -> Self
    where
        F: Fn(A) -> R + Copy + Send + 'static,
        A: Serialize + DeserializeOwned + 'static,
        R: Initialized,
    {
        self.initializer = Some(Initializer::new(function, &argument));
        self
    }

    /// Kills, together with a worker, the processes that it has started, unless
    /// they have left its process group.
    pub fn kill_tree(mut self, with_its_children: bool) -> Self {
        self.config.kill_tree = with_its_children;
        self
    }

    /// Whether what workers write to their standard error goes through the pool,
    /// which passes it on to its own and adds the last lines to the error when a
    /// worker dies. It does unless this is set to false; then workers write where
    /// their parent does.
    pub fn capture_stderr(mut self, through_the_pool: bool) -> Self {
        self.config.capture_stderr = through_the_pool;
        self
    }

    /// Adds to the niceness of workers, so that others get the processor first.
    /// Less than zero needs a privilege.
    pub fn nice(mut self, more: i32) -> Self {
        self.config.orders.nice = Some(more);
        self
    }

    /// How much sooner than other processes the kernel takes a worker when memory
    /// runs out: from -1000 to 1000, 500 unless set, so that a worker is lost
    /// rather than its parent. Lowering it needs a privilege.
    pub fn oom_score_adj(mut self, adjustment: i32) -> Self {
        self.config.orders.oom_score_adj = Some(adjustment);
        self
    }

    /// Whether a worker that crashes may leave a core dump. None does unless this
    /// is set.
    pub fn core_dumps(mut self, allowed: bool) -> Self {
        self.config.orders.core_dumps = allowed;
        self
    }

    /// Keeps each worker on one processor of those that this process may use: the first
    /// that no other worker of this pool is on. With more workers than processors they
    /// share them evenly.
    pub fn pin_processors(mut self, pinned: bool) -> Self {
        self.config.pin_processors = pinned;
        self
    }

    /// Sets a variable in the environment of workers.
    pub fn env(mut self, key: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((key.into(), Some(value.into())));
        self
    }

    /// Takes a variable out of the environment of workers.
    pub fn env_remove(mut self, key: impl Into<OsString>) -> Self {
        self.environment.push((key.into(), None));
        self
    }

    /// The working directory of workers. Without it, that of this process when
    /// the pool is built.
    pub fn current_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Starts workers from this file in place of `/proc/self/exe`: for systems
    /// without that link. It must be a copy of this very program, which the
    /// handshake checks: it compares the build id that the linker has made, or, where
    /// there is none, all code and constants. The file may be stripped.
    pub fn worker_exe(mut self, path: impl Into<PathBuf>) -> Self {
        self.config.worker_exe = Some(path.into());
        self
    }

    /// How jobs and results move between the pool and its workers: through shared
    /// memory unless this is set.
    ///
    /// Where it is not, the environment variable `POOL_PROCESS_TRANSPORT` with
    /// the value `messages` chooses [`Transport::Messages`].
    pub fn transport(mut self, transport: Transport) -> Self {
        self.transport = Some(transport);
        self
    }

    /// A name for the pool, in logs and thread names.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.config.name = name.into();
        self
    }

    /// How long a worker may take from its start until it is ready, its
    /// initializer included: 30 seconds unless set. [`Duration::MAX`] is no limit, and
    /// zero is refused by [`build`](Self::build).
    pub fn boot_deadline(mut self, limit: Duration) -> Self {
        self.config.boot_deadline = limit;
        self
    }

    /// Builds the pool. No worker is started yet.
    ///
    /// The environment, working directory, arguments and file mask of this
    /// moment are those of all its workers, whenever they start.
    ///
    /// # Errors
    /// If [`init`](crate::init) has not run in this process, if a number is zero
    /// or does not fit the others, if the argument of the initializer cannot be
    /// encoded, if pools are too deep inside one another, or if this system cannot
    /// run worker processes.
    pub fn build(self) -> Result<ProcessPool, BuildError> {
        let config = self.configure()?;
        ProcessPool::start(config).map_err(|error| Kind::Descriptors(error).into())
    }

    /// What the pool is to be built with.
    pub(crate) fn configure(self) -> Result<Config, BuildError> {
        let host = worker::host().ok_or(Kind::NoInit)?;
        let mut config = self.config;
        let processors = crate::transport::processors;
        config.max_workers = self.workers.unwrap_or_else(processors);
        let numbers = [
            ("max_workers", Some(config.max_workers as u64)),
            ("max_queued", config.max_queued.map(|jobs| jobs as u64)),
            ("max_tasks_per_worker", config.max_tasks_per_worker),
            ("recycle_above", config.recycle_above),
            ("memory_limit", config.orders.memory_limit),
            ("max_result_bytes", Some(config.max_result)),
            (
                "boot_deadline",
                Some(u64::from(!config.boot_deadline.is_zero())),
            ),
        ];
        if let Some((what, _)) = numbers.iter().find(|(_, number)| *number == Some(0)) {
            return Err(Kind::Zero(what).into());
        }
        if config.min_workers > config.max_workers {
            return Err(Kind::MoreThanMost(config.min_workers, config.max_workers).into());
        }
        config.transport = self.transport.unwrap_or_else(|| {
            match std::env::var_os("POOL_PROCESS_TRANSPORT").is_some_and(|way| way == "messages") {
                true => Transport::Messages,
                false => Transport::SharedMemory,
            }
        });
        config.depth = worker::depth();
        if config.depth >= MAX_DEPTH {
            return Err(Kind::TooDeep(config.depth).into());
        }
        if !image::anchor_is_code() {
            return Err(Kind::Unsupported.into());
        }
        crate::transport::warm_up().map_err(Kind::Channels)?;
        let initializer = self.initializer.transpose();
        config.orders.initializer = initializer.map_err(Kind::Initializer)?;
        config.snapshot = Snapshot::take().map_err(Kind::Snapshot)?;
        let environment = &mut config.snapshot.environment;
        for (key, value) in self.environment {
            match value {
                Some(value) => environment.insert(key, value),
                None => environment.remove(&key),
            };
        }
        if let Some(directory) = self.directory {
            config.snapshot.directory = directory;
        }
        config.libtest = match host {
            Host::Program => None,
            Host::Test(test) => Some(test),
        };
        Ok(config)
    }
}
