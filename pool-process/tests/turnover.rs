//! Workers that are replaced before they die: after so many jobs, above so much
//! memory, after so long a time without work. No job is lost by any of it.

mod common;

use common::{eventually, finish, is_alive, pool};
use executor_core::ExecutorExt as _;
use executor_core::conformance::{Gate, pass, visit};
use pool_process::ProcessPool;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

pool_process::test_worker!();

fn pid(_: ()) -> u32 {
    std::process::id()
}

fn double_with_pid(n: u64) -> (u64, u32) {
    (2 * n, std::process::id())
}

fn pool_of_short_lives(workers: usize, jobs: u64) -> ProcessPool {
    let builder = ProcessPool::builder().max_workers(workers);
    builder.max_tasks_per_worker(jobs).build().unwrap()
}

/// test_process_pool.py::test_max_tasks_per_child
#[test]
fn a_worker_is_replaced_after_so_many_jobs() {
    init_test_worker();
    for most in [1, 3] {
        let pool = pool_of_short_lives(1, most);
        let mut former = Vec::new();
        for _ in 0..5 {
            let worker = finish(pool.submit(pid, ())).unwrap();
            assert!(!former.contains(&worker), "{worker} after {former:?}");
            for _ in 1..most {
                assert_eq!(finish(pool.submit(pid, ())).unwrap(), worker);
            }
            former.push(worker);
        }
        // The last of them goes as well.
        eventually("those that are worn out are gone", || {
            !former.iter().any(|&pid| is_alive(pid))
        });
        assert!(pool.worker_pids().len() <= 1);
    }
}

/// However many wait, no worker is given more than its share, and none is lost.
#[test]
fn many_jobs_survive_the_turnover() {
    init_test_worker();
    for (workers, most, jobs) in [(1, 1, 60), (2, 1, 100), (1, 7, 300), (3, 20, 2000)] {
        let pool = pool_of_short_lives(workers, most);
        let tasks: Vec<_> = (0..jobs).map(|n| pool.submit(double_with_pid, n)).collect();
        let mut shares = HashMap::<u32, u64>::new();
        for (n, task) in (0..).zip(tasks) {
            let (result, worker) = finish(task).unwrap();
            assert_eq!(result, 2 * n);
            *shares.entry(worker).or_default() += 1;
            assert!(pool.worker_pids().len() <= workers);
        }
        assert!(shares.values().all(|&share| share <= most), "{shares:?}");
        assert_eq!(shares.values().sum::<u64>(), jobs);
    }
}

/// While one runs a long job, the others turn over beside it.
#[test]
fn the_turnover_leaves_a_running_job_alone() {
    init_test_worker();
    let pool = pool_of_short_lives(2, 2);
    let (mut gate, visits) = (Gate::new(), Gate::new());
    let long = pool.submit(pass, gate.ticket(1));
    gate.arrival();
    let short: Vec<_> = (0..50)
        .map(|n| pool.submit(visit, visits.ticket(n)))
        .collect();
    for (n, task) in (0..).zip(short) {
        assert_eq!(finish(task).unwrap(), n);
    }
    assert!(long.is_running());
    gate.open();
    assert_eq!(finish(long).unwrap(), 1);
}

static LEAKED: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// Keeps so many bytes for ever.
fn leak(bytes: usize) -> u32 {
    LEAKED.lock().expect("nobody panicked").push(vec![1; bytes]);
    std::process::id()
}

/// loky test_memory_leak_protection
#[test]
fn a_leaking_worker_is_replaced_and_no_job_is_lost() {
    init_test_worker();
    let builder = ProcessPool::builder().max_workers(1);
    let pool = builder.recycle_above(100 << 20).build().unwrap();
    let first = finish(pool.submit(leak, 1 << 10)).unwrap();
    assert_eq!(finish(pool.submit(leak, 1 << 10)).unwrap(), first);
    finish(pool.submit(leak, 120 << 20)).unwrap();
    // It is weighed now and then, not after each job.
    eventually("it is replaced", || {
        finish(pool.submit(leak, 1 << 10)).unwrap() != first
    });
    let tasks: Vec<_> = (0..60).map(|_| pool.submit(leak, 10 << 20)).collect();
    let mut workers: Vec<_> = tasks.into_iter().map(|t| finish(t).unwrap()).collect();
    workers.dedup();
    assert!(!is_alive(first));
    println!("{} workers for 60 leaking jobs", workers.len());
    // A limit that is not reached replaces nobody.
    let plain = ProcessPool::builder().max_workers(1).recycle_above(1 << 40);
    let plain = plain.build().unwrap();
    let stays = finish(plain.submit(leak, 1 << 20)).unwrap();
    for _ in 0..20 {
        assert_eq!(finish(plain.submit(leak, 1 << 20)).unwrap(), stays);
    }
}

/// loky test_worker_timeout: those above `min_workers` go, and come back when
/// there is work.
#[test]
fn idle_workers_go_and_come_back() {
    init_test_worker();
    for min in [0, 2] {
        let builder = ProcessPool::builder().max_workers(4).min_workers(min);
        let pool = builder.idle_timeout(Duration::from_millis(20)).build();
        let pool = pool.unwrap();
        for round in 0..5 {
            finish(pool.warm_up()).unwrap();
            eventually("the idle ones are gone", || pool.worker_pids().len() == min);
            assert_eq!(
                finish(pool.submit(double_with_pid, round)).unwrap().0,
                2 * round
            );
        }
    }
    // Without a limit nobody goes.
    let stays = pool(2);
    finish(stays.warm_up()).unwrap();
    let before = stays.worker_pids();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(stays.worker_pids(), before);
}

/// loky: tasks are not lost at the boundary. Jobs come just when the workers are
/// about to go.
#[test]
fn no_job_is_lost_at_the_moment_a_worker_goes() {
    init_test_worker();
    for (workers, min) in [(1, 0), (3, 0), (3, 1)] {
        let limit = Duration::from_millis(2);
        let builder = ProcessPool::builder().max_workers(workers);
        let pool = builder
            .min_workers(min)
            .idle_timeout(limit)
            .build()
            .unwrap();
        for round in 0..120_u32 {
            let tasks: Vec<_> = (0..u64::from(round % 5 + 1))
                .map(|n| pool.submit(double_with_pid, n))
                .collect();
            for (n, task) in (0..).zip(tasks) {
                assert_eq!(finish(task).unwrap().0, 2 * n, "round {round}");
            }
            // Around the limit, a little sooner and a little later.
            std::thread::sleep(limit * (80 + round % 40) / 100);
        }
    }
}
