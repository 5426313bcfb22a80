//! One trait for running functions on threads, in processes and elsewhere.
//!
//! ```
//! use executor_core::{Executor, ExecutorExt as _, Inline, TaskError};
//!
//! fn square(n: u64) -> u64 {
//!     n * n
//! }
//!
//! fn squares(executor: &dyn Executor) -> Result<Vec<u64>, TaskError> {
//!     let tasks: Vec<_> = (0..3).map(|n| executor.submit(square, n)).collect();
//!     tasks.into_iter().map(|task| task.wait()).collect()
//! }
//!
//! assert_eq!(squares(&Inline::new())?, [0, 1, 4]);
//! # Ok::<(), TaskError>(())
//! ```
//!
//! # When to use this crate
//!
//! Depend on it to *write* an executor, a combinator, or a library that takes
//! any executor. Programs take `pool-thread` or `pool-process`, which implement
//! [`Executor`], and `combinators`, which waits for many tasks at a time. There
//! is no runtime in here: a [`Task`] is a plain future.
//!
//! # What every executor keeps
//!
//! | event | rule |
//! |---|---|
//! | [`submit`](ExecutorExt::submit) | starts at once, never blocks, never panics; a job that cannot be taken comes back as a failed task. For a process it encodes the argument, on this thread |
//! | drop of a [`Task`] | detaches: the job still runs; [`Task::cancel_on_drop`] opts in to the other rule |
//! | [`Task::cancel`] | removes a queued job, with what it captured; for a running one, [`CancelOutcome`] says what was possible |
//! | timeout | counts from the start of the function; stops it in a process; on a thread asks it to stop, and gives it up |
//! | [context], span | go with the job, as they were at its submission; what the function sets does not come back |
//! | panic | fails that task alone, with message and location |
//! | shutdown | [`Shutdown`]: drain, cancel what is pending, or kill; each with a deadline and a report |
//! | drop of the last handle | queued and running jobs finish, then the workers go; a program that returns from `main` meanwhile waits for them |
//! | every task | resolves exactly once, on every path |
//!
//! # Modules
//!
//! * [`codec`]: how values cross a process boundary, and which cannot;
//! * [`context`]: values and spans that follow the work;
//! * [`conformance`]: the tests that an executor has to pass;
//! * [`current`]: which task runs on this thread;
//! * [`token`]: asking a function that runs to stop;
//! * [`partial`]: results that leave a job while it runs;
//! * [`queue`], [`mod@panic`], [`timer`], [`exit`], [`fork`], [`spare`]: tools for those
//!   who write executors.

mod bytes;
mod cell;
pub mod codec;
pub mod conformance;
pub mod context;
mod control;
pub mod current;
mod deep;
mod entry;
mod error;
mod executor;
pub mod exit;
mod ext;
pub mod fork;
mod inline;
mod job;
mod map;
pub mod panic;
pub mod partial;
pub mod pieces;
mod promise;
pub mod queue;
mod shutdown;
pub mod spare;
mod sync;
mod task;
pub mod timer;
pub mod token;
mod wakeups;
mod watch;

pub use self::bytes::Bytes;
pub use self::cell::CallbackId;
pub use self::context::{Context, ContextVar};
pub use self::control::{CancelOutcome, Control};
pub use self::current::task as current_task;
pub use self::entry::{CallFault, Entry, Trampoline};
pub use self::error::{BoxError, DeathCause, TaskError, TaskErrorKind, WorkerExit, WorkerLost};
pub use self::executor::Executor;
pub use self::ext::{ExecutorExt, TaskBuilder};
pub use self::inline::Inline;
pub use self::job::{HeldJob, Job, JobOptions};
pub use self::map::Map;
pub use self::promise::{Promise, promise, promise_with};
pub use self::shutdown::{Shutdown, ShutdownMode, ShutdownReport};
pub use self::task::{Task, TaskId, TaskRef};
pub use self::token::{CancelToken, Cancelled};
pub use self::wakeups::Wakeups;
pub use self::watch::{Completions, Countdown, InOrder, Progress, Settled, Watcher};
