//! The three ways to end a pool, each with a deadline, at any moment of a
//! worker's life; and the report, which adds up.

mod common;

use common::{eventually, finish, is_alive, pool};
use executor_core::conformance::{Gate, pass, visit};
use executor_core::{Executor as _, ExecutorExt as _, Shutdown, Task, TaskError};
use pool_process::ProcessPool;
use std::path::{Path, PathBuf};
use std::time::Duration;

pool_process::test_worker!();

const SOON: Duration = Duration::from_millis(30);
/// A deadline that is not to pass.
const FAR: Duration = Duration::from_secs(600);

fn double(n: u64) -> u64 {
    2 * n
}

/// How many came to their end, and how many were cancelled.
fn tally<T: Send + 'static>(tasks: Vec<Task<T>>) -> (usize, usize) {
    let count = tasks.len();
    let cancelled = tasks
        .into_iter()
        .map(finish)
        .filter(|outcome| outcome.as_ref().is_err_and(TaskError::is_cancelled))
        .count();
    (count - cancelled, cancelled)
}

/// A pool with both workers at a gate and 40 jobs that wait.
fn busy_pool() -> (ProcessPool, Gate, Vec<Task<u64>>, Vec<Task<u64>>) {
    let pool = pool(2);
    let mut gate = Gate::new();
    let running: Vec<_> = (0..2).map(|n| pool.submit(pass, gate.ticket(n))).collect();
    for _ in 0..2 {
        gate.arrival();
    }
    let queued = (0..40).map(|n| pool.submit(double, n)).collect();
    (pool, gate, running, queued)
}

fn is_over(pool: &ProcessPool, workers: &[u32]) {
    assert_eq!(pool.worker_pids(), []);
    eventually("its workers are gone", || {
        !workers.iter().any(|&pid| is_alive(pid))
    });
    let refused = finish(pool.submit(double, 1)).unwrap_err();
    assert!(refused.is_rejected(), "{refused}");
    assert!(refused.to_string().contains("has been shut down"));
}

/// CPython: `test_shutdown.py::test_hang_issue12364`, `test_processes_terminate`.
#[test]
fn drain_finishes_everything() {
    init_test_worker();
    for how in [Shutdown::drain(), Shutdown::drain().within(FAR)] {
        let (pool, mut gate, running, queued) = busy_pool();
        let workers = pool.worker_pids();
        let report = pool.shutdown(how);
        assert!(!report.is_done());
        gate.open();
        let report = finish(report).unwrap();
        assert_eq!((report.finished, report.cancelled), (42, 0));
        assert_eq!(report.abandoned, Vec::<String>::new());
        assert_eq!((tally(running), tally(queued)), ((2, 0), (40, 0)));
        is_over(&pool, &workers);
    }
}

/// CPython: `test_shutdown.py::test_cancel_futures`.
#[test]
fn cancel_pending_finishes_what_runs() {
    init_test_worker();
    for how in [
        Shutdown::cancel_pending(),
        Shutdown::cancel_pending().within(FAR),
    ] {
        let (pool, mut gate, running, queued) = busy_pool();
        let workers = pool.worker_pids();
        let report = pool.shutdown(how);
        assert_eq!(tally(queued), (0, 40));
        assert!(!report.is_done());
        gate.open();
        let report = finish(report).unwrap();
        assert_eq!((report.finished, report.cancelled), (2, 40));
        assert_eq!(tally(running), (2, 0));
        is_over(&pool, &workers);
    }
}

#[test]
fn kill_stops_what_runs() {
    init_test_worker();
    for how in [Shutdown::kill(), Shutdown::kill().within(FAR)] {
        let (pool, _gate, running, queued) = busy_pool();
        let workers = pool.worker_pids();
        let report = finish(pool.shutdown(how)).unwrap();
        assert_eq!((report.finished, report.cancelled), (0, 42));
        assert_eq!((tally(running), tally(queued)), ((0, 2), (0, 40)));
        is_over(&pool, &workers);
    }
}

/// What does not end by itself is stopped when the deadline passes.
#[test]
fn a_deadline_that_passes_turns_into_a_kill() {
    init_test_worker();
    for mild in [Shutdown::drain(), Shutdown::cancel_pending()] {
        let (pool, _gate, running, queued) = busy_pool();
        let workers = pool.worker_pids();
        let report = finish(pool.shutdown(mild.within(SOON))).unwrap();
        assert_eq!((report.finished, report.cancelled), (0, 42), "{mild:?}");
        assert_eq!((tally(running), tally(queued)), ((0, 2), (0, 40)));
        is_over(&pool, &workers);
    }
}

/// Each call can only tighten the way it ends, and each is told the same.
#[test]
fn a_second_call_escalates() {
    init_test_worker();
    let (pool, _gate, running, queued) = busy_pool();
    let first = pool.shutdown(Shutdown::drain());
    let second = pool.shutdown(Shutdown::cancel_pending());
    assert_eq!(tally(queued), (0, 40));
    assert!(!first.is_done() && !second.is_done());
    let third = pool.shutdown(Shutdown::kill());
    let late = pool.shutdown(Shutdown::drain());
    for report in [first, second, third, late] {
        let report = finish(report).unwrap();
        assert_eq!((report.finished, report.cancelled), (0, 42));
    }
    assert_eq!(tally(running), (0, 2));
    let after = finish(pool.shutdown(Shutdown::kill())).unwrap();
    assert_eq!((after.finished, after.cancelled), (0, 42));
}

