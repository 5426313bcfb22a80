//! The limits of a pool at their ends: no limit at all, and none left.

mod common;

use common::finish;
use executor_core::ExecutorExt as _;
use pool_process::ProcessPool;
use std::path::Path;
use std::time::Duration;

pool_process::test_worker!();

fn double(n: u64) -> u64 {
    2 * n
}

#[test]
fn the_longest_duration_is_no_limit() {
    init_test_worker();
    for limit in [Duration::MAX, Duration::from_secs(u64::MAX / 2)] {
        let builder = ProcessPool::builder().max_workers(1);
        let builder = builder.boot_deadline(limit).idle_timeout(limit);
        let pool = builder.build().unwrap();
        let task = pool.task(double, 4).timeout(limit).queue_timeout(limit);
        assert_eq!(finish(task.submit()).unwrap(), 8);
        assert_eq!(finish(pool.submit(double, 5)).unwrap(), 10);
        assert_eq!(pool.worker_pids().len(), 1);
    }
}

#[test]
fn a_worker_that_may_not_be_idle_leaves() {
    init_test_worker();
    let builder = ProcessPool::builder().idle_timeout(Duration::ZERO);
    let pool = builder.max_workers(2).build().unwrap();
    for n in 0..3 {
        assert_eq!(finish(pool.submit(double, n)).unwrap(), 2 * n);
        common::eventually("it is gone", || pool.worker_pids().is_empty());
    }
}

#[test]
fn no_time_to_start_is_refused() {
    init_test_worker();
    let builder = ProcessPool::builder().boot_deadline(Duration::ZERO);
    let error = builder.build().unwrap_err().to_string();
    assert_eq!(error, "boot_deadline must be greater than 0");
}

/// More often than a program may fail that is at fault itself.
#[test]
fn workers_that_are_killed_as_they_start_are_started_again() {
    init_test_worker();
    let directory = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/strangers/killed.sh");
    let builder = ProcessPool::builder().max_workers(1).worker_exe(script);
    let pool = builder
        .env("PROGRAM", std::env::current_exe().unwrap())
        .env("KILLED", directory.path())
        .build()
        .unwrap();
    assert_eq!(finish(pool.submit(double, 4)).unwrap(), 8);
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 7);
}

/// The resident memory, in KiB, of the boards that this process shares with its workers.
fn shared_memory() -> u64 {
    let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let mut of_a_board = false;
    let mut sum = 0;
    for line in maps.lines() {
        let head = line.split(' ').next().unwrap_or_default();
        if head.contains('-') {
            of_a_board = line.contains("pool-process board");
        } else if let Some(size) = line.strip_prefix("Rss:").filter(|_| of_a_board) {
            sum += size.trim().trim_end_matches(" kB").parse::<u64>().unwrap();
        }
    }
    sum
}

/// In a process of its own, which has no other pools.
#[test]
fn a_worker_at_rest_has_little_shared_memory() {
    const CHILD: &str = "POOL_PROCESS_TEST_CHILD";
    init_test_worker();
    if std::env::var_os(CHILD).is_none() {
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_worker_at_rest_has_little_shared_memory"])
            .env(CHILD, "1")
            .status()
            .unwrap();
        assert!(status.success());
        return;
    }
    let pool = ProcessPool::builder().max_workers(1).build().unwrap();
    for _ in 0..3 {
        let echo = |bytes: executor_core::Bytes| bytes;
        let bytes = executor_core::Bytes::from(vec![7; 3 << 20]);
        assert_eq!(finish(pool.submit(echo, bytes)).unwrap().len(), 3 << 20);
        common::eventually("it has given it back", || shared_memory() <= 256);
        assert!(shared_memory() > 0, "there is no board");
    }
}
