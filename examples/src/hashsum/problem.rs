//! [`Problem`]: why there is no sum.

use std::fmt::{self, Write as _};
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
        let text = format!("{}: {}", self.path.display(), self.reason);
        text.chars()
            .try_for_each(|letter| match letter.is_control() {
                true => write!(f, "{}", letter.escape_default()),
                false => f.write_char(letter),
            })
    }
}

impl std::error::Error for Problem {}
