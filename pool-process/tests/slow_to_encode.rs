//! A `Serialize` that does not come back: it costs its own task alone.

mod common;
mod latch;

use common::{LONG, eventually, finish, pool};
use executor_core::{CancelOutcome, Executor, ExecutorExt as _, Job};
use executor_core::{Shutdown, ShutdownReport, Task};
use latch::{Latch, SlowOut, double, others_are_done, take};
use pool_process::{ProcessPool, Transport};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pool_process::test_worker!();

/// A thread that is about to block where it submits.
fn submit_slowly(pool: &ProcessPool, key: u64) -> JoinHandle<Task<u64>> {
    let pool = pool.clone();
    std::thread::spawn(move || pool.submit(take, SlowOut(key)))
}

#[test]
fn an_argument_that_is_slow_to_encode_holds_up_nobody() {
    init_test_worker();
    let ways = [Transport::SharedMemory, Transport::Messages];
    for (workers, way) in [1, 2].into_iter().flat_map(|n| ways.map(|way| (n, way))) {
        let pool = ProcessPool::builder().max_workers(workers).transport(way);
        let pool = pool.build().unwrap();
        let latch = Latch::new();
        let key = latch.key;
        let slow = submit_slowly(&pool, key);
        latch.wait_until_somebody_blocks();
        others_are_done(&pool);
        latch.open();
        assert_eq!(finish(slow.join().unwrap()).unwrap(), key);
    }
}

/// Several at a time, and the others in between.
#[test]
fn many_that_are_slow_to_encode_hold_up_nobody() {
    init_test_worker();
    let pool = pool(2);
    let mut slow = Vec::new();
    for n in 0..8 {
        let latch = Latch::new();
        let task = submit_slowly(&pool, latch.key);
        latch.wait_until_somebody_blocks();
        slow.push((latch, task));
        assert_eq!(finish(pool.submit(double, n)).unwrap(), 2 * n);
    }
    for (latch, task) in slow {
        let key = latch.key;
        latch.open();
        assert_eq!(finish(task.join().unwrap()).unwrap(), key);
    }
}

#[test]
fn the_time_in_the_queue_counts_from_the_submit() {
    init_test_worker();
    let pool = pool(1);
    let latch = Latch::new();
    let limit = Duration::from_millis(20);
    let expired = {
        let (pool, slow) = (pool.clone(), SlowOut(latch.key));
        std::thread::spawn(move || pool.task(take, slow).queue_timeout(limit).submit())
    };
    latch.wait_until_somebody_blocks();
    std::thread::sleep(2 * limit);
    latch.open();
    let error = finish(expired.join().unwrap()).unwrap_err();
    assert!(error.is_timed_out(), "{error}");
    others_are_done(&pool);
}

/// An executor that submits on another thread: its jobs are seen while they are encoded.
struct Later(ProcessPool);

impl Executor for Later {
    fn execute(&self, job: Job) {
        let pool = self.0.clone();
        std::thread::spawn(move || pool.execute(job));
    }
    fn shutdown(&self, how: Shutdown) -> Task<ShutdownReport> {
        self.0.shutdown(how)
    }
    fn concurrency(&self) -> usize {
        self.0.concurrency()
    }
}

#[test]
fn a_job_that_is_cancelled_while_it_is_encoded_does_not_run() {
    init_test_worker();
    let pool = Later(pool(1));
    let latch = Latch::new();
    let task = pool.submit(take, SlowOut(latch.key));
    latch.wait_until_somebody_blocks();
    assert!(!task.is_running());
    assert_eq!(task.cancel(), CancelOutcome::Requested);
    latch.open();
    assert!(finish(task).unwrap_err().is_cancelled());
    others_are_done(&pool.0);
}

#[test]
fn a_job_that_is_being_encoded_takes_no_place_in_the_queue() {
    init_test_worker();
    let pool = ProcessPool::builder().max_workers(1).max_queued(1);
    let pool = pool.build().unwrap();
    let slow: Vec<_> = (0..3)
        .map(|_| {
            let latch = Latch::new();
            let task = submit_slowly(&pool, latch.key);
            latch.wait_until_somebody_blocks();
            (latch, task)
        })
        .collect();
    assert_eq!(pool.queued(), 0);
    assert_eq!(finish(pool.submit(double, 4)).unwrap(), 8);
    for (latch, task) in slow {
        let key = latch.key;
        latch.open();
        assert_eq!(finish(task.join().unwrap()).unwrap(), key);
    }
}

/// A job is the pool's from when its submit returns.
#[test]
fn no_shutdown_waits_for_a_job_that_is_being_encoded() {
    init_test_worker();
    for how in [Shutdown::drain(), Shutdown::kill()] {
        let pool = pool(1);
        let latch = Latch::new();
        let slow = submit_slowly(&pool, latch.key);
        latch.wait_until_somebody_blocks();
        finish(pool.shutdown(how)).unwrap();
        latch.open();
        let error = finish(slow.join().unwrap()).unwrap_err();
        assert!(error.is_rejected(), "{error}");
    }
}

fn wait_for_file(path: String) {
    let start = Instant::now();
    while !std::path::Path::new(&path).exists() && start.elapsed() < LONG {
        std::thread::yield_now();
    }
}

fn sum_up(long: Vec<u64>) -> u64 {
    long.len() as u64
}

/// By message, a long argument is kept back while the worker is busy. If its job is
/// cancelled meanwhile, the worker has nothing when its turn has come.
#[test]
fn a_worker_is_idle_when_what_was_kept_back_for_it_was_cancelled() {
    init_test_worker();
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let pool = ProcessPool::builder()
        .max_workers(1)
        .transport(Transport::Messages)
        .initializer(
            |path| {
                wait_for_file(path);
                Ok::<_, String>(())
            },
            path("all wait"),
        )
        .build()
        .unwrap();
    // The first four are sent at once; the next two when the first of those is done.
    let mut others = vec![pool.submit(double, 0)];
    let running = pool.submit(wait_for_file, path("go on"));
    others.extend((1..4).map(|n| pool.submit(double, n)));
    let kept = pool.submit(sum_up, vec![u64::MAX; 16 * 1024]);
    others.extend((4..6).map(|n| pool.submit(double, n)));
    std::fs::write(path("all wait"), []).unwrap();
    eventually("it is kept back", || pool.queued() == 6);
    assert_eq!(kept.cancel(), CancelOutcome::BeforeStart);
    std::fs::write(path("go on"), []).unwrap();
    finish(running).unwrap();
    for (n, task) in (0..).zip(others) {
        assert_eq!(finish(task).unwrap(), 2 * n);
    }
    assert!(finish(kept).unwrap_err().is_cancelled());
    others_are_done(&pool);
}
