//! Why a worker did not start.

use crate::config::{MAX_BOOT_FAILURES, MAX_KILLED_BOOTS};
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
    /// A panic of ours.
    pub(crate) fn bug(report: &executor_core::panic::PanicReport) -> Self {
        Self::Refused(format!("its parent {report}"))
    }

    /// True if somebody killed the process, who need not have known what it was; or the
    /// kernel, for want of memory. The program has done nothing wrong, so far, and another
    /// attempt may well succeed.
    ///
    /// A signal that a process brings upon itself is its own fault: that of a crash, of
    /// an abort, of a limit.
    pub(crate) fn was_killed_from_outside(&self) -> bool {
        match self {
            Self::Exited(exit, ..) | Self::Died(exit) => is_from_outside(*exit),
            _ => false,
        }
    }

    /// After so many failures in a row, jobs fail with this one.
    pub(crate) fn most_in_a_row(&self) -> u32 {
        match self.was_killed_from_outside() {
            true => MAX_KILLED_BOOTS,
            false => MAX_BOOT_FAILURES,
        }
    }

    /// It has ended; how is to be filled in.
    pub(super) fn ended(stage: Stage) -> Self {
        Self::Exited(WorkerExit::Unknown, stage, String::new())
    }
}

fn is_from_outside(exit: WorkerExit) -> bool {
    let signals = [
        libc::SIGKILL,
        libc::SIGTERM,
        libc::SIGINT,
        libc::SIGQUIT,
        libc::SIGHUP,
    ];
    signals.iter().any(|&it| exit == WorkerExit::Signal(it))
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

const KILLED: &str = "another process sent the signal, or the kernel for want of memory";

const HINT: &str = "does the program call `pool_process::init()` first thing in `main`?";

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(what, error) => write!(f, "{what}: {error}"),
            Self::Exited(exit, stage, words) => {
                write!(f, "it {exit} before it {}; ", stage.missed())?;
                match self.was_killed_from_outside() {
                    true => f.write_str(KILLED)?,
                    false => write!(f, "{stage}")?,
                }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(exit: WorkerExit) -> BootError {
        BootError::Exited(exit, Stage::Stranger, String::new())
    }

    #[test]
    fn who_was_killed_is_not_suspected() {
        for signal in [9, 15, 2, 3, 1].map(WorkerExit::Signal) {
            let error = ended(signal);
            assert!(error.was_killed_from_outside(), "{error}");
            assert_eq!(error.most_in_a_row(), MAX_KILLED_BOOTS);
            let text = error.to_string();
            assert!(text.contains("before it said hello"), "{text}");
            assert!(text.contains("another process"), "{text}");
            assert!(!text.contains("init()"), "{text}");
            assert!(BootError::Died(signal).was_killed_from_outside());
        }
    }

    #[test]
    fn who_crashed_or_left_is() {
        let signals = [4, 5, 6, 7, 8, 11, 13, 14, 24, 25, 31].map(WorkerExit::Signal);
        let codes = [0, 1, 137].map(WorkerExit::Code);
        for exit in signals.into_iter().chain(codes) {
            let error = ended(exit);
            assert_eq!(error.most_in_a_row(), MAX_BOOT_FAILURES, "{error}");
            assert!(error.to_string().contains("init()"), "{error}");
        }
        let silent = BootError::Silent(Duration::ZERO, Stage::Ordered);
        assert!(!silent.was_killed_from_outside());
        let last = BootError::Exited(WorkerExit::Unknown, Stage::Ordered, "why".to_owned());
        assert!(last.to_string().ends_with("its last words: why"), "{last}");
    }
}
