//! What is run again and what is not: never a job that had begun, unless it was
//! declared idempotent, and then not for ever.

mod common;

use common::{finish, kill, pool};
use executor_core::conformance::{Gate, pass, visit};
use executor_core::{CancelOutcome, ExecutorExt as _, TaskErrorKind, WorkerExit};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

pool_process::test_worker!();

/// Notes that it ran, where it survives the process, and gives how often.
fn note(file: &Path) -> u64 {
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .expect("it can be opened");
    file.write_all(b"x").expect("it can be written");
    file.metadata().expect("it is open").len()
}

/// How often somebody has noted that it ran.
fn runs(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |file| file.len())
}

/// Kills its worker the first `deaths` times.
fn die_at_first((file, deaths): (PathBuf, u64)) -> u64 {
    let run = note(&file);
    if run <= deaths {
        std::process::exit(9);
    }
    run
}

fn double(n: u64) -> u64 {
    2 * n
}

#[test]
fn an_idempotent_job_is_run_again_until_it_succeeds() {
    init_test_worker();
    let directory = tempfile::tempdir().unwrap();
    for workers in [1, 3] {
        let pool = pool(workers);
        for deaths in 0..=3 {
            let file = directory.path().join(format!("{workers}-{deaths}"));
            let task = pool.task(die_at_first, (file.clone(), deaths)).retries(3);
            let task = task.submit();
            let beside: Vec<_> = (0..20).map(|n| pool.submit(double, n)).collect();
            assert_eq!(finish(task).unwrap(), deaths + 1);
            assert_eq!(runs(&file), deaths + 1);
            for (n, task) in (0..).zip(beside) {
                assert_eq!(finish(task).unwrap(), 2 * n);
            }
        }
    }
}

/// A job that kills worker after worker stops doing so.
#[test]
fn a_job_that_keeps_killing_workers_is_quarantined() {
    init_test_worker();
    let directory = tempfile::tempdir().unwrap();
    for (workers, retries) in [(1, 1), (1, 2), (3, 5)] {
        let pool = pool(workers);
        let file = directory.path().join(format!("{workers}-{retries}"));
        let always = (file.clone(), u64::MAX);
        let task = pool.task(die_at_first, always).retries(retries);
        let task = task.name("poison").submit();
        let beside: Vec<_> = (0..50).map(|n| pool.submit(double, n)).collect();
        let error = finish(task).unwrap_err();
        assert_eq!(error.kind(), TaskErrorKind::WorkerLost);
        let lost = error.lost_worker().unwrap();
        assert!(lost.is_quarantined() && lost.had_started(), "{error}");
        assert_eq!(lost.exit(), WorkerExit::Code(9));
        assert_eq!(lost.attempt(), retries + 1);
        let message = error.to_string();
        let attempts = retries + 1;
        let sentence = format!(
            "the job is quarantined: it has killed {attempts} workers and is not run again"
        );
        assert!(message.contains("`poison` lost its worker"), "{message}");
        assert!(message.contains(&sentence), "{message}");
        assert_eq!(runs(&file), u64::from(attempts));
        for (n, task) in (0..).zip(beside) {
            assert_eq!(finish(task).unwrap(), 2 * n);
        }
    }
}

fn misbehave((file, how): (PathBuf, String)) -> Result<(), String> {
    note(&file);
    match how.as_str() {
        "panic" => panic!("no"),
        "error" => Err("no".to_owned()),
        _ => loop {
            std::thread::park();
        },
    }
}

/// Only a death is a reason to run a job again.
#[test]
fn panics_errors_time_limits_and_cancelling_are_not_retried() {
    init_test_worker();
    let directory = tempfile::tempdir().unwrap();
    let pool = pool(2);
    for (how, kind) in [
        ("panic", TaskErrorKind::Panicked),
        ("error", TaskErrorKind::Failed),
        ("time", TaskErrorKind::TimedOut),
        ("cancel", TaskErrorKind::Cancelled),
    ] {
        let file = directory.path().join(how);
        let mut task = pool
            .task(misbehave, (file.clone(), how.to_owned()))
            .retries(5);
        if how == "time" {
            // Long enough for the note, also on a machine that is busy.
            task = task.timeout(Duration::from_secs(1));
        }
        let task = task.submit().flatten();
        if how == "cancel" {
            common::eventually("it has begun", || runs(&file) == 1);
            assert_eq!(task.cancel(), CancelOutcome::Killed);
        }
        let error = finish(task).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        // Whoever ran it again would have done so before this one.
        assert_eq!(finish(pool.submit(double, 4)).unwrap(), 8);
        assert_eq!(runs(&file), 1, "{how}");
    }
}

