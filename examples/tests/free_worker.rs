//! Giving up on a task in asynchronous code frees the worker that runs it.

use async_std::task::block_on;
use combinators::{gather, wait_for};
use executor_core::conformance::{DEADLINE, Gate, pass};
use executor_core::{ExecutorExt as _, Task, TaskError};
use pool_process::ProcessPool;
use std::time::Duration;

pool_process::test_worker!();

fn endless(ticket: (u16, u64)) -> u32 {
    executor_core::conformance::visit(ticket);
    loop {
        std::hint::spin_loop();
    }
}

fn pid(_: ()) -> u32 {
    std::process::id()
}

fn pool() -> ProcessPool {
    init_test_worker();
    ProcessPool::builder()
        .max_workers(1)
        .build()
        .expect("it is built")
}

/// The pid of the one worker; it would never come from one that is still busy.
fn finish<T: Send + 'static>(mut task: Task<T>) -> Result<T, TaskError> {
    task.wait_timeout(DEADLINE).expect("the worker is free")
}

#[test]
fn wait_for_kills_the_worker_and_the_next_job_runs_on_another() {
    let pool = pool();
    let gate = Gate::new();
    let before = finish(pool.submit(pid, ())).unwrap();
    let task = pool.task(endless, gate.ticket(1)).name("stuck").submit();
    let error = block_on(wait_for(task, Duration::from_millis(50))).unwrap_err();
    assert!(error.is_timed_out(), "{error}");
    assert!(error.to_string().contains("stuck"), "{error}");
    assert_ne!(finish(pool.submit(pid, ())).unwrap(), before);
}

#[test]
fn a_dropped_future_cancels_what_it_waits_for() {
    let pool = pool();
    let mut gate = Gate::new();
    let task = pool.submit(endless, gate.ticket(1)).cancel_on_drop();
    assert_eq!(gate.arrival(), 1);
    // As a coroutine that is given up drops what it awaits.
    drop(async move { task.await.map(|pid| pid + 1) });
    assert!(finish(pool.submit(pid, ())).is_ok());
}

#[test]
fn a_gather_that_is_dropped_cancels_the_tasks_that_asked_for_it() {
    let pool = pool();
    let mut gate = Gate::new();
    let tasks = [1, 2, 3].map(|n| pool.submit(pass, gate.ticket(n)).cancel_on_drop());
    assert_eq!(gate.arrival(), 1);
    drop(gather(tasks));
    assert!(finish(pool.submit(pid, ())).is_ok());
    assert_eq!(gate.unexpected(), []);
}
