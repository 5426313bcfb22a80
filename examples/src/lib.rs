//! Programs to run and to read. Each is one short file in `src/bin`; what is in
//! this library they share, or it would hide their point.
//!
//! | program | what it shows | how to run it |
//! |---|---|---|
//! | `run_in_executor` | coroutines that wait for blocking functions, on threads and in processes; workers used again | `cargo run -p examples --bin run_in_executor -- --executor process` |
//! | `coroutines` | coroutines, tasks, event loops and executors, step by step: the programs of an article on asyncio | `cargo run -p examples --bin coroutines` |
//! | `hashsum` | a tool: SHA-256 of a million files in worker processes, ordered, in bounded memory, and no worse for a worker that dies | `cargo run --release -p examples --bin hashsum -- --executor process .` |
//! | `chaos` | a test of a process pool: jobs of every kind while workers are killed at random, and books that have to balance | `cargo run --release -p examples --bin chaos -- --seconds 10` |
//!
//! # Modules
//!
//! * [`log`]: the log lines of `run_in_executor`;
//! * [`coroutines`]: the programs of `coroutines`;
//! * [`hashsum`]: the parts of `hashsum` that have nothing to do with executors;
//! * [`chaos`]: the parts of `chaos`.

// `chaos::fork` alone has some.
#![deny(unsafe_code)]

pub mod chaos;
pub mod coroutines;
pub mod hashsum;
pub mod log;

/// The README's program, compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
