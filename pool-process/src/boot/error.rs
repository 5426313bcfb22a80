//! Why a worker did not start.

use executor_core::WorkerExit;
use std::fmt;
use std::io;
use std::time::Duration;

#[derive(Debug)]
pub(crate) enum BootError {
    Start(&'static str, io::Error),
    /// It exited, with these last words, before it was ready.
    Exited(WorkerExit, String),
    /// It was ready, and ended before it ran any job.
    Died(WorkerExit),
    Silent(Duration),
    Refused(String),
    /// It could not be set up as ordered.
    Unfit(String),
}

impl BootError {
    /// It has ended; how is to be filled in.
    pub(super) fn ended() -> Self {
        Self::Exited(WorkerExit::Unknown, String::new())
    }
}

const HINT: &str = "does the program call `pool_process::init()` first thing in `main`?";

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(what, error) => write!(f, "{what}: {error}"),
            Self::Exited(exit, words) => {
                write!(f, "it {exit} before it said hello; {HINT}")?;
                match words.as_str() {
                    "" => Ok(()),
                    words => write!(f, " Its last words: {words}"),
                }
            }
            Self::Died(exit) => write!(f, "it {exit} before it ran any job"),
            Self::Silent(limit) => write!(f, "it did not say hello within {limit:?}; {HINT}"),
            Self::Refused(why) => write!(f, "it was refused: {why}"),
            Self::Unfit(why) => write!(f, "it could not be set up: {why}"),
        }
    }
}

impl std::error::Error for BootError {}
