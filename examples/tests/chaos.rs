//! A short run of `chaos`: the books balance.

mod common;

use common::program::{Output, run};
use std::process::Command;

fn chaos(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chaos"));
    run(command.args(arguments))
}

/// The number in a row of the table.
fn count(output: &Output, row: &str) -> u64 {
    let table = String::from_utf8_lossy(&output.stdout);
    let mut cells = table.lines().filter_map(|line| {
        let mut cells = line.split('|').map(str::trim);
        (cells.nth(1)? == row).then(|| cells.next())?
    });
    let cell = cells
        .next()
        .unwrap_or_else(|| panic!("no `{row}`: {output:?}"));
    cell.parse().expect("a number")
}

#[test]
fn two_seconds_of_chaos_leave_nothing_out_and_nothing_behind() {
    let few = ["--max-payload", "2000000", "--kill-every", "40"];
    let output = chaos(&[&["--seconds", "2", "--workers", "3"], &few[..]].concat());
    assert!(output.status.success(), "{output:?}");
    assert!(count(&output, "jobs submitted") > 100);
    assert!(count(&output, "... done") > 0);
    assert!(count(&output, "worker deaths") > 0);
    assert!(count(&output, "... by SIGKILL from outside") > 0);
    for zero in [
        "jobs without an outcome",
        "jobs with two outcomes",
        "wrong outcomes or contents",
        "zombies",
        "leftover processes",
    ] {
        assert_eq!(count(&output, zero), 0, "{zero}: {output:?}");
    }
}

/// The least there is to do.
#[test]
fn a_run_of_no_time_ends_as_well() {
    let output = chaos(&["--seconds", "0", "--workers", "1", "--max-payload", "0"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(count(&output, "... pool broken"), 0);
    assert_eq!(
        count(&output, "descriptors after"),
        count(&output, "descriptors before")
    );
}
