//! [`ProcessPool`]: the handle.

use crate::builder::Builder;
use crate::config::Config;
use crate::crew;
use crate::dispatch::Dispatch;
use executor_core::{Executor, Job, Shutdown, ShutdownMode, ShutdownReport, Task, promise, say};
use std::fmt;
use std::io;
use std::sync::Arc;

/// An executor whose workers are processes: copies of this program.
///
/// Cloning it gives another handle of the same pool. When the last handle is
/// dropped, no new jobs come, those at hand finish, and the workers go; a
/// program that returns from `main` meanwhile waits for them.
///
/// # Pool size
///
/// At most [`max_workers`](Builder::max_workers) processes, started on demand:
/// an idle one is reused before another is started. One that dies is replaced.
///
/// # Queueing
///
/// Jobs wait in one queue, in the order they were submitted, without bound
/// unless [`max_queued`](Builder::max_queued) sets one. When many wait, a worker
/// is sent several at a time; those it has not begun are still queued, so they
/// can be cancelled without harm and are taken over by whoever is idle. Only where there are
/// more workers than processors and jobs take less than it costs to wake a worker (some
/// 10 µs), as many workers as processors are kept at work and the others left to sleep; who
/// is held up by a longer job meanwhile loses what is behind it within some milliseconds.
///
/// A forked child has the handle and none of the threads. There a submit is rejected at
/// once, with the reason, and dropping the handle does nothing.
///
/// # What runs on which thread
///
/// An argument is encoded by the thread that submits it, before `submit` returns: a job
/// that cannot be encoded has failed by then. A large [`Bytes`](executor_core::Bytes) is
/// not encoded but moved.
///
/// Results are decoded and done callbacks called on the pool's supervisor, which is one
/// thread however many workers there are. Where such code does not come back within some
/// milliseconds, another thread takes the place of that one: so it may block, and wait for
/// other jobs of the pool, and holds up nobody but its own task. A thread that blocks in
/// [`Task::wait`](executor_core::Task::wait) may decode the result of that task itself; one
/// that waits with a limit never does.
///
/// ```no_run
/// use executor_core::{ExecutorExt as _, Shutdown};
///
/// fn square(n: u64) -> u64 {
///     n * n
/// }
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     pool_process::init(); // in a worker process this call never returns
///     let pool = pool_process::ProcessPool::new()?;
///     assert_eq!(pool.submit(square, 12).wait()?, 144);
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct ProcessPool {
    handle: Arc<Handle>,
}

/// Its drop is the drop of the last handle.
struct Handle(Arc<Dispatch>);

impl ProcessPool {
    /// A pool with default settings.
    ///
    /// # Errors
    /// As [`Builder::build`].
    pub fn new() -> Result<Self, crate::BuildError> {
        Self::builder().build()
    }

    /// The settings of a new pool.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn start(config: Config) -> io::Result<Self> {
        let dispatch = Arc::new(Dispatch::new(config)?);
        let handle = Arc::new(Handle(dispatch));
        Ok(Self { handle })
    }

    fn dispatch(&self) -> &Arc<Dispatch> {
        &self.handle.0
    }

    /// The most worker processes at a time.
    pub fn max_workers(&self) -> usize {
        self.dispatch().config.max_workers
    }

    /// Starts all workers, up to [`max_workers`](Self::max_workers); the task
    /// resolves when each is ready for jobs.
    ///
    /// It fails if one of them does not start, or if the pool is shut down.
    pub fn warm_up(&self) -> Task<()> {
        if self.dispatch().made.is_foreign() {
            return Task::ready("warm-up", Err(self.dispatch().forked()));
        }
        let (promise, task) = promise("warm-up");
        self.dispatch().warm_up(promise);
        self.begin();
        task
    }

    /// Sees to it that somebody supervises.
    fn begin(&self) {
        if let Err(error) = crew::begin(self.dispatch()) {
            say!(warn, %error, "no thread for the pool");
            self.dispatch().cannot_begin(&error);
        }
    }

    /// The process ids of the workers of the moment.
    pub fn worker_pids(&self) -> Vec<u32> {
        if self.dispatch().made.is_foreign() {
            return Vec::new();
        }
        let state = self.dispatch().lock();
        let processes = state
            .roster
            .seats
            .iter()
            .filter_map(|seat| seat.process.as_ref());
        let alive = processes.filter(|process| process.exit().is_none());
        alive.map(|process| process.pid()).collect()
    }

    /// How many jobs wait: in the queue, or sent ahead to a worker that has yet to begin
    /// them. Cancelled ones may count for a while.
    pub fn queued(&self) -> usize {
        match self.dispatch().made.is_foreign() {
            true => 0,
            false => self.dispatch().queued(),
        }
    }
}

impl Executor for ProcessPool {
    fn execute(&self, job: Job) {
        if self.dispatch().made.is_foreign() {
            return job.fail(self.dispatch().forked());
        }
        if self.dispatch().place(job) {
            self.begin();
        }
    }

    fn shutdown(&self, how: Shutdown) -> Task<ShutdownReport> {
        if self.dispatch().made.is_foreign() {
            return Task::ready("shutdown", Err(self.dispatch().forked()));
        }
        self.dispatch().shutdown(how)
    }

    fn concurrency(&self) -> usize {
        self.max_workers()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if !self.0.made.is_foreign() {
            self.0.end(ShutdownMode::Drain, None);
        }
    }
}

impl fmt::Debug for ProcessPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessPool")
            .field("name", &self.dispatch().config.name)
            .field("max_workers", &self.max_workers())
            .field("worker_pids", &self.worker_pids())
            .field("queued", &self.queued())
            .finish()
    }
}
