//! A directory with everything in it that makes names and files difficult.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// Names that have to be escaped, or look as if, or are not text.
const NAMES: [&[u8]; 12] = [
    b"plain",
    b" spaces  in it ",
    b"new\nline",
    b"carriage\rreturn",
    b"back\\slash",
    b"back\\nslash, then n",
    b"-dash",
    b"-",
    b"*star",
    b"tab\tand\x07bell",
    b"not UTF-8: \xff\xfe\x80",
    "größer".as_bytes(),
];

/// Makes the tree.
pub fn odd() -> TempDir {
    let tree = tempfile::tempdir().unwrap();
    let deep = tree.path().join("some/what/deep\n/er");
    fs::create_dir_all(&deep).unwrap();
    fs::create_dir(tree.path().join("nothing in it")).unwrap();
    for directory in [tree.path(), &deep] {
        for name in NAMES {
            fs::write(directory.join(OsStr::from_bytes(name)), name).unwrap();
        }
    }
    fs::write(tree.path().join("empty"), "").unwrap();
    fs::write(deep.join("large"), noise(3 << 20)).unwrap();
    // None of these counts.
    symlink("plain", tree.path().join("link to a file")).unwrap();
    symlink("..", deep.join("link to a directory above")).unwrap();
    symlink("nowhere", tree.path().join("dangling")).unwrap();
    fifo(&deep.join("fifo"));
    UnixListener::bind(tree.path().join("socket")).unwrap();
    tree
}

/// Makes a FIFO.
pub fn fifo(path: &Path) {
    let status = Command::new("mkfifo").arg("--").arg(path).status();
    assert!(status.expect("mkfifo is installed").success());
}

/// Bytes without a period that a hash function could hide a fault behind.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut byte = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 56) as u8
    };
    (0..length).map(|_| byte()).collect()
}
