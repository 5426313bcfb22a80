//! [`Job`] and [`HeldJob`]: one piece of work, as an executor sees it, without
//! the types of its function, argument and result.

mod erased;
mod input;

pub(crate) use self::erased::{Call, Closure, Shared, Work};
pub(crate) use self::input::Input;

use self::erased::AnyJob;
use crate::cell::Stage;
use crate::control::Control;
use crate::current;
use crate::entry::{CallFault, Entry};
use crate::error::TaskError;
use crate::panic::{PanicReport, discard};
use crate::task::{Task, TaskId, TaskRef};
use crate::timer::{self, Timer};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What the submitter may ask for besides the function and its argument.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobOptions {
    /// The name to show in place of the function's.
    pub name: Option<String>,
    /// The longest the function may run, counted from its start.
    pub timeout: Option<Duration>,
    /// The longest the job may wait before its function starts.
    pub queue_timeout: Option<Duration>,
    /// How often the job may be run again if its worker dies: more than zero
    /// declares that running it twice does no harm.
    pub retries: u32,
}

/// A queued job: what [`Executor::execute`](crate::Executor::execute) is given.
///
/// An executor that runs jobs in this process calls [`run`](Self::run) on one of
/// its threads. One that runs them elsewhere [`hold`](Self::hold)s the job when
/// it ships it. Either way the job's task resolves exactly once: a job that is
/// dropped resolves it with an error.
#[must_use = "a job that is dropped fails its task"]
pub struct Job(Option<Arc<dyn AnyJob>>);

impl Job {
    pub(crate) fn new<W: Work>(work: W, options: JobOptions) -> (Self, Task<W::Output>) {
        let shared = Arc::new(Shared::queued(work, options));
        let job: Arc<dyn AnyJob> = shared.clone();
        if let Some(limit) = shared.meta.queue_timeout() {
            let job = Arc::downgrade(&job);
            shared.meta.keep(timer::after(limit, move || {
                if let Some(job) = job.upgrade() {
                    job.expire_in_queue(limit);
                    discard(job);
                }
            }));
        }
        (Self(Some(job)), Task::new(shared))
    }

    /// A job for a closure that may capture: only an executor of this process
    /// can run it, since [`entry`](Self::entry) is `None`.
    pub fn from_closure<C, R>(closure: C, options: JobOptions) -> (Self, Task<R>)
    where
        C: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        Self::new(Closure(closure), options)
    }

    fn inner(&self) -> &Arc<dyn AnyJob> {
        // `None` only inside the methods that consume the job.
        self.0
            .as_ref()
            .expect("a job is whole until it is consumed")
    }

    fn into_inner(mut self) -> Arc<dyn AnyJob> {
        self.0.take().expect("a job is whole until it is consumed")
    }

    /// The id of the task.
    pub fn id(&self) -> TaskId {
        self.inner().meta().id()
    }

    /// The name of the task: the one it was given, or the function's.
    pub fn name(&self) -> &str {
        self.inner().meta().name()
    }

    /// The full path of the function's type.
    pub fn function(&self) -> &'static str {
        self.inner().meta().function()
    }

    /// The trampoline, if the function can be called in another process.
    pub fn entry(&self) -> Option<Entry> {
        self.inner().entry()
    }

    /// The longest the function may run, counted from its start.
    pub fn timeout(&self) -> Option<Duration> {
        self.inner().meta().timeout()
    }

    /// False once the job was cancelled: it may then be dropped from a queue.
    pub fn is_queued(&self) -> bool {
        self.inner().stage() == Stage::Queued
    }

    /// Runs the function here and now, and resolves the task.
    ///
    /// A job that was cancelled is skipped. A panic of the function is caught,
    /// and so is one in the drop of its argument or result. If the job has a
    /// [`timeout`](Self::timeout) and it passes, the task resolves at that
    /// moment, while the function goes on to its end.
    pub fn run(self) {
        self.run_with(|| (), || ());
    }

    /// [`run`](Self::run)s the job, and says how far it is.
    ///
    /// `returned` is called here when the function has come to its end, well or
    /// badly, and before the task counts as done: whoever learns from the task
    /// that the function is over finds the executor knowing it too. It is not
    /// called if the job was cancelled before. `expired` is called, on another
    /// thread, if the time limit resolves the task first.
    pub fn run_with(self, returned: impl FnOnce(), expired: impl FnOnce() + Send + 'static) {
        if let Some(job) = self.begin() {
            job.run_with(returned, expired);
        }
    }

    /// Takes the job out of the queued state, to be [`run`](HeldJob::run_with) in
    /// this process: from now on it can only be asked to stop, by its token.
    ///
    /// No user code runs in here, so an executor may call this under the lock of
    /// its queue. `None` is given back if the job was cancelled before.
    pub fn begin(self) -> Option<HeldJob> {
        let inner = self.into_inner();
        HeldJob::if_held(inner.hold(None), inner)
    }

    /// How many queued jobs of this process have been cancelled by their owners,
    /// or have waited for longer than they were to.
    ///
    /// An executor compares two readings to learn whether it is worth looking
    /// for such jobs in its queue. Each is counted when
    /// [`is_queued`](Self::is_queued) has become false, and before its task is
    /// done.
    pub fn cancellations() -> u64 {
        crate::cell::cancellations()
    }

    /// Takes the job out of the queued state, to be run elsewhere.
    ///
    /// From now on [`Task::cancel`] asks `control`, with this `ticket`.
    ///
    /// # Errors
    /// None is given back if the job was cancelled before.
    ///
    /// [`Task::cancel`]: crate::Task::cancel
    pub fn hold(self, control: Arc<dyn Control>, ticket: u64) -> Option<HeldJob> {
        let inner = self.into_inner();
        HeldJob::if_held(inner.hold(Some((control, ticket))), inner)
    }

    /// Resolves the task with `error`; it did not run. Not if it was cancelled
    /// before.
    pub fn fail(self, error: TaskError) {
        let inner = self.into_inner();
        inner.refuse(error);
        discard(inner);
    }

    /// Cancels the job, for example because its executor shuts down; `why`
    /// completes "was cancelled: …". False if it was cancelled before.
    pub fn cancel(self, why: &str) -> bool {
        let inner = self.into_inner();
        let cancelled = inner.refuse(TaskError::cancelled(why));
        discard(inner);
        cancelled
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if let Some(inner) = self.0.take() {
            inner.refuse(TaskError::pool_broken(
                "its executor",
                "dropped the job without running it",
            ));
            discard(inner);
        }
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("id", &self.id())
            .field("name", &self.name())
            .field("queued", &self.is_queued())
            .finish()
    }
}

