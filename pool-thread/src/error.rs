//! [`BuildError`]: settings that no pool can have.

use std::error::Error;
use std::fmt;

/// Why [`ThreadPoolBuilder::build`](crate::ThreadPoolBuilder::build) refused.
///
/// ```
/// let error = pool_thread::ThreadPool::builder().max_workers(0).build().unwrap_err();
/// assert_eq!(error.to_string(), "max_workers must be greater than 0");
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct BuildError(Fault);

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Zero { setting: &'static str },
    NameWithNul,
}

impl From<Fault> for BuildError {
    fn from(fault: Fault) -> Self {
        Self(fault)
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Fault::Zero { setting } => write!(f, "{setting} must be greater than 0"),
            Fault::NameWithNul => f.write_str("name must not contain a NUL byte"),
        }
    }
}

impl Error for BuildError {}
