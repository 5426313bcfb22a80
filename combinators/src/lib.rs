//! asyncio's combinators over jobs and coroutines alike, on async-std.
//!
//! ```
//! use combinators::{ReturnWhen, ensure_future, gather, wait};
//! use executor_core::{Executor, ExecutorExt as _, Inline, TaskError};
//!
//! fn blocks(n: u64) -> u64 {
//!     n * n
//! }
//!
//! async fn run_blocking_tasks(executor: &dyn Executor) -> Result<Vec<u64>, TaskError> {
//!     gather((0..6).map(|n| executor.submit(blocks, n))).await
//! }
//!
//! # futures::executor::block_on(async {
//! let executor = Inline::new(); // or a `ThreadPool`, or a `ProcessPool`
//! assert_eq!(run_blocking_tasks(&executor).await?, [0, 1, 4, 9, 16, 25]);
//!
//! // Jobs and coroutines mix: both are tasks.
//! let job = executor.submit(blocks, 3);
//! let coroutine = ensure_future(async { "4".parse::<u64>() });
//! let outcome = wait([job, coroutine], ReturnWhen::AllCompleted).await;
//! assert_eq!((outcome.done.len(), outcome.pending.len()), (2, 0));
//! # Ok::<(), TaskError>(())
//! # }).unwrap();
//! ```
//!
//! # When to use it
//!
//! To run and wait for many things from asynchronous code. A combinator waits on
//! any runtime; what starts a coroutine or keeps a time limit uses async-std's,
//! which needs no set-up. async-std is no longer developed, so the one module
//! that names it is small, no type of it appears in this interface, and the
//! feature `smol` (with `default-features = false`) puts smol in its place. For a
//! single task, await it: nothing of this is needed.
//!
//! Coroutines run on the runtime's threads, unless an [`EventLoop`] runs on the
//! thread that starts them: asyncio's loop, one thread for all of its coroutines
//! and callbacks. [`run`] is the short way to have one.
//!
//! # What all of them keep
//!
//! | event | rule |
//! |---|---|
//! | call | tasks and coroutines are started by the call, never by the first poll |
//! | a coroutine's `Err` | fails its task, as a raised exception does; [`TaskError::downcast`] gives it back typed |
//! | a function's `Err` | is a value, until [`Task::flatten`] makes it a failure |
//! | cancel of a coroutine | it is dropped at its next await, the tasks it awaits there are cancelled, and its task resolves as cancelled |
//! | panic in a coroutine | fails its task alone, with message and location |
//! | cancel of a coroutine that awaits | is passed on to the tasks of a [`gather`], and not to those of a [`wait`] or [`as_completed`] |
//! | drop of a combinator | detaches its tasks, except [`wait_for`] and [`task_group`], which cancel; [`Task::cancel_on_drop`] is kept |
//! | blocking, where only this thread can do what is waited for | an error of the kind `WouldDeadlock` from [`Task::wait`], not a hang |
//! | a completion | costs the same however many tasks are waited for |
//!
#![doc = include_str!("from_asyncio.md")]
#![forbid(unsafe_code)]

#[cfg(not(any(feature = "async-std", feature = "smol")))]
compile_error!("combinators needs a runtime: enable its feature `async-std` or `smol`");

mod all_tasks;
mod as_completed;
mod cancelled;
mod coroutine;
mod deadline;
mod default_executor;
mod ensure_future;
mod event_loop;
mod gather;
mod group;
mod limit;
mod run;
mod run_in_executor;
mod runtime;
mod set;
mod shield;
mod sleep;
mod task_group;
mod timeout;
mod to_thread;
mod wait;
mod wait_for;

pub use self::all_tasks::all_tasks;
pub use self::as_completed::{AsCompleted, AsCompletedTimeout, as_completed};
pub use self::coroutine::create_task;
pub use self::ensure_future::ensure_future;
pub use self::event_loop::{CallHandle, EventLoop, ExceptionContext, Handle, get_running_loop};
pub use self::gather::{Each, Gather, GatherSettled, Gatherable, Mixed, gather, gather_settled};
pub use self::limit::{Limit, LimitedGather, LimitedGatherSettled, limit};
pub use self::run::{Runner, run};
pub use self::run_in_executor::run_in_executor;
pub use self::set::TaskSet;
pub use self::shield::{Shield, shield};
pub use self::sleep::{Sleep, sleep};
pub use self::task_group::{TaskGroup, TaskGroupError, WithTaskGroup, task_group};
pub use self::timeout::{Timeout, TimeoutScope, timeout, timeout_at, timeout_scope};
pub use self::to_thread::to_thread;
pub use self::wait::{ReturnWhen, Wait, Waited, wait};
pub use self::wait_for::{WaitFor, wait_for};
/// The task whose function or coroutine runs on this thread: Python's
/// `current_task`.
pub use executor_core::current_task;
