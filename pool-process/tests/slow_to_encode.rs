//! A `Serialize` that does not come back: it costs its own task alone.

mod common;
mod latch;

use common::{LONG, eventually, finish, pool};
use executor_core::{CancelOutcome, Executor as _, ExecutorExt as _, Shutdown};
use latch::{Latch, SlowOut, double, others_are_done, take};
use pool_process::{ProcessPool, Transport};
use std::time::{Duration, Instant};

pool_process::test_worker!();

#[test]
fn an_argument_that_is_slow_to_encode_holds_up_nobody() {
    init_test_worker();
    let ways = [Transport::SharedMemory, Transport::Messages];
    for (workers, way) in [1, 2].into_iter().flat_map(|n| ways.map(|way| (n, way))) {
        let pool = ProcessPool::builder().max_workers(workers).transport(way);
        let pool = pool.build().unwrap();
        let latch = Latch::new();
        let key = latch.key;
        let slow = pool.submit(take, SlowOut(key));
        latch.wait_until_somebody_blocks();
        others_are_done(&pool);
        assert!(!slow.is_done());
        latch.open();
        assert_eq!(finish(slow).unwrap(), key);
    }
}

/// Several at a time, and the others in between.
#[test]
fn many_that_are_slow_to_encode_hold_up_nobody() {
    init_test_worker();
    let pool = pool(2);
    let mut slow = Vec::new();
    let mut between = Vec::new();
    for n in 0..8 {
        let latch = Latch::new();
        let task = pool.submit(take, SlowOut(latch.key));
        slow.push((latch, task));
        between.push(pool.submit(double, n));
    }
    for (n, task) in (0..).zip(between) {
        assert_eq!(finish(task).unwrap(), 2 * n);
    }
    for (latch, task) in slow {
        let key = latch.key;
        latch.wait_until_somebody_blocks();
        latch.open();
        assert_eq!(finish(task).unwrap(), key);
    }
}

#[test]
fn a_job_that_is_being_encoded_can_be_cancelled_and_its_time_in_the_queue_ends() {
    init_test_worker();
    let pool = pool(1);
    let (latch, other) = (Latch::new(), Latch::new());
    let cancelled = pool.submit(take, SlowOut(latch.key));
    latch.wait_until_somebody_blocks();
    assert_eq!(cancelled.cancel(), CancelOutcome::Requested);
    let limit = Duration::from_millis(20);
    let expired = pool
        .task(take, SlowOut(other.key))
        .queue_timeout(limit)
        .submit();
    other.wait_until_somebody_blocks();
    std::thread::sleep(2 * limit);
    latch.open();
    other.open();
    assert!(finish(cancelled).unwrap_err().is_cancelled());
    assert!(finish(expired).unwrap_err().is_timed_out());
    others_are_done(&pool);
}

/// It is with nobody but the thread that encodes it, and belongs to the pool all the same.
#[test]
fn a_drain_waits_for_a_job_that_is_being_encoded() {
    init_test_worker();
    let pool = pool(1);
    let latch = Latch::new();
    let key = latch.key;
    let slow = pool.submit(take, SlowOut(key));
    latch.wait_until_somebody_blocks();
    let end = pool.shutdown(Shutdown::drain());
    eventually("its worker has gone", || pool.worker_pids().is_empty());
    assert!(!end.is_done());
    latch.open();
    assert_eq!(finish(slow).unwrap(), key);
    finish(end).unwrap();
}

#[test]
fn a_job_that_is_being_encoded_while_its_pool_is_killed_is_cancelled() {
    init_test_worker();
    let pool = pool(1);
    let latch = Latch::new();
    let slow = pool.submit(take, SlowOut(latch.key));
    latch.wait_until_somebody_blocks();
    finish(pool.shutdown(Shutdown::kill())).unwrap();
    latch.open();
    assert!(finish(slow).unwrap_err().is_cancelled());
}

fn take_and_stay(slow: SlowOut) -> u64 {
    // Longer than an idle worker stays.
    std::thread::sleep(Duration::from_secs(1));
    slow.0
}

/// It was found idle while its job was being encoded.
#[test]
fn a_worker_that_is_given_a_slow_argument_is_not_let_go_for_being_idle() {
    init_test_worker();
    let pool = ProcessPool::builder()
        .max_workers(1)
        .idle_timeout(Duration::from_millis(500))
        .build()
        .unwrap();
    let latch = Latch::new();
    let key = latch.key;
    let slow = pool.submit(take_and_stay, SlowOut(key));
    latch.wait_until_somebody_blocks();
    others_are_done(&pool);
    latch.open();
    assert_eq!(finish(slow).unwrap(), key);
    others_are_done(&pool);
}

fn wait_for_file(path: String) {
    let start = Instant::now();
    while !std::path::Path::new(&path).exists() && start.elapsed() < LONG {
        std::thread::yield_now();
    }
}

fn take_long(long: (SlowOut, Vec<u64>)) -> u64 {
    long.0.0 + long.1.len() as u64
}

/// By message, a long argument is kept back while the worker is busy. If its job is
/// cancelled meanwhile, the worker has nothing when its turn has come.
#[test]
fn a_worker_is_idle_when_what_was_kept_back_for_it_was_cancelled() {
    init_test_worker();
    let way = Transport::Messages;
    let pool = ProcessPool::builder().max_workers(1).transport(way);
    let pool = pool.build().unwrap();
    let path = std::env::temp_dir().join(format!("kept-back-{}", std::process::id()));
    let path = path.to_str().unwrap().to_owned();
    // The first four are sent at once; the next two when the first of those is done.
    let (first_latch, latch) = (Latch::new(), Latch::new());
    let first_key = first_latch.key;
    let first = pool.submit(take, SlowOut(first_key));
    let running = pool.submit(wait_for_file, path.clone());
    let mut others: Vec<_> = (0..3).map(|n| pool.submit(double, n)).collect();
    let kept = pool.submit(take_long, (SlowOut(latch.key), vec![u64::MAX; 16 * 1024]));
    others.extend((3..5).map(|n| pool.submit(double, n)));
    first_latch.open();
    latch.wait_until_somebody_blocks();
    latch.open();
    eventually("it is kept back", || pool.queued() == 6);
    assert_eq!(kept.cancel(), CancelOutcome::BeforeStart);
    std::fs::write(&path, []).unwrap();
    finish(running).unwrap();
    for (n, task) in (0..).zip(others) {
        assert_eq!(finish(task).unwrap(), 2 * n);
    }
    assert_eq!(finish(first).unwrap(), first_key);
    assert!(finish(kept).unwrap_err().is_cancelled());
    others_are_done(&pool);
    let _ = std::fs::remove_file(path);
}
