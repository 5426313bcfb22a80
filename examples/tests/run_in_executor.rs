//! The program prints what the Python programs print that it is a copy of.

mod common;

use common::program::{Output, run};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

fn run_in_executor(arguments: &[&str]) -> Output {
    run(Command::new(env!("CARGO_BIN_EXE_run_in_executor")).args(arguments))
}

/// The lines on stderr: who, the logger's name, the message.
fn transcript(output: &Output) -> Vec<(String, String, String)> {
    let line = |line: &str| {
        let (front, message) = line.split_once(": ")?;
        let (who, logger) = front.rsplit_once(' ')?;
        Some((
            who.trim_end().to_owned(),
            logger.to_owned(),
            message.to_owned(),
        ))
    };
    let lines = output.stderr.lines().map(|text| line(text).ok_or(text));
    lines
        .collect::<Result<_, _>>()
        .unwrap_or_else(|text| panic!("{text:?} is no line of the transcript: {output:?}"))
}

/// Checks all that holds however slow the machine is, and returns how many
/// functions each worker ran, by the worker's name.
fn check(output: &Output, main: &str) -> BTreeMap<String, usize> {
    assert!(output.status.success(), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    let lines = transcript(output);

    let own: Vec<&str> = lines
        .iter()
        .filter(|(who, logger, _)| who == main && logger == "run_blocking_tasks")
        .map(|(_, _, message)| message.as_str())
        .collect();
    let [starting, creating, waiting, results, exiting] = own[..] else {
        panic!("the main program wrote {own:?}: {output:?}");
    };
    assert_eq!(
        [starting, creating, waiting, exiting],
        [
            "starting",
            "creating executor tasks",
            "waiting for executor tasks",
            "exiting"
        ],
    );
    let results = results
        .strip_prefix("results: [")
        .unwrap()
        .strip_suffix(']')
        .unwrap();
    let results: BTreeSet<u64> = results.split(", ").map(|n| n.parse().unwrap()).collect();
    assert_eq!(results, BTreeSet::from([0, 1, 4, 9, 16, 25]));

    let mut running = BTreeMap::new();
    let mut calls = BTreeMap::new();
    let mut done = BTreeSet::new();
    for (who, logger, message) in lines
        .iter()
        .filter(|(_, logger, _)| logger.starts_with("blocks"))
    {
        assert_ne!(who, main, "{output:?}");
        match message.as_str() {
            "running" => {
                let before = running.insert(who, logger);
                assert_eq!(
                    before, None,
                    "a worker runs one function at a time: {output:?}"
                );
                *calls.entry(who.clone()).or_default() += 1;
            }
            "done" => {
                assert_eq!(running.remove(who), Some(logger), "{output:?}");
                done.insert(logger.as_str());
            }
            _ => panic!("{message:?}: {output:?}"),
        }
        assert!(running.len() <= 3, "there are three workers: {output:?}");
    }
    let all = (0..6).map(|n| format!("blocks({n})"));
    assert!(done.iter().copied().eq(all), "{output:?}");
    assert_eq!(lines.len(), 5 + 2 * 6, "{output:?}");
    calls
}

/// Three run before the first is done, and each of them twice.
fn is_even(output: &Output, calls: &BTreeMap<String, usize>) -> bool {
    let lines = transcript(output);
    let messages = lines
        .iter()
        .filter(|(_, logger, _)| logger.starts_with("blocks"));
    let before = messages
        .take_while(|(_, _, message)| message == "running")
        .count();
    before == 3 && calls.values().eq(&[2, 2, 2])
}

/// The golden transcript. A worker that starts a tenth of a second late leaves
/// its share to the others, and rightly so; hence not every run has to be even.
fn golden(executor: &str, main: impl Fn(&Output) -> String) -> BTreeMap<String, usize> {
    let mut last = None;
    for _ in 0..5 {
        let output = run_in_executor(&["--executor", executor]);
        let calls = check(&output, &main(&output));
        if is_even(&output, &calls) {
            return calls;
        }
        last = Some(output);
    }
    panic!("never three before the first `done`, and each twice: {last:?}");
}

#[test]
fn on_threads() {
    let workers = golden("thread", |_| "MainThread".to_owned());
    let names = [
        "ThreadPoolExecutor-0_0",
        "ThreadPoolExecutor-0_1",
        "ThreadPoolExecutor-0_2",
    ];
    assert!(workers.keys().eq(&names), "{workers:?}");
}

#[test]
fn in_processes() {
    let main = |output: &Output| transcript(output)[0].0.clone();
    let workers = golden("process", main);
    for who in workers.keys() {
        let pid = who.strip_prefix("PID").map(|pid| pid.trim().parse::<u32>());
        assert!(matches!(pid, Some(Ok(_))), "{who:?}");
    }
}

#[test]
fn lines_are_laid_out_as_in_python() {
    let check = |output: &Output, line: &str| {
        assert!(
            output.stderr.lines().any(|l| l == line),
            "{line:?}: {output:?}"
        );
    };
    let output = run_in_executor(&["--tasks", "1"]);
    check(&output, "MainThread run_blocking_tasks: starting");
    check(
        &output,
        "ThreadPoolExecutor-0_0          blocks(0): running",
    );
    check(&output, "MainThread run_blocking_tasks: results: [0]");

    let output = run_in_executor(&["--tasks", "1", "--executor", "process"]);
    let [first, .., last] = &transcript(&output)[..] else {
        panic!("{output:?}");
    };
    assert_eq!(first.0, last.0, "{output:?}");
    let pid = first.0.strip_prefix("PID ").unwrap().trim();
    check(
        &output,
        &format!("PID {pid:>5} run_blocking_tasks: exiting"),
    );
    let worker = |line: &&str| line.ends_with("          blocks(0): done");
    assert!(
        output.stderr.lines().any(|line| worker(&line)),
        "{output:?}"
    );
}

#[test]
fn no_task_is_no_reason_to_wait() {
    for executor in ["thread", "process"] {
        let output = run_in_executor(&["--executor", executor, "--tasks", "0"]);
        assert!(output.status.success(), "{output:?}");
        assert!(output.stderr.contains("results: []\n"), "{output:?}");
    }
}

#[test]
fn an_executor_without_workers_is_refused() {
    for executor in ["thread", "process"] {
        let output = run_in_executor(&["--executor", executor, "--workers", "0"]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(output.stderr.contains("--workers"), "{output:?}");
        assert!(!output.stderr.contains("panicked"), "{output:?}");
    }
}
