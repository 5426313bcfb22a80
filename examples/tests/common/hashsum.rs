//! The program `hashsum`, and the one it must agree with.

use super::program::{Output, run};
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

/// Where it can hash.
pub const EXECUTORS: [&str; 3] = ["inline", "thread", "process"];

/// `hashsum`, in the directory `at`.
pub fn hashsum(at: &Path, executor: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hashsum"));
    command
        .current_dir(at)
        .args(["--workers", "2", "--executor", executor]);
    command
}

/// The lines of an output, in no particular order.
pub fn sorted(stdout: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<&[u8]> = stdout.split_inclusive(|&byte| byte == b'\n').collect();
    lines.sort();
    lines
}

/// What `sha256sum` prints for the regular files under `path`; `None`, after
/// saying so, where it is not installed.
pub fn expected(at: &Path, path: impl AsRef<OsStr>) -> Option<Vec<u8>> {
    if !is_installed() {
        return None;
    }
    let mut find = Command::new("find");
    find.current_dir(at).arg(path);
    find.args(["-type", "f", "-exec", "sha256sum", "{}", "+"]);
    let output = run(&mut find);
    assert!(output.status.success(), "{output:?}");
    Some(output.stdout)
}

/// Has `sha256sum -c` check an output; nothing but a word about it where it is
/// not installed.
pub fn verify(at: &Path, stdout: &[u8]) {
    if !is_installed() {
        return;
    }
    let sums = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&sums, stdout).unwrap();
    let mut check = Command::new("sha256sum");
    check
        .current_dir(at)
        .args(["--check", "--strict", "--quiet"])
        .arg(sums.path());
    let output = run(&mut check);
    assert!(output.status.success(), "{output:?}");
}

/// Whether `stderr` has a line on `path` whose reason holds `reason`.
pub fn reports(output: &Output, path: &str, reason: &str) -> bool {
    let front = format!("hashsum: {path}: ");
    let mut lines = output
        .stderr
        .lines()
        .filter_map(|line| line.strip_prefix(&front));
    lines.any(|why| why.contains(reason))
}

fn is_installed() -> bool {
    let found = Command::new("sha256sum").arg("--version").output().is_ok();
    if !found {
        eprintln!("SKIPPED: sha256sum is not installed, so there is nothing to compare with");
    }
    found
}
