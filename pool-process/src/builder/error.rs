//! Why a pool was not built.

use crate::config::MAX_DEPTH;
use std::error::Error;
use std::fmt;
use std::io;

/// Why a pool was not built.
#[derive(Debug)]
pub struct BuildError(Kind);

#[derive(Debug)]
pub(super) enum Kind {
    NoInit,
    Zero(&'static str),
    MoreThanMost(usize, usize),
    TooDeep(u32),
    Unsupported,
    Channels(io::Error),
    Descriptors(io::Error),
    Initializer(String),
    Snapshot(io::Error),
}

impl From<Kind> for BuildError {
    fn from(kind: Kind) -> Self {
        Self(kind)
    }
}

impl BuildError {
    /// True if [`init`](crate::init) has not run in this process.
    pub fn is_missing_init(&self) -> bool {
        matches!(self.0, Kind::NoInit)
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::NoInit => f.write_str(
                "`pool_process::init()` has not run: workers are this program started again, so \
                 call it first thing in `main` (in tests: `pool_process::test_worker!()` and \
                 `init_test_worker()`)",
            ),
            Kind::Zero(what) => write!(f, "{what} must be greater than 0"),
            Kind::MoreThanMost(min, max) => {
                write!(
                    f,
                    "min_workers is {min}, more than max_workers, which is {max}"
                )
            }
            Kind::TooDeep(depth) => write!(
                f,
                "this process is a worker inside {depth} pools already, and no more than \
                 {MAX_DEPTH} may be inside one another"
            ),
            Kind::Unsupported => f.write_str(
                "functions of this program cannot be named from one process to another: either \
                 this crate is in a dynamic library, or the system is not Linux",
            ),
            Kind::Channels(error) => write!(f, "no channel can be made: {error}"),
            Kind::Descriptors(error) => {
                write!(f, "the system has no descriptor to wait with: {error}")
            }
            Kind::Initializer(why) => write!(f, "the initializer cannot be sent: {why}"),
            Kind::Snapshot(error) => write!(f, "the working directory is not known: {error}"),
        }
    }
}

impl Error for BuildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0 {
            Kind::Snapshot(error) | Kind::Channels(error) | Kind::Descriptors(error) => Some(error),
            _ => None,
        }
    }
}
