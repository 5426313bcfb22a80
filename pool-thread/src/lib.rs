//! A pool of threads behind [`Executor`](executor_core::Executor): blocking
//! functions and closures run there, and each gives a future of its result.
//!
//! ```
//! use executor_core::{ExecutorExt as _, TaskError};
//! use pool_thread::ThreadPool;
//! use std::sync::Arc;
//!
//! fn square(n: u64) -> u64 {
//!     n * n
//! }
//!
//! let pool = ThreadPool::builder().max_workers(3).build()?;
//! let plain = pool.submit(square, 7);
//! let shared = Arc::new(String::from("closures may capture"));
//! let length = pool.spawn(move || shared.len());
//! assert_eq!(plain.wait()?, 49);
//! assert_eq!(length.wait()?, 20);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # When to use it
//!
//! For calls that block (files, DNS, a database's synchronous client) and for
//! computations that would hold up an event loop. It knows no runtime: a
//! [`Task`](executor_core::Task) is a plain future and can be waited for
//! without one.
//!
//! Not for code that may crash the process or has to be stopped while it runs:
//! a thread can be neither contained nor killed, so that is `pool-process`'s
//! work. Not for data-parallel loops over memory: that is rayon's.
//!
//! A job may submit jobs to its own pool and [`wait`](executor_core::Task::wait)
//! for them, however few workers there are: one that is still queued is run
//! meanwhile, by the worker that waits for it. That covers no other way of
//! blocking, such as a channel that another job of the pool is to fill.
//!
//! # What it keeps
//!
//! | event | rule |
//! |---|---|
//! | a job comes | a worker that is free takes it; only if there is none, and fewer than [`max_workers`](ThreadPoolBuilder::max_workers) run, a thread is started |
//! | many jobs wait | they begin in the order in which they came: a job may wait for one that was submitted before it |
//! | the queue is full | with [`max_queued`](ThreadPoolBuilder::max_queued), the task comes back rejected; without, the queue grows |
//! | cancel | a queued job goes at once, with its captures, and its place in the queue with it; a running one is asked to stop, if it looks at its [`CancelToken`](executor_core::CancelToken), and else goes on |
//! | time limit | the task fails when it passes; the function is asked to stop in the same way, and its worker is taken until it ends |
//! | panic | fails that task; the worker goes on |
//! | a thread cannot be started | the job waits for another worker; if there is none, its task fails with the system's reason |
//! | drop of the last handle | does not block: what is queued and running finishes, then the threads end; a return from `main` waits for that |
//! | [`shutdown`](ThreadPool#method.shutdown) | drains, cancels what is queued, or also asks what runs to stop, and abandons it; after a deadline, the last |
//!
//! # Files
//!
//! `pool` is the handle, `builder` its settings. `shared` is what handles and
//! workers share, and how a submit finds a worker; `intake` is the part that submits touch, `dispatch` the part that workers
//! touch, `seats` where each worker is. `worker` is a
//! worker's loop, `bell` how it is woken, `doze` how long it stays awake,
//! `meanwhile` what it does when its job waits for another, `threads` the seam to
//! the `threadpool` crate, `overdue` the net under workers that are held up on
//! their way back. `closing` is the end.

#![forbid(unsafe_code)]

mod bell;
mod builder;
mod closing;
mod dispatch;
mod doze;
mod error;
mod intake;
mod meanwhile;
mod overdue;
mod pool;
mod seats;
mod shared;
mod threads;
mod worker;

pub use self::builder::ThreadPoolBuilder;
pub use self::error::BuildError;
pub use self::pool::ThreadPool;
