//! The sums are those of `sha256sum`, to the byte, on every executor.

mod common;

use common::hashsum::{EXECUTORS, expected, hashsum, sorted, verify};
use common::program::run;
use common::tree;
use std::fs;
use std::os::unix::fs::symlink;
use std::thread;

#[test]
fn a_tree_of_odd_names() {
    let tree = tree::odd();
    let absolute = tree.path().to_str().unwrap();
    for path in [".", "./", "some", "some/", "./some/../some", absolute] {
        let Some(expected) = expected(tree.path(), path) else {
            return;
        };
        for executor in EXECUTORS {
            let output = run(hashsum(tree.path(), executor).arg(path));
            assert!(output.status.success(), "{executor}: {output:?}");
            assert_eq!(
                sorted(&output.stdout),
                sorted(&expected),
                "{executor}: {output:?}"
            );
            assert_eq!(output.stderr, "", "{executor}");
        }
    }
}

#[test]
fn sha256sum_accepts_its_own_format() {
    let tree = tree::odd();
    for executor in EXECUTORS {
        let output = run(&mut hashsum(tree.path(), executor));
        assert_eq!(
            sorted(&output.stdout).len(),
            2 * 12 + 2,
            "{executor}: {output:?}"
        );
        verify(tree.path(), &output.stdout);
    }
}

#[test]
fn sums_come_in_the_order_of_the_arguments() {
    let tree = tempfile::tempdir().unwrap();
    // Many more than may be in flight, the large ones first.
    let names: Vec<String> = (0..3000).map(|n| format!("{n}")).collect();
    for (n, name) in names.iter().enumerate() {
        let size = if n < 3 { 1 << 20 } else { n };
        fs::write(tree.path().join(name), vec![7; size]).unwrap();
    }
    let mut outputs = Vec::new();
    for executor in EXECUTORS {
        let output = run(hashsum(tree.path(), executor).args(&names));
        assert!(output.status.success(), "{executor}: {output:?}");
        outputs.push(output.stdout);
    }
    let printed = String::from_utf8(outputs[0].clone()).unwrap();
    let printed: Vec<&str> = printed.lines().map(|line| &line[66..]).collect();
    assert_eq!(printed, names);
    assert!(outputs.iter().all(|output| *output == outputs[0]));
    verify(tree.path(), &outputs[0]);
}

#[test]
fn what_the_user_names_is_hashed_whatever_it_is() {
    let tree = tempfile::tempdir().unwrap();
    fs::create_dir(tree.path().join("directory")).unwrap();
    fs::write(tree.path().join("directory/file"), "seven").unwrap();
    symlink("directory/file", tree.path().join("to a file")).unwrap();
    symlink("directory", tree.path().join("to a directory")).unwrap();
    tree::fifo(&tree.path().join("fifo"));
    fs::write(tree.path().join("-"), "seven").unwrap();

    for executor in EXECUTORS {
        let fifo = tree.path().join("fifo");
        let writer = thread::spawn(move || fs::write(fifo, "seven").unwrap());
        let arguments = ["to a file", "to a directory", "fifo", "-"];
        let output = run(hashsum(tree.path(), executor).args(arguments));
        assert!(output.status.success(), "{executor}: {output:?}");
        let stdout = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<(&str, &str)> = stdout.lines().map(|line| line.split_at(64)).collect();
        let names: Vec<&str> = lines.iter().map(|(_, name)| *name).collect();
        assert_eq!(
            names,
            ["  to a file", "  to a directory/file", "  fifo", "  ./-"]
        );
        assert!(
            lines.iter().all(|(sum, _)| *sum == lines[0].0),
            "{executor}: {stdout}"
        );
        writer.join().unwrap();
    }
}

#[test]
fn the_default_is_this_directory() {
    let tree = tempfile::tempdir().unwrap();
    fs::write(tree.path().join("file"), "").unwrap();
    let output = run(hashsum(tree.path(), "inline").current_dir(tree.path()));
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  ./file\n";
    assert_eq!(String::from_utf8_lossy(&output.stdout), empty);
}
