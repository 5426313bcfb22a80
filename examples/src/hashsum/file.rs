//! [`File`]: which file to hash, and how to open it.

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// A file to hash. It is an argument of a job, so it crosses to the workers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    // A `PathBuf` would be sent as text, which not every path is.
    path: OsString,
    origin: Origin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Origin {
    /// The command line: what the user names is opened, whatever it is.
    Named,
    /// A directory: only regular files count.
    Found,
}

impl File {
    /// A path from the command line.
    pub fn named(path: impl Into<OsString>) -> Self {
        let (path, origin) = (path.into(), Origin::Named);
        Self { path, origin }
    }

    /// A regular file that was found in a directory.
    pub fn found(path: impl Into<OsString>) -> Self {
        let (path, origin) = (path.into(), Origin::Found);
        Self { path, origin }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.path.as_ref()
    }

    /// Opens it for reading.
    ///
    /// # Errors
    /// Those of the system; and if a file that was found is no regular file any
    /// more.
    pub fn open(&self) -> io::Result<fs::File> {
        if self.origin == Origin::Named {
            return fs::File::open(&self.path);
        }
        // By now a FIFO may be in its place, whose opening would wait for a writer.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = fs::OpenOptions::new()
            .read(true)
            .custom_flags(flags.bits().cast_signed())
            .open(&self.path)?;
        match file.metadata()?.is_file() {
            true => Ok(file),
            false => Err(io::Error::other("No longer a regular file")),
        }
    }
}
