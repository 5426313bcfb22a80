//! A bounded queue that is full.

mod common;

use common::{Gate, block_all, finish};
use executor_core::{ExecutorExt as _, TaskErrorKind};
use pool_thread::ThreadPool;

fn bounded(workers: usize, queued: usize) -> ThreadPool {
    let builder = ThreadPool::builder().name("small");
    builder
        .max_workers(workers)
        .max_queued(queued)
        .build()
        .unwrap()
}

#[test]
fn a_job_over_the_bound_comes_back_rejected() {
    let pool = bounded(2, 3);
    let gate = Gate::new();
    let blocked = block_all(&pool, &gate);
    let queued: Vec<_> = (0..3).map(|n| pool.spawn(move || n)).collect();
    let refused = pool.task(|n: u64| n, 1).name("one too many").submit();
    assert!(refused.is_done(), "it is refused at once");
    let error = finish(refused).unwrap_err();
    assert_eq!(error.kind(), TaskErrorKind::Rejected);
    assert_eq!(error.task_name(), Some("one too many"));
    assert!(error.to_string().contains("full"), "{error}");
    assert_eq!(pool.queued(), 3);
    gate.open();
    for task in blocked {
        finish(task).unwrap();
    }
    for (n, task) in queued.into_iter().enumerate() {
        assert_eq!(finish(task).unwrap(), n);
    }
    // There is room again.
    assert_eq!(finish(pool.spawn(|| 7)).unwrap(), 7);
}

#[test]
fn jobs_that_a_worker_is_free_for_do_not_count_as_queued() {
    for _ in 0..50 {
        let pool = bounded(4, 1);
        let gate = Gate::new();
        let five: Vec<_> = (0..5)
            .map(|n| {
                let ticket = gate.ticket();
                pool.spawn(move || ticket.pass(n))
            })
            .collect();
        assert!(finish(pool.spawn(|| ())).unwrap_err().is_rejected());
        gate.open();
        for (n, task) in (0..).zip(five) {
            assert_eq!(finish(task).unwrap(), n);
        }
    }
}

#[test]
fn whoever_waits_for_a_task_finds_its_place_free() {
    let pool = bounded(1, 1);
    for n in 0..500 {
        let both = [pool.spawn(move || n), pool.spawn(move || n)];
        for task in both {
            assert_eq!(finish(task).unwrap(), n);
        }
    }
}

#[test]
fn a_bound_beyond_all_memory_is_none() {
    let pool = bounded(1, usize::MAX);
    assert_eq!(finish(pool.spawn(|| 7)).unwrap(), 7);
}
