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
//! that names it is small; no type of it appears in this interface. For a single
//! task, await it: nothing of this is needed.
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
//! | a completion | costs the same however many tasks are waited for |
//!
//! # From asyncio
//!
//! | asyncio | here |
//! |---|---|
//! | `gather(*aws)` | [`gather`]`(tasks)`, of an iterator or a tuple |
//! | a semaphore round each of them | [`limit`]`(n).gather(tasks)` |
//! | `gather(*aws, return_exceptions=True)` | [`gather_settled`]`(tasks)` |
//! | `wait(fs, timeout=t, return_when=…)` | [`wait`]`(tasks, `[`ReturnWhen`]`)`, [`.timeout(t)`](Wait::timeout), giving [`Waited`] |
//! | `async for t in as_completed(fs, timeout=t)` | [`as_completed`]`(tasks)`, a stream of tasks, [`.timeout(t)`](AsCompleted::timeout) |
//! | `wait_for(aw, t)` | [`wait_for`]`(task, t)` |
//! | `async with timeout(t) as scope:` | [`timeout`]`(t, future)`, [`timeout_at`], [`timeout_scope`]`(t, async \|scope\| …)` |
//! | `async with TaskGroup() as group:` | [`task_group`]`(async \|group\| …)`, [`TaskGroup::create_task`] |
//! | `shield(aw)` | [`shield`]`(task)` |
//! | `sleep(t)` | [`sleep`]`(t)` |
//! | `to_thread(f, …)` | [`to_thread`]`(move \|\| f(…))` |
//! | `ensure_future(aw)` | [`ensure_future`]`(future)` |
//! | `create_task(coro)` | [`create_task`]`(future)` |
//! | `loop.run_in_executor(None, f, arg)` | [`run_in_executor`]`(None, f, arg)` |
//! | `loop.run_in_executor(pool, f, arg)` | [`run_in_executor`]`(Some(&pool), f, arg)`, or `pool.submit(f, arg)` |
//! | `task.cancel()`, `.done()`, `.add_done_callback(f)` | [`Task::cancel`], [`Task::is_done`], [`Task::add_done_callback`] |
//! | a set of futures given twice | cannot be written: a [`Task`] has one owner |
//!
//! [`Task`]: executor_core::Task
//! [`Task::add_done_callback`]: executor_core::Task::add_done_callback
//! [`Task::cancel`]: executor_core::Task::cancel
//! [`Task::cancel_on_drop`]: executor_core::Task::cancel_on_drop
//! [`Task::flatten`]: executor_core::Task::flatten
//! [`Task::is_done`]: executor_core::Task::is_done
//! [`TaskError::downcast`]: executor_core::TaskError::downcast

#![forbid(unsafe_code)]

mod as_completed;
mod cancelled;
mod coroutine;
mod deadline;
mod default_executor;
mod ensure_future;
mod gather;
mod group;
mod limit;
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

pub use self::as_completed::{AsCompleted, AsCompletedTimeout, as_completed};
pub use self::coroutine::create_task;
pub use self::ensure_future::ensure_future;
pub use self::gather::{Each, Gather, GatherSettled, Gatherable, Mixed, gather, gather_settled};
pub use self::limit::{Limit, LimitedGather, LimitedGatherSettled, limit};
pub use self::run_in_executor::run_in_executor;
pub use self::set::TaskSet;
pub use self::shield::{Shield, shield};
pub use self::sleep::{Sleep, sleep};
pub use self::task_group::{TaskGroup, TaskGroupError, WithTaskGroup, task_group};
pub use self::timeout::{Timeout, TimeoutScope, timeout, timeout_at, timeout_scope};
pub use self::to_thread::to_thread;
pub use self::wait::{ReturnWhen, Wait, Waited, wait};
pub use self::wait_for::{WaitFor, wait_for};
