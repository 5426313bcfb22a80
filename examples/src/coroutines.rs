//! What `coroutines` runs: the programs of an article on Python's asyncio, from
//! its first line to its last, in Rust. They print what the article's programs
//! print, in its language; each module is one part of it.
//!
//! | part | programs |
//! |---|---|
//! | [`waiting`] | a coroutine on a loop; two in sequence; `gather`; tasks; `wait` |
//! | [`driving`] | one task and its result; callbacks; a loop that never runs; one that runs for ever |
//! | [`blocking`] | blocking functions: threads by hand, callbacks, executors of threads and of processes |
//! | [`threadsafe`] | coroutines from another thread; all of it in one `gather` |
//!
//! The article is wrong in places, and what is printed here is right: a task runs
//! from its creation, not from its `await`; a callback of `call_soon_threadsafe`
//! runs on the loop's thread, not on the main one; and its tasks given to `wait`
//! have to be tasks.

pub mod blocking;
pub mod driving;
pub mod threadsafe;
pub mod waiting;

use combinators::{EventLoop, sleep};
use executor_core::TaskError;
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::fmt;
use std::time::{Duration, Instant};

/// What a part may fail with.
pub type Outcome = Result<(), Box<dyn Error>>;

/// How long a second of the article lasts.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Second(pub Duration);

impl Second {
    /// So many of them.
    pub fn times(self, seconds: u32) -> Duration {
        self.0 * seconds
    }

    /// How many have passed since `start`.
    pub fn since(self, start: Instant) -> f64 {
        start.elapsed().as_secs_f64() / self.0.as_secs_f64()
    }
}

/// What the article's coroutines fail with when they divide by zero.
#[derive(Debug)]
pub struct ZeroDivisionError;

impl fmt::Display for ZeroDivisionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("division by zero")
    }
}

impl Error for ZeroDivisionError {}

/// `1/0`.
fn divide(one: i32, by: i32) -> Result<i32, ZeroDivisionError> {
    one.checked_div(by).ok_or(ZeroDivisionError)
}

/// Waits for three seconds and returns its argument.
async fn testa(x: i32, second: Second) -> Result<i32, TaskError> {
    println!("in test a");
    sleep(second.times(3)).await;
    println!("Resuming a");
    Ok(x)
}

/// Waits for one second and returns its argument.
async fn testb(x: i32, second: Second) -> Result<i32, TaskError> {
    println!("in test b");
    sleep(second.times(1)).await;
    println!("Resuming b");
    Ok(x)
}

/// `asyncfunc1` waits for one second, as does `asyncfunc2`, but for the last
/// program, where it takes two.
async fn asyncfunc(number: u32, pause: Duration) -> Result<String, TaskError> {
    println!("Suspending func{number}");
    sleep(pause).await;
    println!("func func{number}  {}", current_thread());
    println!("Resuming func{number}");
    Ok(format!("func{number}"))
}

/// This thread, as Python shows it.
fn current_thread() -> String {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("unnamed");
    format!("<Thread({name}, {:?})>", thread.id())
}

/// A thread that runs a loop for ever; it is stopped and joined at the end.
struct LoopThread {
    handle: combinators::Handle,
    thread: std::thread::JoinHandle<Result<(), TaskError>>,
}

impl LoopThread {
    /// `start_thread_loop` of the article.
    fn start() -> std::io::Result<Self> {
        let mut event_loop = EventLoop::new();
        let handle = event_loop.handle();
        let thread = std::thread::Builder::new()
            .name("loop".to_owned())
            .spawn(move || event_loop.run_forever())?;
        Ok(Self { handle, thread })
    }

    /// The article leaves its loops running.
    fn end(self) -> Outcome {
        self.handle.stop();
        self.thread
            .join()
            .map_err(|_| "the loop's thread panicked")??;
        Ok(())
    }
}