/// Without a word from the owner, what had begun is never begun again: nobody
/// knows how far it came.
#[test]
fn without_retries_nothing_runs_twice_whoever_dies() {
    init_test_worker();
    let directory = tempfile::tempdir().unwrap();
    let pool = pool(3);
    let job = |(file, n): (PathBuf, u64)| {
        note(&file);
        if n % 17 == 5 {
            std::process::exit(3);
        }
        n
    };
    let jobs: Vec<_> = (0..600)
        .map(|n| {
            let file = directory.path().join(n.to_string());
            (n, file.clone(), pool.submit(job, (file, n)))
        })
        .collect();
    // Somebody else kills as well.
    for pid in pool.worker_pids() {
        kill_if_there(pid);
    }
    let mut dead = 0;
    for (n, file, task) in jobs {
        match finish(task) {
            Ok(result) => assert_eq!((result, runs(&file)), (n, 1)),
            Err(error) => {
                let lost = error.lost_worker().unwrap_or_else(|| panic!("{error}"));
                assert!(lost.had_started() && !lost.is_quarantined(), "{error}");
                assert!(runs(&file) <= 1, "job {n} ran twice");
                dead += 1;
            }
        }
        assert!(runs(&file) <= 1);
    }
    // Those that die by themselves, and at most the three that were killed.
    let by_themselves = (0..600).filter(|n| n % 17 == 5).count();
    assert!(
        (by_themselves..=by_themselves + 3).contains(&dead),
        "{dead}"
    );
}

/// A worker of a pool at work may go at any moment.
fn kill_if_there(pid: u32) {
    if let Some(pid) = rustix::process::Pid::from_raw(pid as i32) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}

/// Jobs that had not begun lose nothing when their worker dies: they move, and
/// need no word for that.
#[test]
fn jobs_that_had_not_begun_move_by_themselves() {
    init_test_worker();
    let pool = pool(1);
    for round in 0..10 {
        let mut gate = Gate::new();
        let doomed = pool.submit(pass, gate.ticket(0));
        // Many, so that some are sent ahead.
        let behind: Vec<_> = (1..150)
            .map(|n| pool.submit(visit, gate.ticket(n)))
            .collect();
        assert_eq!(gate.arrival(), 0);
        kill(pool.worker_pids()[0]);
        let error = finish(doomed).unwrap_err();
        assert!(error.is_worker_lost(), "round {round}: {error}");
        for (n, task) in (1..).zip(behind) {
            assert_eq!(finish(task).unwrap(), n, "round {round}");
        }
        let mut visitors: Vec<_> = (1..150).map(|_| gate.arrival()).collect();
        // Each once.
        visitors.sort_unstable();
        assert_eq!(visitors, Vec::from_iter(1..150));
        assert_eq!(gate.unexpected(), []);
    }
}

/// Idempotent jobs outlive any number of deaths that are not their fault, as long
/// as those stay below their bound.
#[test]
fn idempotent_jobs_all_succeed_while_workers_are_killed() {
    init_test_worker();
    let pool = pool(2);
    let job = |n: u64| {
        std::thread::sleep(Duration::from_millis(1));
        2 * n
    };
    let tasks: Vec<_> = (0..300)
        .map(|n| pool.task(job, n).retries(1000).submit())
        .collect();
    for (n, task) in (0..).zip(tasks) {
        assert_eq!(finish(task).unwrap(), 2 * n);
        if n % 15 == 0 {
            pool.worker_pids().into_iter().for_each(kill_if_there);
        }
    }
}