/// A job that an executor has taken, to run it now or elsewhere.
///
/// Its argument stays here until the job resolves, so that it can be encoded
/// again for another worker. A held job that is dropped resolves its task with
/// an error.
#[must_use = "a held job that is dropped fails its task"]
pub struct HeldJob(Option<Arc<dyn AnyJob>>);

impl HeldJob {
    /// Never makes one that is not held, not even to drop it: its drop reaches
    /// for the input, to which a job that was cancelled gives no right.
    fn if_held(held: bool, inner: Arc<dyn AnyJob>) -> Option<Self> {
        if held {
            return Some(Self(Some(inner)));
        }
        discard(inner);
        None
    }

    fn inner(&self) -> &Arc<dyn AnyJob> {
        self.0
            .as_ref()
            .expect("a job is whole until it is consumed")
    }

    fn into_inner(mut self) -> Arc<dyn AnyJob> {
        self.0.take().expect("a job is whole until it is consumed")
    }

    /// The id of the task.
    pub fn id(&self) -> TaskId {
        self.inner().meta().id()
    }

    /// The name of the task: the one it was given, or the function's.
    pub fn name(&self) -> &str {
        self.inner().meta().name()
    }

    /// The full path of the function's type.
    pub fn function(&self) -> &'static str {
        self.inner().meta().function()
    }

    /// The trampoline, if the function can be called in another process.
    pub fn entry(&self) -> Option<Entry> {
        self.inner().entry()
    }

    /// The longest the function may run, counted from its start.
    pub fn timeout(&self) -> Option<Duration> {
        self.inner().meta().timeout()
    }

    /// How often the job may be run again if its worker dies over it.
    pub fn retries(&self) -> u32 {
        self.inner().meta().retries()
    }

    /// Whether anybody waits for the task, or is to be called when it is done. An
    /// executor that resolves several jobs on one thread resolves these after the
    /// others: whom it wakes finds more than one result.
    pub fn is_awaited(&self) -> bool {
        self.inner().is_awaited()
    }

    /// Whether resolving it now would call done callbacks or watchers. An executor
    /// that resolves several jobs on one thread resolves these last: a callback
    /// may wait for another of them.
    pub fn has_followers(&self) -> bool {
        self.inner().has_followers()
    }

    /// Counts a worker that has died over the job: while its function ran, or,
    /// if it had not `begun`, before that. Gives how many did in the same way.
    ///
    /// For executors that [`release`](Self::release) jobs to run them again. The
    /// count goes when the job does, however it ends.
    pub fn count_death(&self, begun: bool) -> u32 {
        self.inner().meta().count_death(begun)
    }

    /// Appends what the trampoline reads to `buffer`, which is as before on failure:
    /// the encoded argument, and before it the context, if the job carries one.
    ///
    /// # Errors
    /// An error that names the argument's type, or the variable of the context; also
    /// if a `Serialize` panics.
    pub fn encode_argument(&mut self, buffer: &mut Vec<u8>) -> Result<(), TaskError> {
        // Unique access: the argument's `Serialize` runs on one thread at a time.
        self.inner().encode_argument(buffer)
    }

    /// Appends to `buffer` what stands in front of the argument where it is
    /// encoded, if the argument is nothing but at least `least` bytes. The bytes
    /// themselves are then those of
    /// [`with_argument_bytes`](Self::with_argument_bytes). False, and nothing
    /// happens, if it is anything else.
    ///
    /// # Errors
    /// As [`encode_argument`](Self::encode_argument): a context that the job
    /// carries is encoded too.
    pub fn encode_argument_head(
        &mut self,
        least: usize,
        buffer: &mut Vec<u8>,
    ) -> Result<bool, TaskError> {
        self.inner().encode_argument_head(least, buffer)
    }

    /// Shows the argument to `f`, if it is nothing but bytes: a
    /// [`Bytes`](crate::Bytes) or a `Vec<u8>`.
    pub fn with_argument_bytes(&self, mut f: impl FnMut(&[u8])) {
        self.inner().with_argument_bytes(&mut f);
    }

    /// Resolves the task with the result that these bytes encode. Their memory may
    /// go to the result: the vector may be empty afterwards.
    ///
    /// Bytes that cannot be decoded, or a `Deserialize` that panics, fail this
    /// task alone.
    pub fn complete(self, result: &mut Vec<u8>) {
        let inner = self.into_inner();
        inner.complete(result);
        discard(inner);
    }

    /// Resolves the task with what the trampoline reported in place of a result.
    pub fn complete_fault(self, fault: CallFault) {
        let error = self.inner().describe_fault(fault);
        self.fail(error);
    }

    /// Resolves the task as panicked.
    pub fn complete_panic(self, report: PanicReport) {
        self.fail(TaskError::panicked(report));
    }

    /// Resolves the task with `error`.
    pub fn fail(self, error: TaskError) {
        let inner = self.into_inner();
        inner.fail(error);
        discard(inner);
    }

    /// Runs the function here and now, as [`Job::run_with`] does.
    pub fn run_with(self, returned: impl FnOnce(), expired: impl FnOnce() + Send + 'static) {
        let inner = self.into_inner();
        let limit = inner.meta().timeout();
        let timer = limit.map(|limit| arm(&inner, limit, expired));
        let mut returned = Some(returned);
        current::enter(TaskRef::new(inner.clone()), || {
            inner.run(&mut || {
                if let Some(returned) = returned.take() {
                    returned();
                }
            });
        });
        drop(timer);
        discard(inner);
    }

    /// Makes it a queued job again, for another worker: its function has not
    /// started.
    #[must_use]
    pub fn release(self) -> Option<Job> {
        let inner = self.into_inner();
        if inner.release() {
            return Some(Job(Some(inner)));
        }
        discard(inner);
        None
    }
}

impl Drop for HeldJob {
    fn drop(&mut self) {
        if let Some(inner) = self.0.take() {
            inner.fail(TaskError::pool_broken(
                "its executor",
                "dropped the job without a result",
            ));
            discard(inner);
        }
    }
}

impl fmt::Debug for HeldJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeldJob")
            .field("id", &self.id())
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

/// Arms the time limit of a job that starts to run in this process.
fn arm(job: &Arc<dyn AnyJob>, limit: Duration, expired: impl FnOnce() + Send + 'static) -> Timer {
    let job = Arc::downgrade(job);
    timer::after(limit, move || {
        if let Some(job) = job.upgrade() {
            let error =
                TaskError::timed_out(limit, "the function goes on, unless it looks at its token");
            if job.expire(error) {
                expired();
            }
            discard(job);
        }
    })
}
