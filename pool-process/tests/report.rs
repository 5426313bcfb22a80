//! A shutdown's report counts each job once, whatever becomes of it meanwhile.

mod common;

use common::{LONG, finish};
use executor_core::conformance::{Gate, pass};
use executor_core::{Executor as _, ExecutorExt as _, Shutdown};
use pool_process::{ProcessPool, Transport};
use std::time::{Duration, Instant};

pool_process::test_worker!();

fn large(len: usize) -> Vec<u8> {
    vec![1; len]
}

fn crash(n: usize) -> Vec<u8> {
    match n % 2 {
        0 => std::process::abort(),
        _ => vec![2; 10],
    }
}

/// Some are cancelled at any moment, some die, some have no time.
fn counted(way: Transport, len: usize, limits: bool, deaths: bool) {
    init_test_worker();
    let pool = ProcessPool::builder().max_workers(2).transport(way);
    let pool = pool.build().unwrap();
    let mut gate = Gate::new();
    let gates: Vec<_> = (0..2).map(|n| pool.submit(pass, gate.ticket(n))).collect();
    gate.arrival();
    gate.arrival();
    let tasks: Vec<_> = (0..200_usize)
        .map(|n| {
            if deaths && n % 5 == 0 {
                return pool.task(crash, n).retries((n % 3) as u32).submit();
            }
            let task = pool.task(large, len);
            match limits && n % 2 == 0 {
                true => task.timeout(Duration::from_micros(n as u64)).submit(),
                false => task.submit(),
            }
        })
        .collect();
    let report = pool.shutdown(Shutdown::drain());
    gate.open();
    let (mut finished, mut cancelled) = (0, 0);
    for (n, task) in tasks.into_iter().enumerate() {
        let start = Instant::now();
        while !task.is_running() && !task.is_done() {
            assert!(start.elapsed() < LONG, "{task:?} does not begin");
            std::thread::yield_now();
        }
        if n % 3 != 0 {
            let start = Instant::now();
            while start.elapsed() < Duration::from_micros(n as u64) {
                std::hint::spin_loop();
            }
            task.cancel();
        }
        match finish(task) {
            Err(error) if error.is_cancelled() => cancelled += 1,
            _ => finished += 1,
        }
    }
    for task in gates {
        finish(task).unwrap();
        finished += 1;
    }
    let report = finish(report).unwrap();
    assert_eq!((report.finished, report.cancelled), (finished, cancelled));
}

#[test]
fn results_by_message_count_once() {
    counted(Transport::Messages, 100_000, false, false);
    counted(Transport::Messages, 180_000, true, false);
}

#[test]
fn results_through_shared_memory_count_once() {
    counted(Transport::SharedMemory, 100_000, false, false);
    counted(Transport::SharedMemory, 180_000, true, false);
}

#[test]
fn jobs_of_workers_that_die_count_once() {
    counted(Transport::SharedMemory, 1000, true, true);
    counted(Transport::Messages, 1000, true, true);
}
