//! How many workers there are, and which one gets a job.

mod common;

use common::{finish, pool};
use executor_core::ExecutorExt as _;
use executor_core::conformance::{Gate, pass};
use std::collections::BTreeSet;

pool_process::test_worker!();

fn pid(_: ()) -> u32 {
    std::process::id()
}

#[test]
fn no_worker_starts_before_there_is_a_job() {
    init_test_worker();
    let pool = pool(3);
    assert_eq!(pool.worker_pids(), []);
    assert_ne!(finish(pool.submit(pid, ())).unwrap(), std::process::id());
    assert_eq!(pool.worker_pids().len(), 1);
}

/// test_process_pool.py::test_idle_process_reuse_one
#[test]
fn jobs_one_after_another_use_one_worker() {
    init_test_worker();
    let pool = pool(4);
    let pids: BTreeSet<_> = (0..200)
        .map(|_| finish(pool.submit(pid, ())).unwrap())
        .collect();
    assert_eq!(pids.len(), 1, "{pids:?}");
    assert_eq!(pool.worker_pids(), Vec::from_iter(pids));
}

/// test_process_pool.py::test_saturation
#[test]
fn blocked_jobs_start_exactly_as_many_workers_as_allowed() {
    init_test_worker();
    let pool = pool(3);
    let mut gate = Gate::new();
    let tasks: Vec<_> = (0..45).map(|n| pool.submit(pass, gate.ticket(n))).collect();
    for _ in 0..3 {
        gate.arrival();
    }
    assert_eq!(pool.worker_pids().len(), 3);
    for _ in 0..42 {
        gate.open();
        gate.arrival();
    }
    gate.open();
    for (n, task) in (0..).zip(tasks) {
        assert_eq!(finish(task).unwrap(), n);
    }
    assert_eq!(pool.worker_pids().len(), 3);
}

#[test]
fn a_full_queue_refuses_and_a_cancelled_job_makes_room() {
    init_test_worker();
    let pool = pool_process::ProcessPool::builder()
        .max_workers(1)
        .max_queued(2)
        .build()
        .unwrap();
    let mut gate = Gate::new();
    let running = pool.submit(pass, gate.ticket(0));
    gate.arrival();
    let first = pool.submit(pid, ());
    let second = pool.submit(pid, ());
    let refused = pool.submit(pid, ());
    let error = finish(refused).unwrap_err();
    assert!(
        error.is_rejected() && error.to_string().contains("full"),
        "{error}"
    );
    first.cancel();
    let third = pool.submit(pid, ());
    gate.open();
    assert!(finish(second).is_ok() && finish(third).is_ok() && finish(running).is_ok());
}

#[test]
fn a_pool_is_cloned_and_shared_and_each_pool_has_its_own_workers() {
    fn is_send_sync_clone<T: Send + Sync + Clone + std::fmt::Debug + 'static>(_: &T) {}
    init_test_worker();
    let (one, other) = (pool(1), pool(1));
    is_send_sync_clone(&one);
    let again = one.clone();
    let first = finish(one.submit(pid, ())).unwrap();
    drop(one);
    assert_eq!(finish(again.submit(pid, ())).unwrap(), first);
    assert_ne!(finish(other.submit(pid, ())).unwrap(), first);
}

fn environment(key: String) -> (Option<String>, std::path::PathBuf, Vec<u8>) {
    let mut input = Vec::new();
    std::io::Read::read_to_end(&mut std::io::stdin(), &mut input).unwrap();
    let directory = std::env::current_dir().unwrap();
    (std::env::var(key).ok(), directory, input)
}

/// Workers see the environment as it was, an empty standard input, and not the
/// variable that made them workers.
#[test]
fn a_worker_inherits_what_the_program_had() {
    init_test_worker();
    let pool = pool(1);
    let (path, directory, input) = finish(pool.submit(environment, "PATH".into())).unwrap();
    assert_eq!(path, std::env::var("PATH").ok());
    assert_eq!(directory, std::env::current_dir().unwrap());
    assert_eq!(input, b"");
    let marker = finish(pool.submit(environment, "POOL_PROCESS_WORKER".into()));
    assert_eq!(marker.unwrap().0, None);
}

fn nested(depth: u32) -> Result<u32, String> {
    let pool = pool_process::ProcessPool::builder().max_workers(1).build();
    let pool = pool.map_err(|error| error.to_string())?;
    pool.submit(nested, depth + 1)
        .wait()
        .map_err(|error| error.to_string())?
}

/// loky test_max_depth: pools inside pools end with an error, not a fork bomb.
#[test]
fn pools_inside_pools_are_bounded() {
    init_test_worker();
    let error = finish(pool(1).submit(nested, 1)).unwrap().unwrap_err();
    assert!(error.contains("inside 10 pools"), "{error}");
}
