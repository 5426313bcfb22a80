//! [`Problem`]: why there is no sum.

use std::fmt;
use std::path::PathBuf;

/// A path, and why there is no sum for it or for what is below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    path: PathBuf,
    reason: String,
}

impl Problem {
    /// The problem with `path`.
    pub fn new(path: impl Into<PathBuf>, reason: impl ToString) -> Self {
        let (path, reason) = (path.into(), reason.to_string());
        Self { path, reason }
    }
}

impl fmt::Display for Problem {
    /// On one line, and harmless to a terminal, whatever the path is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.path.to_string_lossy().chars() {
            match letter.is_control() {
                true => write!(f, "{}", letter.escape_default())?,
                false => write!(f, "{letter}")?,
            }
        }
        write!(f, ": {}", self.reason)
    }
}

impl std::error::Error for Problem {}
