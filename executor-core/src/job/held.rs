//! [`HeldJob`]: a job that an executor has taken, and how it runs in this process.

use super::erased::Course;
use super::whole::Whole;
use super::{AnyJob, Job};
use crate::current;
use crate::entry::{CallFault, Entry};
use crate::error::TaskError;
use crate::panic::{PanicReport, discard};
use crate::partial::Parts;
use crate::task::TaskId;
use crate::timer::{self, Timer};
use crate::wakeups::Wakeups;
use std::borrow::Cow;
use std::fmt;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::time::Duration;

/// A job that an executor has taken, to run it now or elsewhere.
///
/// Its argument stays here until the job resolves, encoded or not, so that it can be
/// sent again to another worker. A held job that is dropped resolves its task with
/// an error.
#[must_use = "a held job that is dropped fails its task"]
pub struct HeldJob(Whole);

impl HeldJob {
    /// Never makes one that is not held, not even to drop it: its drop reaches
    /// for the input, to which a job that was cancelled gives no right.
    #[inline]
    pub(super) fn if_held(held: bool, inner: Arc<dyn AnyJob>) -> Option<Self> {
        if held {
            return Some(Self(Whole::new(inner)));
        }
        discard(inner);
        None
    }

    /// A job of which the caller knows that it is held.
    #[inline]
    pub(super) fn of_held(inner: Arc<dyn AnyJob>) -> Self {
        Self(Whole::new(inner))
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

    /// Gives up the job's place among those that its
    /// [`Ledger`](crate::queue::Ledger) has admitted, before it does so by itself: its
    /// function is over, or takes no worker from others.
    pub fn leave_ledger(&self) {
        self.inner().leave();
    }

    /// The id of the task.
    pub fn id(&self) -> TaskId {
        self.inner().meta().id()
    }

    /// The name of the task: the one it was given, or the function's.
    pub fn name(&self) -> &str {
        self.inner().meta().name()
    }

    /// The name of the task, to be kept beyond the job. A function's costs no
    /// allocation.
    #[inline]
    pub fn owned_name(&self) -> Cow<'static, str> {
        self.inner().meta().owned_name()
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

    /// How often the job may be run again if its worker dies over it.
    pub fn retries(&self) -> u32 {
        self.inner().meta().retries()
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
        self.inner().count_death(begun)
    }

    /// Shows what the trampoline reads to `f`, in two pieces that follow one another: the
    /// context, if the job carries one, and the argument. Not if the job was never
    /// [encoded](crate::Job::encode).
    pub fn with_payload(&self, mut f: impl FnMut([&[u8]; 2])) {
        self.inner().with_payload(&mut f);
    }

    /// What takes the parts of its result that leave it while it runs elsewhere, see
    /// [`partial`](crate::partial); `None` if it has none, as any job but a chunk of a
    /// map. Runs no code of the user's.
    pub fn parts(&self) -> Option<Parts> {
        self.inner().parts()
    }

    /// Resolves the task with the result that these bytes encode. Their memory may
    /// go to the result: the vector may be empty afterwards.
    ///
    /// Bytes that cannot be decoded, or a `Deserialize` that panics, fail this
    /// task alone.
    pub fn complete(self, result: &mut Vec<u8>) {
        let inner = self.into_inner();
        inner.complete(result, None);
        discard(inner);
    }

    /// As [`complete`](Self::complete), but a task that waits by a waker is woken
    /// when `wakeups` are. Done callbacks and watchers are called at once.
    pub fn complete_and_wake_later(self, result: &mut Vec<u8>, wakeups: &mut Wakeups) {
        let inner = self.into_inner();
        inner.complete(result, Some(wakeups));
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
        let mut course = Run {
            job: &inner,
            returned: Some(returned),
            expired: Some(expired),
            timer: None,
        };
        current::within(current::Kept::by_job(&inner), || inner.run(&mut course));
        drop(course.timer);
        discard(inner);
    }

    /// Makes it a queued job again, for another worker: its function has not
    /// started.
    #[must_use]
    pub fn release(self) -> Option<Job> {
        let inner = self.into_inner();
        if inner.release() {
            return Some(Job(Whole::new(inner)));
        }
        discard(inner);
        None
    }
}

impl Drop for HeldJob {
    fn drop(&mut self) {
        // SAFETY: it is being dropped, and this is the last that is seen of it.
        let inner = unsafe { self.0.take() };
        inner.fail(TaskError::pool_broken(
            "its executor",
            "dropped the job without a result",
        ));
        discard(inner);
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

/// A job that runs in this process.
struct Run<'a, R, E> {
    job: &'a Arc<dyn AnyJob>,
    returned: Option<R>,
    expired: Option<E>,
    timer: Option<Timer>,
}

impl<R: FnOnce(), E: FnOnce() + Send + 'static> Course for Run<'_, R, E> {
    fn limited(&mut self, limit: Duration) {
        if let Some(expired) = self.expired.take() {
            self.timer = Some(arm(self.job, limit, expired));
        }
    }

    fn returned(&mut self) {
        if let Some(returned) = self.returned.take() {
            returned();
        }
    }
}

/// Arms the time limit of a job that starts to run in this process.
#[cold]
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
