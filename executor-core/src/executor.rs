//! [`Executor`]: the trait, and its contract.

use crate::job::Job;
use crate::shutdown::{Shutdown, ShutdownReport};
use crate::task::Task;
use std::sync::Arc;

/// A place where jobs run.
///
/// Three methods, none of them generic, so that `&dyn Executor` works wherever
/// an executor does. Users call [`ExecutorExt`](crate::ExecutorExt), which every
/// executor has.
///
/// # Contract
///
/// For the implementer, beyond what each method says:
///
/// * every job resolves exactly once, on every path. [`Job`] sees to *at most*
///   once, and to its own being dropped; the rest is yours;
/// * a job that was cancelled while queued is never run ([`Job::run`] and
///   [`Job::hold`] see to it);
/// * user code (functions, arguments' and results' `Drop` and serde, callbacks)
///   runs under no lock of yours: it may submit again, or block;
/// * a panic of user code costs that task alone;
/// * when the last handle is dropped no new jobs come, those at hand finish, and
///   the workers go.
///
/// The [conformance suite](crate::conformance) checks this. The caller may rely
/// on all of it.
pub trait Executor: Send + Sync {
    /// Takes a job, to be run as soon as a worker is free.
    ///
    /// Returns at once and does not panic: a job that cannot be taken is failed,
    /// with the reason, through [`Job::fail`]. An executor that runs it in another process
    /// may [`encode`](Job::encode) it first, which takes as long as its `Serialize`.
    fn execute(&self, job: Job);

    /// Takes no more jobs, and ends the workers as `how` says.
    ///
    /// Returns at once; the task resolves when it is over. It may be called
    /// again, also with a stricter `how`.
    fn shutdown(&self, how: Shutdown) -> Task<ShutdownReport>;

    /// How many jobs can run at the same time: at least one.
    fn concurrency(&self) -> usize;
}

macro_rules! forward {
    ($($holder:ty),+) => {$(
        impl<E: Executor + ?Sized> Executor for $holder {
            fn execute(&self, job: Job) {
                (**self).execute(job);
            }
            fn shutdown(&self, how: Shutdown) -> Task<ShutdownReport> {
                (**self).shutdown(how)
            }
            fn concurrency(&self) -> usize {
                (**self).concurrency()
            }
        }
    )+};
}

forward!(&E, Box<E>, Arc<E>);
