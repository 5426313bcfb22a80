//! Promises of the documentation that are hard to keep: odd moments, and code of the
//! user's that does not come back.

mod common;
mod latch;
mod layer;

use common::{eventually, pool};
use executor_core::conformance::{Gate, pass};
use executor_core::{Bytes, CancelOutcome, Executor as _, ExecutorExt as _, Shutdown};
use executor_core::{Task, TaskError};
use latch::{Latch, block, double, others_are_done};
use layer::{BLOCKS, SEEN, watch_events};
use pool_process::ProcessPool;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Barrier};
use std::time::Duration;

pool_process::test_worker!();

/// How long anything may take before the test fails.
const LONG: Duration = Duration::from_secs(40);
/// For as long as this nothing is to happen.
const MOMENT: Duration = Duration::from_millis(700);

fn finish<T: Send + 'static>(mut task: Task<T>) -> Result<T, TaskError> {
    let outcome = task.wait_timeout(LONG);
    outcome.unwrap_or_else(|| panic!("no outcome within {LONG:?}: {task:?}"))
}

/// Comes to the gate, and dies the first time when it is let go.
fn die_once((ticket, file): ((u16, u64), PathBuf)) -> u64 {
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .unwrap();
    file.write_all(b"x").unwrap();
    let runs = file.metadata().unwrap().len();
    if runs == 1 {
        pass(ticket);
        std::process::exit(9);
    }
    runs
}

// ----- code of the user's that takes its time -----

/// "max_queued: the most jobs that may wait for a worker": none waits here.
#[test]
fn a_callback_that_blocks_takes_no_place_in_the_queue() {
    init_test_worker();
    let builder = ProcessPool::builder().max_workers(1).max_queued(1);
    let pool = builder.build().unwrap();
    let mut gate = Gate::new();
    let doomed = pool.submit(pass, gate.ticket(0));
    gate.arrival();
    let latch = Latch::new();
    let key = latch.key;
    doomed.add_done_callback(move |_| block(key));
    assert_eq!(doomed.cancel(), CancelOutcome::Killed);
    latch.wait_until_somebody_blocks();
    let runs = pool.submit(pass, gate.ticket(1));
    assert_eq!(gate.arrival(), 1);
    assert_eq!(pool.queued(), 0);
    let waits = pool.submit(double, 4);
    gate.open();
    assert_eq!(finish(runs).unwrap(), 1);
    let waited = finish(waits);
    latch.open();
    assert!(finish(doomed).unwrap_err().is_cancelled());
    assert_eq!(waited.unwrap(), 8);
}

/// A callback has the last handle.
#[test]
fn a_pool_may_be_dropped_in_a_callback() {
    init_test_worker();
    let pool = pool(1);
    let mut gate = Gate::new();
    let first = pool.submit(pass, gate.ticket(0));
    gate.arrival();
    let behind: Vec<_> = (0..40).map(|n| pool.submit(double, n)).collect();
    first.add_done_callback(move |_| drop(pool));
    gate.open();
    assert_eq!(finish(first).unwrap(), 0);
    for (n, task) in (0..).zip(behind) {
        assert_eq!(finish(task).unwrap(), 2 * n);
    }
}

// ----- counting -----

/// A shutdown while the very first job comes: it is refused, or the report has it.
#[test]
fn a_shutdown_waits_for_a_first_job_that_was_taken() {
    init_test_worker();
    let rounds = std::env::var("ROUNDS").map_or(100, |its| its.parse().unwrap());
    for round in 0..rounds {
        let (pool, start) = (pool(1), Arc::new(Barrier::new(2)));
        let (other, at) = (pool.clone(), start.clone());
        let submits = std::thread::spawn(move || {
            at.wait();
            other.submit(double, 4)
        });
        start.wait();
        (0..round % 100).for_each(|_| std::hint::spin_loop());
        let report = finish(pool.shutdown(Shutdown::drain())).unwrap();
        let outcome = finish(submits.join().unwrap());
        let taken = usize::from(outcome.is_ok());
        assert_eq!(report.finished, taken, "round {round}: {outcome:?}");
    }
}

// ----- which workers there are -----

/// "An idle one is reused before another is started. One that dies is replaced."
#[test]
fn one_worker_takes_the_place_of_one() {
    init_test_worker();
    let (pool, mut gate) = (pool(8), Gate::new());
    let directory = tempfile::tempdir().unwrap();
    let argument = (gate.ticket(0), directory.path().join("runs"));
    let task = pool.task(die_once, argument).retries(1).submit();
    gate.arrival();
    gate.open();
    assert_eq!(finish(task).unwrap(), 2);
    let mut most = 0;
    for n in 0..1000 {
        assert_eq!(finish(pool.submit(double, n)).unwrap(), 2 * n);
        most = most.max(pool.worker_pids().len());
    }
    assert_eq!(most, 1);
}

