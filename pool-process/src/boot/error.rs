//! Why a worker did not start.

use executor_core::WorkerExit;
use std::fmt;
use std::io;
use std::time::Duration;

#[derive(Debug)]
pub(crate) enum BootError {
    Start(&'static str, io::Error),
    /// It exited, with these last words, before it was ready.
    Exited(WorkerExit, Stage, String),
    /// It has closed its wire, and not ended.
    Hung(Stage),
    /// It was ready, and ended before it ran any job.
    Died(WorkerExit),
    Silent(Duration, Stage),
    Refused(String),
    /// It could not be set up as ordered.
    Unfit(String),
}

/// How far a worker came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It has not said hello: it may not be a worker at all.
    Stranger,
    /// It has its orders and carries them out.
    Ordered,
}

impl BootError {
    /// It has ended; how is to be filled in.
    pub(super) fn ended(stage: Stage) -> Self {
        Self::Exited(WorkerExit::Unknown, stage, String::new())
    }
}

impl Stage {
    /// What would have come next.
    fn missed(self) -> &'static str {
        match self {
            Self::Stranger => "said hello",
            Self::Ordered => "was ready",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stranger => HINT,
            Self::Ordered => "it was at its orders, of which the initializer is the last",
        })
    }
}

const HINT: &str = "does the program call `pool_process::init()` first thing in `main`?";

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(what, error) => write!(f, "{what}: {error}"),
            Self::Exited(exit, stage, words) => {
                write!(f, "it {exit} before it {}; {stage}", stage.missed())?;
                match words.as_str() {
                    "" => Ok(()),
                    words => write!(f, "; its last words: {words}"),
                }
            }
            Self::Hung(stage) => {
                write!(
                    f,
                    "it closed its standard input before it {}; {stage}",
                    stage.missed()
                )
            }
            Self::Died(exit) => write!(f, "it {exit} before it ran any job"),
            Self::Silent(limit, Stage::Stranger) => {
                write!(f, "it did not say hello within {limit:?}; {HINT}")
            }
            Self::Silent(limit, stage) => write!(f, "it was not ready within {limit:?}; {stage}"),
            Self::Refused(why) => write!(f, "it was refused: {why}"),
            Self::Unfit(why) => write!(f, "it could not be set up: {why}"),
        }
    }
}

impl std::error::Error for BootError {}
