//! Short runs of `chaos`: the books balance.

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

const MISCHIEF: [&str; 6] = ["callbacks", "values", "stop", "freeze", "full", "fork"];

/// A run in which everything but `done` is switched off, and that all was well.
fn alone(done: &str) -> Output {
    let without: Vec<_> = MISCHIEF.into_iter().filter(|name| *name != done).collect();
    let run = "--seconds 2 --workers 3 --patience 16 --max-payload 2000000 --kill-every 40";
    let mut arguments: Vec<_> = run.split(' ').collect();
    let without = without.join(",");
    arguments.extend(["--without", &without]);
    let output = chaos(&arguments);
    assert!(output.status.success(), "{done}: {output:?}");
    assert!(count(&output, "jobs submitted") > 100);
    for zero in [
        "jobs without an outcome",
        "jobs with two outcomes",
        "wrong outcomes or contents",
        "zombies",
        "leftover processes",
    ] {
        assert_eq!(count(&output, zero), 0, "{zero}: {output:?}");
    }
    output
}

#[test]
fn two_seconds_of_chaos_leave_nothing_out_and_nothing_behind() {
    let output = alone("stop");
    assert!(count(&output, "... done") > 0);
    assert!(count(&output, "worker deaths") > 0);
    assert!(count(&output, "... by SIGKILL from outside") > 0);
}

#[test]
fn callbacks_may_wait_and_block() {
    let output = alone("callbacks");
    assert!(count(&output, "callbacks that submitted one and waited") > 0);
    assert!(count(&output, "probes sent meanwhile") > 0);
    assert_eq!(count(&output, "... that were held up"), 0);
    assert_eq!(count(&output, "... that waited in vain"), 0);
}

#[test]
fn values_may_be_slow_and_block() {
    let output = alone("values");
    assert!(count(&output, "probes sent meanwhile") > 0);
    assert_eq!(count(&output, "... that were held up"), 0);
}

/// Where none can be frozen, it is a run like the first.
#[test]
fn workers_may_be_frozen() {
    let output = alone("freeze");
    let skipped = String::from_utf8_lossy(&output.stdout).contains("skipped: no worker is frozen");
    assert!(skipped || count(&output, "... and thawed") > 0);
}

#[test]
fn a_full_queue_refuses_what_it_has_no_room_for() {
    let output = alone("full");
    assert!(count(&output, "... jobs refused") > 0);
    assert_eq!(count(&output, "... accepted beyond the bound"), 0);
    assert_eq!(count(&output, "... refused although there was room"), 0);
}

#[test]
fn forked_children_are_refused() {
    let output = alone("fork");
    assert!(count(&output, "... refused") > 0);
    assert_eq!(count(&output, "... that hung and were killed"), 0);
}

/// The least there is to do.
#[test]
fn a_run_of_no_time_ends_as_well() {
    let run = "--seconds 0 --workers 1 --max-payload 0";
    let mut arguments: Vec<_> = run.split(' ').collect();
    let without = MISCHIEF.join(",");
    arguments.extend(["--without", &without]);
    let output = chaos(&arguments);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(count(&output, "... pool broken"), 0);
    assert_eq!(
        count(&output, "descriptors after"),
        count(&output, "descriptors before")
    );
}
