//! What cannot be hashed is named on stderr, and costs nothing else.

mod common;

use common::hashsum::{EXECUTORS, hashsum, reports, sorted};
use common::program::run;
use common::tree;
use examples::hashsum::{File, sha256};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A directory with a few files, and paths that have no sum.
///
/// They fail for root as well, whom a file's mode does not keep from reading it.
fn tree() -> TempDir {
    let tree = tempfile::tempdir().unwrap();
    for n in 0..9 {
        fs::write(tree.path().join(format!("{n}")), [n]).unwrap();
    }
    symlink("nowhere", tree.path().join("dangling")).unwrap();
    symlink("round", tree.path().join("round")).unwrap();
    tree
}

#[test]
fn every_other_file_has_its_sum() {
    let tree = tree();
    let all = run(hashsum(tree.path(), "inline").arg("."));
    assert!(all.status.success(), "{all:?}");
    for executor in EXECUTORS {
        let paths = [
            "missing",
            "dangling",
            "new\nline",
            ".",
            "round",
            "0/below a file",
        ];
        let output = run(hashsum(tree.path(), executor).args(paths));
        assert_eq!(output.status.code(), Some(1), "{executor}: {output:?}");
        assert_eq!(
            sorted(&output.stdout),
            sorted(&all.stdout),
            "{executor}: {output:?}"
        );
        assert_eq!(output.stderr.lines().count(), 5, "{executor}: {output:?}");
        for path in ["missing", "dangling", r"new\nline"] {
            assert!(reports(&output, path, "No such file"), "{path}: {output:?}");
        }
        assert!(
            reports(&output, "round", "symbolic links"),
            "{executor}: {output:?}"
        );
        assert!(
            reports(&output, "0/below a file", "Not a directory"),
            "{output:?}"
        );
    }
}

#[test]
fn a_worker_says_why_it_cannot_read() {
    // It can be opened, and is no directory, but the first read fails.
    let unreadable = "/proc/self/mem";
    for executor in EXECUTORS {
        let output = run(hashsum(Path::new("/"), executor).args([unreadable, "/dev/null"]));
        assert_eq!(output.status.code(), Some(1), "{executor}: {output:?}");
        assert_eq!(sorted(&output.stdout).len(), 1, "{executor}: {output:?}");
        assert!(
            reports(&output, unreadable, "os error"),
            "{executor}: {output:?}"
        );
    }
}

#[test]
fn zero_workers_are_refused() {
    for executor in EXECUTORS {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hashsum"));
        let output = run(command.args(["--workers", "0", "--executor", executor]));
        assert_eq!(output.status.code(), Some(2), "{executor}: {output:?}");
        assert!(
            output.stderr.contains("--workers"),
            "{executor}: {output:?}"
        );
        assert!(
            !output.stderr.contains("panicked"),
            "{executor}: {output:?}"
        );
    }
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_quietly() {
    let tree = tempfile::tempdir().unwrap();
    for n in 0..2000 {
        fs::write(tree.path().join(format!("{n}")), [7]).unwrap();
    }
    for executor in EXECUTORS {
        // The shell has `head` go before the program's output does.
        let mut shell = Command::new("sh");
        shell.args(["-c", r#"{ "$@"; echo "status $?" >&2; } | head -n 1"#, "sh"]);
        shell
            .arg(env!("CARGO_BIN_EXE_hashsum"))
            .arg("--executor")
            .arg(executor);
        let output = run(shell.arg(tree.path()));
        assert_eq!(sorted(&output.stdout).len(), 1, "{executor}: {output:?}");
        assert_eq!(output.stderr, "status 0\n", "{executor}");
    }
}

#[test]
fn a_reader_of_problems_may_go_as_well() {
    let mut shell = Command::new("sh");
    shell.args([
        "-c",
        r#"{ "$@" 2>&1; echo "status $?" >&2; } | head -n 1"#,
        "sh",
    ]);
    shell.arg(env!("CARGO_BIN_EXE_hashsum"));
    // More than a pipe holds.
    let output = run(shell.args((0..2000).map(|n| format!("/nowhere/at all/{n:0100}"))));
    assert_eq!(sorted(&output.stdout).len(), 1, "{output:?}");
    assert_eq!(output.stderr, "status 1\n", "{output:?}");
}

#[test]
fn a_full_disk_is_an_error() {
    for executor in EXECUTORS {
        let mut shell = Command::new("sh");
        shell.args(["-c", r#""$@" > /dev/full"#, "sh"]);
        shell.arg(env!("CARGO_BIN_EXE_hashsum"));
        let output = run(shell.args(["--executor", executor, "/dev/null"]));
        assert_eq!(output.status.code(), Some(1), "{executor}: {output:?}");
        assert!(
            reports(&output, "standard output", "No space"),
            "{output:?}"
        );
    }
}

#[test]
fn a_fifo_that_took_the_place_of_a_file_is_not_waited_for() {
    let tree = tempfile::tempdir().unwrap();
    let path = tree.path().join("was a file");
    tree::fifo(&path);
    let reason = sha256(File::found(path)).unwrap_err();
    assert!(reason.contains("regular file"), "{reason}");
}

#[test]
fn there_is_no_progress_bar_in_a_pipe() {
    let tree = tree();
    for executor in EXECUTORS {
        let output = run(hashsum(tree.path(), executor).arg("."));
        assert_eq!(output.stderr, "", "{executor}: {output:?}");
    }
}
