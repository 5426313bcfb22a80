//! How a running job is reached: the executor's side of [`Task::cancel`].
//!
//! [`Task::cancel`]: crate::Task::cancel

use crate::error::TaskError;

/// What a call of [`Task::cancel`](crate::Task::cancel) did.
///
/// Python's boolean hides three of these four outcomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CancelOutcome {
    /// The job had not started: it was removed, its argument is dropped, its
    /// function never runs. The task is cancelled already.
    BeforeStart,
    /// The request is on its way: a coroutine ends at its next await, a function on
    /// a thread where it looks at its [`CancelToken`](crate::CancelToken), for which
    /// it has asked. The task may still complete first.
    Requested,
    /// The job was running in a process, and that worker was killed. The task
    /// resolves as cancelled, unless its result was on its way already.
    Killed,
    /// The job is done, or runs where nothing can stop it: on a thread, with a
    /// function that has not asked for its token. Should it do so later, it finds
    /// the token cancelled; nothing else was changed.
    TooLate,
}

impl CancelOutcome {
    /// True unless the call came too late.
    pub fn took_effect(self) -> bool {
        self != Self::TooLate
    }
}

/// What an executor does when a job that it holds is to be cancelled.
///
/// An executor that can stop what it has taken hands one of these to
/// [`Job::hold`](crate::Job::hold) or [`promise_with`](crate::promise_with),
/// with a `ticket` of its own choosing that tells its jobs apart. The methods
/// are called under no lock of this crate, from any thread; they must not block
/// for long, and may resolve the job before they return.
pub trait Control: Send + Sync {
    /// Tries to cancel the job with this ticket.
    fn cancel(&self, ticket: u64) -> CancelOutcome;

    /// Takes the job back if its function has not started, and fails it with
    /// `error`, because it has waited too long. False, and nothing happens, if
    /// it has started.
    ///
    /// Unless it is overridden, what is held counts as started.
    fn withdraw(&self, ticket: u64, error: TaskError) -> bool {
        let _ = (ticket, error);
        false
    }

    /// Whether the function of the job with this ticket has started. A job that
    /// is held but waits on the far side is still queued.
    fn is_running(&self, ticket: u64) -> bool;

    /// A thread is about to block until this job is over: an executor may use it for some
    /// microseconds, to look for the result where that comes in. If it comes, the executor
    /// resolves the job here, and nobody has to be woken for it.
    ///
    /// Called without any lock, by [`Task::wait`](crate::Task::wait), and not by those with a
    /// limit: code of the user's that runs here may not come back. Unless it is overridden,
    /// nothing happens here.
    fn await_briefly(&self, ticket: u64) {
        let _ = ticket;
    }

    /// Why a thread that blocks for the outcome, this very thread, would wait for
    /// ever; asked by [`Task::wait`](crate::Task::wait) before it blocks, and
    /// again when it is [nudged](crate::TaskRef::nudge).
    ///
    /// For coroutines: the loop that drives them may be the thread that is about
    /// to block, or have been stopped. Unless it is overridden, nothing is known
    /// against it.
    fn stuck(&self, ticket: u64) -> Option<TaskError> {
        let _ = ticket;
        None
    }
}
