//! [`ProcessPool`]: the handle.

use crate::builder::Builder;
use crate::config::Config;
use crate::dispatch::{Dispatch, Placed};
use crate::seat::Seat;
use crate::supervisor;
use executor_core::{
    Executor, Job, Shutdown, ShutdownMode, ShutdownReport, Task, TaskError, promise, timer,
};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

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
/// can be cancelled without harm and are taken over by whoever is idle.
///
/// # What runs on which thread
///
/// Arguments are encoded, results decoded and done callbacks called on the
/// pool's own supervisor threads, one for each worker. A callback that blocks
/// holds up that worker, and nobody else.
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

    pub(crate) fn start(config: Config) -> Self {
        let dispatch = Arc::new(Dispatch::new(config));
        let handle = Arc::new(Handle(dispatch));
        Self { handle }
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
        let (promise, task) = promise("warm-up");
        for seat in self.dispatch().warm_up(promise) {
            start_supervisor(self.dispatch(), &seat);
        }
        task
    }

    /// The process ids of the workers of the moment.
    pub fn worker_pids(&self) -> Vec<u32> {
        let seats = self.dispatch().lock().seats.clone();
        let pid = |seat: &Arc<Seat>| {
            let process = seat.occupant()?.process;
            process.exit().is_none().then(|| process.pid())
        };
        seats.iter().filter_map(pid).collect()
    }

    /// How many jobs wait in the queue, not counting those sent ahead to a
    /// worker. Cancelled ones count until they are swept out.
    pub fn queued(&self) -> usize {
        self.dispatch().lock().queue.len()
    }
}

fn start_supervisor(dispatch: &Arc<Dispatch>, seat: &Arc<Seat>) {
    if let Err(error) = supervisor::start(dispatch, seat) {
        tracing::warn!(%error, "no thread for another worker");
        dispatch.abandon(seat, &error.to_string());
    }
}

/// How long a done callback may hold up a job that its supervisor is to take.
const OVERDUE: Duration = Duration::from_millis(200);

fn look_again_later(dispatch: &Arc<Dispatch>) {
    let weak = Arc::downgrade(dispatch);
    let look = move || {
        if let Some(dispatch) = weak.upgrade() {
            let (seat, once_more) = dispatch.look_again();
            if let Some(seat) = seat {
                start_supervisor(&dispatch, &seat);
            }
            if once_more {
                look_again_later(&dispatch);
            }
        }
    };
    timer::after(OVERDUE, look).detach();
}

impl Executor for ProcessPool {
    fn execute(&self, job: Job) {
        let dispatch = self.dispatch();
        match dispatch.place(job) {
            Placed::Queued => {}
            Placed::Overdue => look_again_later(dispatch),
            Placed::Refused(job, why) => job.fail(TaskError::rejected(why)),
            Placed::Start(seat) => start_supervisor(self.dispatch(), &seat),
        }
    }

    fn shutdown(&self, how: Shutdown) -> Task<ShutdownReport> {
        self.dispatch().shutdown(how)
    }

    fn concurrency(&self) -> usize {
        self.max_workers()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.end(ShutdownMode::Drain, None);
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
