//! What a worker inherits: the state of the process when the pool was built.
//!
//! Workers start on demand, perhaps an hour later, when the program may have
//! changed its directory or environment. They are all to be alike.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) program: OsString,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) environment: HashMap<OsString, OsString>,
    pub(crate) directory: PathBuf,
    /// Octal, as the system shows it; `None` where it does not.
    pub(crate) umask: Option<String>,
    /// The signals that are blocked.
    pub(crate) signals: u64,
}

impl Snapshot {
    pub(crate) fn take() -> io::Result<Self> {
        let mut arguments = std::env::args_os();
        Ok(Self {
            program: arguments.next().unwrap_or_else(|| "worker".into()),
            arguments: arguments.collect(),
            environment: std::env::vars_os().collect(),
            directory: std::env::current_dir()?,
            umask: umask(),
            signals: crate::signals::mask(),
        })
    }
}

/// Read from the system's own report: asking the kernel would change it for a
/// moment, under the feet of other threads.
fn umask() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("Umask:"))?;
    Some(line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_snapshot_shows_this_process() {
        let snapshot = Snapshot::take().unwrap();
        assert_eq!(snapshot.directory, std::env::current_dir().unwrap());
        let umask = snapshot.umask.unwrap();
        assert!(u32::from_str_radix(&umask, 8).is_ok(), "{umask}");
    }
}