/// "How many workers stay although they are idle for longer than the idle_timeout."
#[test]
fn the_fewest_workers_stay_and_are_not_replaced() {
    init_test_worker();
    let builder = ProcessPool::builder().max_workers(4).min_workers(2);
    let pool = builder.idle_timeout(MOMENT).build().unwrap();
    finish(pool.warm_up()).unwrap();
    let mut gate = Gate::new();
    let tasks: Vec<_> = (0..4).map(|n| pool.submit(pass, gate.ticket(n))).collect();
    for _ in &tasks {
        gate.arrival();
    }
    let before = pool.worker_pids();
    gate.open();
    for task in tasks {
        finish(task).unwrap();
    }
    eventually("some are gone", || pool.worker_pids().len() != 4);
    eventually("two are there", || pool.worker_pids().len() == 2);
    let after = pool.worker_pids();
    assert!(
        after.iter().all(|pid| before.contains(pid)),
        "{before:?}, {after:?}"
    );
}

fn fail_once(directory: PathBuf) -> Result<(), String> {
    eventually("it may go on", || directory.join("fail").exists());
    let mut new = OpenOptions::new();
    if new
        .write(true)
        .create_new(true)
        .open(directory.join("failed"))
        .is_ok()
    {
        return Err("the first".to_owned());
    }
    eventually("it may go on", || directory.join("go").exists());
    Ok(())
}

/// "The task resolves when each is ready. It fails if one of them does not start."
#[test]
fn a_warm_up_ends_though_a_worker_fails_while_a_job_waits() {
    init_test_worker();
    watch_events();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_owned();
    let builder = ProcessPool::builder().max_workers(3).name("warm");
    let pool = builder
        .initializer(fail_once, path.clone())
        .build()
        .unwrap();
    let warm = pool.warm_up();
    eventually("three are starting", || pool.worker_pids().len() == 3);
    let job = pool.submit(double, 4);
    std::fs::write(path.join("fail"), "").unwrap();
    eventually("one has failed", || {
        let seen = SEEN.lock().unwrap();
        seen.iter()
            .any(|message| message.contains("a worker did not start"))
    });
    std::fs::write(path.join("go"), "").unwrap();
    assert_eq!(finish(job).unwrap(), 8);
    let _ = finish(warm);
}

// ----- tracing -----

/// What is said of a death is said where the others are looked after.
#[test]
fn a_tracing_layer_that_blocks_holds_up_nobody() {
    init_test_worker();
    watch_events();
    let (latch, mut gate) = (Latch::new(), Gate::new());
    BLOCKS.store(latch.key, Ordering::SeqCst);
    let builder = ProcessPool::builder().max_workers(1).name("blocks");
    let pool = builder.build().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let argument = (gate.ticket(0), directory.path().join("runs"));
    let task = pool.task(die_once, argument).retries(1).submit();
    gate.arrival();
    gate.open();
    latch.wait_until_somebody_blocks();
    assert_eq!(finish(task).unwrap(), 2);
    others_are_done(&pool);
    finish(pool.shutdown(Shutdown::kill().within(MOMENT))).unwrap();
    latch.open();
}

/// An error that nobody looks at is reported; that the report panics ends nothing.
///
/// In a process of its own: one whose pools do not end never returns from `main`.
#[test]
fn a_tracing_layer_that_panics_stops_no_shutdown() {
    const CHILD: &str = "POOL_PROCESS_TEST_CHILD";
    init_test_worker();
    if std::env::var_os(CHILD).is_none() {
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_tracing_layer_that_panics_stops_no_shutdown"])
            .env(CHILD, "1")
            .status()
            .unwrap();
        assert!(status.success());
        return;
    }
    watch_events();
    let pool = ProcessPool::builder()
        .max_workers(1)
        .name("panics")
        .build()
        .unwrap();
    let mut gate = Gate::new();
    let fails = |ticket: (u16, u64)| panic!("of no interest: {}", pass(ticket));
    pool.submit::<_, _, ()>(fails, gate.ticket(0)).detach();
    gate.arrival();
    let behind: Vec<_> = (1..40).map(|n| pool.submit(double, n)).collect();
    gate.open();
    for (n, task) in (1..).zip(behind) {
        assert_eq!(finish(task).unwrap(), 2 * n);
    }
    if pool
        .shutdown(Shutdown::drain())
        .wait_timeout(LONG / 2)
        .is_none()
    {
        eprintln!("the shutdown does not end");
        std::process::abort();
    }
}

// ----- values -----

/// "Values arrive equal": at the sizes where they take another way, with cancels between.
#[test]
fn payloads_at_the_boundaries_arrive_beside_cancelled_ones() {
    init_test_worker();
    let pool = pool(2);
    let about = |n: usize| [n - 1, n, n + 1];
    let sizes = [
        about(1),
        about(88),
        about(64 << 10),
        about(1 << 20),
        about(1088 << 10),
    ];
    for round in 0..2 {
        let tasks = (0..).zip(sizes.iter().flatten()).map(|(n, &len)| {
            let bytes = Bytes::from(vec![n as u8; len]);
            let pair = pool.submit(|pair: (u8, Vec<u8>)| pair, (1, bytes.to_vec()));
            let plain = pool.submit(|bytes: Bytes| bytes, bytes.clone());
            if n % 3 == round {
                plain.cancel();
            }
            (bytes, pair, plain)
        });
        for (bytes, pair, plain) in tasks.collect::<Vec<_>>() {
            assert!(
                finish(pair).unwrap() == (1, bytes.to_vec()),
                "{}",
                bytes.len()
            );
            match finish(plain) {
                Ok(echoed) => assert!(echoed == bytes, "{}", bytes.len()),
                Err(error) => assert!(error.is_cancelled(), "{error}"),
            }
        }
    }
}
