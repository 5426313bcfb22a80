//! An executor whose workers are processes.
//!
//! ```no_run
//! use executor_core::ExecutorExt as _;
//! use pool_process::ProcessPool;
//!
//! fn square(n: u64) -> u64 {
//!     n * n
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     pool_process::init(); // in a worker process this call never returns
//!     let pool = ProcessPool::builder().max_workers(3).build()?;
//!     assert_eq!(pool.submit(square, 12).wait()?, 144);
//!     Ok(())
//! }
//! ```
//!
//! # When to use it
//!
//! For functions that may crash, hang, leak, or run code that is not trusted;
//! for those that have to be stopped; for libraries that are not thread-safe. A
//! worker that dies costs the one job it was running, which fails with the
//! worker's pid and its signal or exit code; another takes its place.
//!
//! Not for functions that share memory with their caller, or whose arguments
//! cost more to copy than the work is worth: `pool-thread` is for those. Not for
//! programs whose `main` is not theirs to change, plug-ins for instance.
//!
//! # How it works
//!
//! A worker is this program, executed again through `/proc/self/exe`: the file
//! may be replaced while the program runs. [`init`] makes it a worker instead of
//! running `main`. A function travels as its place in the program's image, its
//! argument and result as bytes (see `executor_core::codec`); the submitter's context
//! variables and the name of its span go before the argument
//! (see `executor_core::context`).
//!
//! * `dispatch`: the queue, the seats of workers, and who gets which job;
//! * `supervisor`: the one thread that waits for news, moves bytes and states, and then
//!   runs the user's code, such as callbacks; `crew`: another thread that takes its place
//!   when that code does not come back;
//! * `unresolved`: tasks that are to be resolved, and all else that runs the user's code;
//! * `seat`, `flight`: a worker, and the jobs that are with it;
//! * `starter`, `boot`, `handshake`, `orders`: how a worker starts;
//! * `process`, `stderr`, `blame`: how it ends, and why;
//! * `transport`: how bytes move: the memory that a worker shares with its parent,
//!   and the messages that can take its place;
//! * `worker`: the other side.
//!
//! There is a Linux implementation only: elsewhere this crate is empty.

#![cfg(target_os = "linux")]

mod blame;
mod boot;
mod builder;
mod config;
mod crew;
mod dispatch;
mod flight;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod handshake;
mod image;
mod messages;
mod orders;
mod pool;
mod process;
mod reply;
mod seat;
mod signals;
mod snapshot;
mod starter;
mod stderr;
mod supervisor;
mod tally;
pub mod testing;
mod transport;
mod unresolved;
mod worker;

pub use self::builder::{BuildError, Builder};
pub use self::orders::Initialized;
pub use self::pool::ProcessPool;
pub use self::transport::Transport;

/// Makes this process a worker, if it was started as one; call it first thing in
/// `main`.
///
/// In a worker this never returns. In the program itself it returns at once, and
/// process pools can be built from then on. What comes before it runs in every
/// worker as well: set up logging there if workers are to log, and nothing else.
/// No other thread should be running yet.
///
/// In tests, where `main` is the harness', see [`test_worker!`].
pub fn init() {
    worker::init(worker::Host::Program);
}
