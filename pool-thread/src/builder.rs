//! [`ThreadPoolBuilder`]: the settings of a pool.

use crate::error::{BuildError, Fault};
use crate::pool::ThreadPool;
use crate::shared::Settings;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The settings of a [`ThreadPool`], made by [`ThreadPool::builder`].
///
/// ```
/// use pool_thread::ThreadPool;
///
/// let pool = ThreadPool::builder()
///     .max_workers(4)
///     .max_queued(1000)
///     .name("resolver")
///     .build()?;
/// assert_eq!(pool.name(), "resolver");
/// assert_eq!(pool.workers(), 0); // none is started before there is a job
/// # Ok::<(), pool_thread::BuildError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "no pool exists until `build` is called"]
pub struct ThreadPoolBuilder {
    max_workers: Option<usize>,
    max_queued: Option<usize>,
    name: Option<String>,
    stack_size: Option<usize>,
}

impl ThreadPoolBuilder {
    /// Limits how many threads there can be, and so how many jobs run at the
    /// same time.
    ///
    /// Without it, the limit is `min(32, cpus + 4)`, where `cpus` respects the
    /// process's affinity and its cgroup's quota.
    pub fn max_workers(mut self, count: usize) -> Self {
        self.max_workers = Some(count);
        self
    }

    /// Limits how many jobs can wait while all workers are taken: a job beyond
    /// that comes back as a task that was rejected. Cancelled jobs do not count.
    ///
    /// Without it, the queue grows as long as there is memory.
    pub fn max_queued(mut self, count: usize) -> Self {
        self.max_queued = Some(count);
        self
    }

    /// Names the pool; its threads are `name_0`, `name_1`, and so on.
    ///
    /// Without it, the name is `ThreadPoolExecutor-0`, where the number counts
    /// the pools of this process that were built without a name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the size of each thread's stack, in bytes.
    ///
    /// Without it, the standard library's default holds.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// Builds the pool. No thread is started yet.
    ///
    /// # Errors
    /// If a count is zero or the name contains a NUL byte.
    pub fn build(self) -> Result<ThreadPool, BuildError> {
        for (setting, count) in [
            ("max_workers", self.max_workers),
            ("max_queued", self.max_queued),
        ] {
            if count == Some(0) {
                return Err(Fault::Zero { setting }.into());
            }
        }
        if self.name.as_ref().is_some_and(|name| name.contains('\0')) {
            return Err(Fault::NameWithNul.into());
        }
        Ok(self.build_checked())
    }

    /// Builds the pool from settings that are known to be right.
    pub(crate) fn build_checked(self) -> ThreadPool {
        ThreadPool::with_settings(Settings {
            name: self.name.unwrap_or_else(default_name),
            max_workers: self.max_workers.unwrap_or_else(default_workers),
            max_queued: self.max_queued,
            stack_size: self.stack_size,
        })
    }
}

fn default_name() -> String {
    static BUILT: AtomicUsize = AtomicUsize::new(0);
    let number = BUILT.fetch_add(1, Ordering::Relaxed);
    format!("ThreadPoolExecutor-{number}")
}

/// Blocking work wants more threads than there are CPUs, but a machine with
/// hundreds of CPUs does not want hundreds of threads: Python's formula.
fn default_workers() -> usize {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    (cpus + 4).min(32)
}
