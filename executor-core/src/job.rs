//! [`Job`]: one piece of work, as an executor sees it, without the types of its
//! function, argument and result. `job/held.rs` has the same once it was taken.

mod erased;
mod held;
mod input;
mod payload;
mod whole;
mod work;

pub(crate) use self::erased::{AnyJob, Shared, new_in_place};
pub use self::held::HeldJob;
pub(crate) use self::input::Input;
pub(crate) use self::work::{Call, Closure, Rest, Work};

use self::whole::Whole;
use crate::cell::Stage;
use crate::control::Control;
use crate::entry::Entry;
use crate::error::TaskError;
use crate::panic::discard;
use crate::queue::Husks;
use crate::task::{Extra, Task, TaskId};
use crate::timer;
use std::fmt;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::time::Duration;

/// What the submitter may ask for besides the function and its argument.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobOptions {
    /// The name to show in place of the function's.
    pub name: Option<String>,
    /// The longest the function may run, counted from its start: see
    /// [`TaskBuilder::timeout`](crate::TaskBuilder::timeout).
    pub timeout: Option<Duration>,
    /// The longest the job may wait before its function starts: see
    /// [`TaskBuilder::queue_timeout`](crate::TaskBuilder::queue_timeout).
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
pub struct Job(Whole);

impl Job {
    // Inlined, so that for most jobs it is known that they have no options.
    #[inline(always)]
    pub(crate) fn new<W: Work>(work: W, options: JobOptions) -> (Self, Task<W::Output>) {
        Self::with(work, Extra::of(options))
    }

    fn with<W: Work>(work: W, extra: Option<Box<Extra>>) -> (Self, Task<W::Output>) {
        let shared = new_in_place(|| Shared::queued(work, extra));
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
        (Self(Whole::new(job)), Task::new(shared))
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

    #[inline]
    fn inner(&self) -> &Arc<dyn AnyJob> {
        self.0.get()
    }

    #[inline]
    fn into_inner(self) -> Arc<dyn AnyJob> {
        let mut job = ManuallyDrop::new(self);
        // SAFETY: the job is not dropped, and nobody sees it after this.
        unsafe { job.0.take() }
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
    #[inline]
    pub fn function(&self) -> &'static str {
        self.inner().meta().function()
    }

    /// The trampoline, if the function can be called in another process.
    pub fn entry(&self) -> Option<Entry> {
        self.inner().entry()
    }

    /// The longest the function may run, counted from its start.
    #[inline]
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
    #[inline]
    pub fn begin(self) -> Option<HeldJob> {
        let inner = self.into_inner();
        HeldJob::if_held(inner.hold(None), inner)
    }

    /// [`begin`](Self::begin)s the job, or gives back what is left of one that was
    /// withdrawn: it may run user code when it is dropped, so not under a lock.
    #[inline]
    pub(crate) fn begin_or_husk(self) -> Result<HeldJob, Arc<dyn AnyJob>> {
        let inner = self.into_inner();
        match inner.hold(None) {
            true => Ok(HeldJob::of_held(inner)),
            false => Err(inner),
        }
    }

    /// Takes a job out of its queue, or gives back what is left of one that was
    /// withdrawn.
    pub(crate) fn exit_or_husk(self) -> Result<Self, Arc<dyn AnyJob>> {
        match self.inner().exit() {
            true => Ok(self),
            false => Err(self.into_inner()),
        }
    }

    /// What is left of a job that was withdrawn.
    pub(crate) fn into_husk(self) -> Arc<dyn AnyJob> {
        self.into_inner()
    }

    /// Puts the job into a queue of this ledger; false if it was withdrawn before.
    #[inline]
    pub(crate) fn enter(&self, ledger: u32) -> bool {
        self.inner().enter(ledger)
    }

    /// Has this ledger told when the job is over; false if it was withdrawn before.
    pub(crate) fn admit(&self, ledger: u32) -> bool {
        self.inner().admit(ledger)
    }

    /// Encodes the argument, and before it the context, if the job carries one; then the
    /// argument is dropped. For an executor that runs jobs in other processes: it reads
    /// them by [`HeldJob::with_payload`]. In this process the job can run no more: that
    /// would fail it. One that was encoded before is given back as it is.
    ///
    /// Runs code of the user's, on this thread: the `Serialize` of the argument and of the
    /// context. If that fails, or panics, the task is resolved with the reason and `None` is
    /// given back; so it is if the job was cancelled, or its time in the queue is over.
    ///
    /// An argument that is a large [`Bytes`](crate::Bytes) or `Vec<u8>`, and nothing else, is
    /// not copied.
    pub fn encode(self) -> Option<Self> {
        let inner = self.into_inner();
        if inner.encode() {
            return Some(Self(Whole::new(inner)));
        }
        discard(inner);
        None
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

    /// [`hold`](Self::hold)s the job, or adds what is left of one that was cancelled to
    /// `husks`: so no code of the user's runs in here.
    pub fn hold_or_husk(
        self,
        control: Arc<dyn Control>,
        ticket: u64,
        husks: &mut Husks,
    ) -> Option<HeldJob> {
        let inner = self.into_inner();
        if inner.hold(Some((control, ticket))) {
            return Some(HeldJob::of_held(inner));
        }
        husks.add(inner);
        None
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
        // SAFETY: it is being dropped, and this is the last that is seen of it.
        let inner = unsafe { self.0.take() };
        inner.refuse(TaskError::pool_broken(
            "its executor",
            "dropped the job without running it",
        ));
        discard(inner);
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
