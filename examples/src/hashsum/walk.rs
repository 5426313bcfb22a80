//! [`files`]: the files under some paths, one at a time.

use super::{File, Problem};
use std::path::{Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

/// The files to hash for each of `paths`, found as the iterator is read: no list
/// of them exists at any time.
///
/// A path that is no directory counts whatever it is, and a symbolic link as what
/// it points to. In a directory regular files count, and nothing else: no
/// symbolic link is followed, no FIFO is opened.
pub fn files(paths: &[PathBuf]) -> impl Iterator<Item = Result<File, Problem>> {
    let roots = paths.iter().map(|path| match path.as_os_str() == "-" {
        // `sha256sum -c` reads standard input where it finds a bare `-`.
        true => Path::new("./-"),
        false => path,
    });
    roots
        .flat_map(WalkDir::new)
        .filter_map(|entry| match entry {
            Ok(entry) => file(entry).map(Ok),
            Err(error) => Some(Err(problem(error))),
        })
}

fn file(entry: DirEntry) -> Option<File> {
    if entry.depth() > 0 {
        return entry
            .file_type()
            .is_file()
            .then(|| File::found(entry.into_path()));
    }
    // What cannot be looked at is a file whose opening will say why.
    (!entry.path().is_dir()).then(|| File::named(entry.into_path()))
}

fn problem(error: walkdir::Error) -> Problem {
    let path = error.path().map(PathBuf::from).unwrap_or_default();
    match error.io_error() {
        Some(reason) => Problem::new(path, reason),
        None => Problem::new(path, &error),
    }
}