/// Holds up a worker's start while the file is there.
fn wait_for(file: PathBuf) {
    while file.exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A pool whose workers are at their orders for as long as the file is there.
fn booting_pool(file: &Path) -> (ProcessPool, Vec<u32>, Vec<Task<u64>>) {
    let builder = ProcessPool::builder().max_workers(2);
    let pool = builder.initializer(wait_for, file.to_owned()).build();
    let pool = pool.unwrap();
    let tasks = (0..20).map(|n| pool.submit(double, n)).collect();
    eventually("they are starting", || pool.worker_pids().len() == 2);
    let workers = pool.worker_pids();
    (pool, workers, tasks)
}

#[test]
fn workers_that_are_starting_are_no_obstacle() {
    init_test_worker();
    for (how, outcome) in [
        (Shutdown::kill(), (0, 20)),
        (Shutdown::drain().within(SOON), (0, 20)),
        (Shutdown::cancel_pending().within(SOON), (0, 20)),
        (Shutdown::cancel_pending(), (0, 20)),
        (Shutdown::drain(), (20, 0)),
    ] {
        let file = tempfile::NamedTempFile::new().unwrap();
        let (pool, workers, tasks) = booting_pool(file.path());
        let report = pool.shutdown(how);
        // Only these wait until the workers are there.
        let mut file = Some(file);
        if how.deadline().is_none() && how != Shutdown::kill() {
            file = None;
        }
        let report = finish(report).unwrap();
        assert_eq!((report.finished, report.cancelled), outcome, "{how:?}");
        assert_eq!(tally(tasks), outcome, "{how:?}");
        is_over(&pool, &workers);
        drop(file);
    }
}

/// Stops a worker, with all of its threads.
fn stop(pid: u32) {
    let raw = rustix::process::Pid::from_raw(pid as i32).expect("a pid");
    rustix::process::kill_process(raw, rustix::process::Signal::STOP).expect("it is ours");
    let is_stopped = |thread: std::fs::DirEntry| {
        let stat = std::fs::read_to_string(thread.path().join("stat"));
        stat.is_ok_and(|stat| stat.contains(") T "))
    };
    eventually("it is stopped", || {
        let threads = std::fs::read_dir(format!("/proc/{pid}/task")).expect("it is there");
        threads.flatten().all(is_stopped)
    });
}

/// Neither is one that is stopped, whatever it was at.
#[test]
fn stopped_workers_are_no_obstacle() {
    init_test_worker();
    for how in [
        Shutdown::kill(),
        Shutdown::drain().within(SOON),
        Shutdown::cancel_pending().within(SOON),
    ] {
        let (pool, mut gate, running, queued) = busy_pool();
        let workers = pool.worker_pids();
        workers.iter().copied().for_each(stop);
        gate.open();
        let report = finish(pool.shutdown(how)).unwrap();
        assert_eq!((report.finished, report.cancelled), (0, 42), "{how:?}");
        assert_eq!((tally(running), tally(queued)), ((0, 2), (0, 40)));
        is_over(&pool, &workers);
    }
    // An idle one has nothing to lose; it is given a moment and then killed.
    let pool = pool(1);
    finish(pool.warm_up()).unwrap();
    let workers = pool.worker_pids();
    workers.iter().copied().for_each(stop);
    let report = finish(pool.shutdown(Shutdown::drain())).unwrap();
    assert_eq!((report.finished, report.cancelled), (0, 0));
    is_over(&pool, &workers);
}

/// test_deadlock.py::test_shutdown_deadlock: workers die after the call.
///
/// CPython: `test_deadlock.py::test_shutdown_deadlock`.
#[test]
fn workers_that_die_meanwhile_are_no_obstacle() {
    init_test_worker();
    let pool = pool(2);
    let tasks: Vec<_> = (0..40)
        .map(|n| {
            let job = |n: u64| match n % 4 {
                0 => std::process::exit(5),
                _ => n,
            };
            pool.submit(job, n)
        })
        .collect();
    let report = finish(pool.shutdown(Shutdown::drain())).unwrap();
    assert_eq!((report.finished, report.cancelled), (40, 0));
    let lost = tasks.into_iter().map(finish).filter(Result::is_err).count();
    assert_eq!(lost, 10);
}

/// At any moment, whatever the jobs are at: each has one outcome when the report
/// comes.
#[test]
fn the_report_adds_up_at_any_moment() {
    init_test_worker();
    for round in 0..60_u64 {
        let pool = pool(2);
        let visits = Gate::new();
        let tasks: Vec<_> = (0..100)
            .map(|n| pool.submit(visit, visits.ticket(n)))
            .collect();
        if round % 2 == 0 {
            finish(pool.submit(double, 1)).unwrap();
        }
        std::thread::sleep(Duration::from_micros(round * 200));
        let before = tasks.iter().filter(|task| task.is_done()).count();
        let how = [
            Shutdown::drain(),
            Shutdown::cancel_pending(),
            Shutdown::kill(),
        ];
        let report = finish(pool.shutdown(how[round as usize % 3])).unwrap();
        assert!(tasks.iter().all(Task::is_done), "some are left: {report:?}");
        let (finished, cancelled) = tally(tasks);
        assert_eq!(report.cancelled, cancelled, "round {round}");
        // Those that were over before the call are no part of it.
        assert!(
            report.finished + before <= finished,
            "{report:?}: {before} before, {finished} in all"
        );
    }
}
