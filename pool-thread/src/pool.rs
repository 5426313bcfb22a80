//! [`ThreadPool`]: the handle.

use crate::builder::ThreadPoolBuilder;
use crate::intake::Both;
use crate::shared::{Settings, Shared};
use executor_core::{Executor, Job, JobOptions, Shutdown, ShutdownMode, ShutdownReport, Task};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A pool of threads, as an [`Executor`].
///
/// Clones are handles of the same pool and cost a counter. Submit plain
/// functions through [`ExecutorExt`](executor_core::ExecutorExt), and closures
/// that capture through [`spawn`](Self::spawn).
///
/// Dropping the last handle does not block: what is queued and running
/// finishes, then the threads end, and a program that returns from `main`
/// meanwhile waits for that; a job must not call `std::process::exit` then, which
/// the standard library stops for ever once `main` has returned. A job that holds
/// a handle of its own pool keeps the pool open.
///
/// A forked child has the handle and none of the threads. There a submit is rejected at
/// once with an error that says so, a shutdown ends at once with the same, all counts are
/// zero, and dropping the last handle does nothing.
///
/// ```
/// use executor_core::{Executor as _, ExecutorExt as _, Shutdown};
/// use pool_thread::ThreadPool;
///
/// fn shout(text: String) -> String {
///     text.to_uppercase()
/// }
///
/// let pool = ThreadPool::new();
/// assert_eq!(pool.submit(shout, "hello".to_owned()).wait()?, "HELLO");
/// let report = pool.shutdown(Shutdown::drain()).wait()?;
/// assert!(report.abandoned.is_empty());
/// assert!(pool.submit(shout, String::new()).wait().unwrap_err().is_rejected());
/// # Ok::<(), executor_core::TaskError>(())
/// ```
#[derive(Clone)]
pub struct ThreadPool(Arc<Handle>);

/// What the handles of a pool have in common; the workers have none of it, so
/// its drop is the drop of the last handle.
struct Handle {
    shared: Arc<Shared>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.shared.made.is_foreign() {
            // Not even freed: that would take locks that may be held for ever.
            return std::mem::forget(self.shared.clone());
        }
        self.shared.close(ShutdownMode::Drain, None);
    }
}

impl ThreadPool {
    /// A pool with the default settings: up to `min(32, cpus + 4)` threads, no
    /// bound on the queue.
    pub fn new() -> Self {
        Self::builder().build_checked()
    }

    /// A builder for a pool with settings of one's own.
    pub fn builder() -> ThreadPoolBuilder {
        ThreadPoolBuilder::default()
    }

    pub(crate) fn with_settings(settings: Settings) -> Self {
        let shared = Arc::new(Shared::new(settings));
        Self(Arc::new(Handle { shared }))
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }

    /// Starts a closure, which may capture, and returns its task, at once.
    ///
    /// The task fails, rather than this call, if the job cannot be taken. For a
    /// name or a time limit, give [`execute`](Executor::execute) a job made by
    /// [`Job::from_closure`].
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// let pool = pool_thread::ThreadPool::new();
    /// let words = Arc::new(vec!["a", "b"]);
    /// let count = pool.spawn({
    ///     let words = words.clone();
    ///     move || words.len()
    /// });
    /// assert_eq!(count.wait()?, 2);
    /// # Ok::<(), executor_core::TaskError>(())
    /// ```
    pub fn spawn<C, R>(&self, closure: C) -> Task<R>
    where
        C: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let (job, task) = Job::from_closure(closure, JobOptions::default());
        self.shared().submit(job);
        task
    }

    /// What there is to be counted; nothing in a forked child.
    fn look(&self, count: impl FnOnce(&Both<'_>) -> usize) -> usize {
        match self.shared().made.is_foreign() {
            true => 0,
            false => count(&self.shared().lock()),
        }
    }

    /// The name of the pool, with which those of its threads begin.
    pub fn name(&self) -> &str {
        &self.shared().settings.name
    }

    /// The most threads there can be.
    pub fn max_workers(&self) -> usize {
        self.shared().settings.max_workers
    }

    /// How many threads there are at present.
    pub fn workers(&self) -> usize {
        self.look(|both| both.intake.seats.taken())
    }

    /// How many jobs wait for a worker at present.
    pub fn queued(&self) -> usize {
        self.look(|both| both.waiting())
    }

    /// How many functions run at present, including those that their time limit
    /// has given up.
    pub fn running(&self) -> usize {
        self.look(|both| both.dispatch.busy())
    }
}

impl Default for ThreadPool {
    fn default() -> Self {
        Self::new()
    }
}

impl Executor for ThreadPool {
    fn execute(&self, job: Job) {
        self.shared().submit(job);
    }

    /// Takes no more jobs, and ends the workers as `how` says.
    ///
    /// Returns at once. The task resolves when nothing is left to wait for; the
    /// report names as abandoned what still runs then: with
    /// [`Kill`](ShutdownMode::Kill), or after the deadline, every running
    /// function; else those whose time limit has passed, and the job that calls
    /// this, if it is one of this pool, because it could not end while it waits
    /// for itself. It may be called again, by anybody, also with a stricter
    /// `how`; a milder one changes nothing.
    ///
    /// Captures and arguments of cancelled jobs are dropped, and their done
    /// callbacks run, before this returns, or on the timer's thread where the
    /// deadline cancels them.
    fn shutdown(&self, how: Shutdown) -> Task<ShutdownReport> {
        self.shared().shutdown(how)
    }

    fn concurrency(&self) -> usize {
        self.max_workers()
    }
}

impl fmt::Debug for ThreadPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (workers, running, queued) = (self.workers(), self.running(), self.queued());
        let closed = self.shared().closed.load(Ordering::Acquire);
        f.debug_struct("ThreadPool")
            .field("name", &self.name())
            .field("max_workers", &self.max_workers())
            .field("workers", &workers)
            .field("running", &running)
            .field("queued", &queued)
            .field("closed", &closed)
            .finish()
    }
}
