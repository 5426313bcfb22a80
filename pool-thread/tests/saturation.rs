//! A bounded queue that is full.

mod common;

use common::{Gate, block_all, finish};
use executor_core::{Executor as _, ExecutorExt as _, Job, JobOptions, Task, TaskErrorKind};
use pool_thread::ThreadPool;
use std::time::Duration;

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

/// A worker that calls back is not free for another job.
#[test]
fn while_callbacks_run_no_more_jobs_wait_than_the_bound_says() {
    let pool = bounded(4, 2);
    let (functions, callbacks) = (Gate::new(), Gate::new());
    let blocked = block_all(&pool, &functions);
    for (task, n) in blocked.iter().zip(0..) {
        let ticket = callbacks.ticket();
        task.add_done_callback(move |_| {
            ticket.pass(n);
        });
    }
    functions.open();
    (0..4).for_each(|_| {
        callbacks.arrival();
    });
    let tasks: Vec<_> = (0..10).map(|n| pool.spawn(move || n)).collect();
    let waiting = tasks.iter().filter(|task| !task.is_done()).count();
    assert_eq!((waiting, pool.queued()), (2, 2));
    callbacks.open();
    for task in blocked {
        finish(task).unwrap();
    }
    let taken = tasks.into_iter().filter_map(|task| finish(task).ok());
    assert_eq!(taken.collect::<Vec<_>>(), [0, 1]);
}

/// Whatever way a job goes, its place is free again.
#[test]
fn jobs_that_are_cancelled_expire_or_are_run_meanwhile_make_room() {
    let pool = bounded(1, 1);
    let gate = Gate::new();
    let (ticket, inner) = (gate.ticket(), pool.clone());
    let outer = pool.spawn(move || {
        ticket.pass(0);
        // This one takes the only place in the queue, and gives it up when it begins.
        let again = inner.clone();
        let child = inner.spawn(move || again.spawn(|| 7));
        child.wait().unwrap()
    });
    gate.arrival();
    let queued = pool.spawn(|| 1);
    assert!(finish(pool.spawn(|| 2)).unwrap_err().is_rejected());
    queued.cancel();
    let mut options = JobOptions::default();
    options.queue_timeout = Some(Duration::from_millis(1));
    let (job, expires): (_, Task<u8>) = Job::from_closure(|| 3, options);
    pool.execute(job);
    assert!(finish(expires).unwrap_err().is_timed_out());
    assert_eq!(pool.queued(), 0);
    gate.open();
    let grandchild = finish(outer).unwrap();
    assert_eq!(finish(grandchild).unwrap(), 7);
}

/// A function that its time limit has given up still takes its worker.
#[test]
fn a_job_that_was_given_up_keeps_its_place_until_its_function_ends() {
    let pool = bounded(1, 1);
    let gate = Gate::new();
    let ticket = gate.ticket();
    let mut options = JobOptions::default();
    options.timeout = Some(Duration::from_millis(1));
    let (job, task) = Job::from_closure(move || ticket.pass(1), options);
    pool.execute(job);
    gate.arrival();
    assert!(finish(task).unwrap_err().is_timed_out());
    let queued = pool.spawn(|| 1);
    assert!(finish(pool.spawn(|| 2)).unwrap_err().is_rejected());
    gate.open();
    assert_eq!(finish(queued).unwrap(), 1);
    assert_eq!(finish(pool.spawn(|| 3)).unwrap(), 3);
}
