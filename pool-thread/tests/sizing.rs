//! How many threads there are, and which of them take the jobs.

mod common;

use common::{Gate, block_all, finish, pool};
use executor_core::{Executor as _, ExecutorExt as _};
use pool_thread::ThreadPool;
use std::collections::BTreeSet;
use std::thread::{self, ThreadId};

fn here() -> ThreadId {
    thread::current().id()
}

/// CPython: `executor.py::test_max_workers_negative`.
#[test]
fn zero_is_refused() {
    let error = ThreadPool::builder().max_workers(0).build().unwrap_err();
    assert_eq!(error.to_string(), "max_workers must be greater than 0");
    let error = ThreadPool::builder().max_queued(0).build().unwrap_err();
    assert_eq!(error.to_string(), "max_queued must be greater than 0");
}

/// CPython: `test_thread_pool.py::test_default_workers`.
#[test]
fn the_default_size_is_pythons() {
    let cpus = thread::available_parallelism().unwrap().get();
    let pool = ThreadPool::new();
    assert_eq!(pool.max_workers(), (cpus + 4).min(32));
    assert_eq!(pool.concurrency(), pool.max_workers());
    assert_eq!(ThreadPool::default().max_workers(), pool.max_workers());
}

#[test]
fn threads_are_started_on_demand() {
    let pool = pool(4);
    assert_eq!(pool.workers(), 0);
    finish(pool.spawn(|| ())).unwrap();
    assert_eq!(pool.workers(), 1);
}

/// CPython: `test_thread_pool.py::test_saturation`.
#[test]
fn fifteen_blocked_jobs_for_each_worker_start_each_worker_once() {
    let workers = 5;
    let pool = pool(workers);
    let gate = Gate::new();
    let tasks: Vec<_> = (0..15 * workers)
        .map(|n| {
            let ticket = gate.ticket();
            pool.spawn(move || {
                ticket.pass(n as u64);
                here()
            })
        })
        .collect();
    (0..workers).for_each(|_| {
        gate.arrival();
    });
    assert_eq!((pool.workers(), pool.running()), (workers, workers));
    assert_eq!(pool.queued(), 14 * workers);
    assert_eq!(gate.unexpected(), []);
    gate.open();
    let threads: BTreeSet<_> = tasks
        .into_iter()
        .map(|task| format!("{:?}", finish(task).unwrap()))
        .collect();
    assert_eq!(threads.len(), workers);
    assert_eq!(pool.workers(), workers);
}

/// CPython: `test_thread_pool.py::test_idle_thread_reuse`.
#[test]
fn jobs_in_sequence_share_one_thread() {
    let pool = pool(8);
    let first = finish(pool.spawn(here)).unwrap();
    for _ in 0..300 {
        assert_eq!(finish(pool.spawn(here)).unwrap(), first);
    }
    assert_eq!(pool.workers(), 1);
}

#[test]
fn jobs_in_sequence_share_one_thread_however_their_end_is_seen() {
    let pool = pool(8);
    for _ in 0..100 {
        let polled = pool.spawn(here);
        while !polled.is_done() {
            thread::yield_now();
        }
        futures::executor::block_on(pool.spawn(here)).unwrap();
        assert!(finish(pool.spawn(|| panic!("on purpose"))).is_err());
        let cancelled = pool.spawn(here);
        if !cancelled.cancel().took_effect() {
            // It had begun, so it has to end before the next may come.
            finish(cancelled).unwrap();
        }
        finish(pool.submit(|()| (), ())).unwrap();
    }
    assert_eq!(pool.workers(), 1);
}

#[test]
fn two_at_a_time_share_two_threads() {
    let pool = pool(8);
    for _ in 0..200 {
        let both = [pool.spawn(here), pool.spawn(here)];
        for task in both {
            finish(task).unwrap();
        }
    }
    assert!(pool.workers() <= 2, "{pool:?}");
}

#[test]
fn idle_threads_are_used_before_another_is_started() {
    let pool = pool(8);
    let gate = Gate::new();
    let tasks: Vec<_> = (0..3)
        .map(|n| {
            let ticket = gate.ticket();
            pool.spawn(move || ticket.pass(n))
        })
        .collect();
    (0..3).for_each(|_| {
        gate.arrival();
    });
    gate.open();
    tasks.into_iter().for_each(|task| {
        finish(task).unwrap();
    });
    assert_eq!(pool.workers(), 3);
    for _ in 0..100 {
        let gate = Gate::new();
        let tasks: Vec<_> = (0..3)
            .map(|n| {
                let ticket = gate.ticket();
                pool.spawn(move || ticket.pass(n))
            })
            .collect();
        (0..3).for_each(|_| {
            gate.arrival();
        });
        gate.open();
        tasks.into_iter().for_each(|task| {
            finish(task).unwrap();
        });
    }
    assert_eq!(pool.workers(), 3);
}

#[test]
fn a_worker_held_up_by_a_callback_holds_up_nobody_else() {
    let pool = pool(2);
    let gate = Gate::new();
    let ticket = gate.ticket();
    // The job waits for its callback to be there.
    let start = Gate::new();
    let started = start.ticket();
    let task = pool.spawn(move || started.pass(0));
    task.add_done_callback(move |_| {
        ticket.pass(1);
    });
    start.open();
    assert_eq!(gate.arrival(), 1);
    // The first worker's function is over, so this job counts on it at first.
    finish(pool.spawn(|| ())).unwrap();
    assert!(!task.is_done(), "its callback still runs");
    gate.open();
    assert_eq!(finish(task).unwrap(), 0);
}

#[test]
fn a_sleeper_is_woken_for_a_worker_held_up_by_a_callback() {
    let pool = pool(2);
    let warm = Gate::new();
    let blocked = block_all(&pool, &warm);
    warm.open();
    blocked.into_iter().for_each(|task| {
        finish(task).unwrap();
    });
    let (gate, start) = (Gate::new(), Gate::new());
    let (ticket, started) = (gate.ticket(), start.ticket());
    let task = pool.spawn(move || started.pass(0));
    task.add_done_callback(move |_| {
        ticket.pass(1);
    });
    start.open();
    assert_eq!(gate.arrival(), 1);
    finish(pool.spawn(|| ())).unwrap();
    gate.open();
    assert_eq!(finish(task).unwrap(), 0);
    assert_eq!(pool.workers(), 2);
}

#[test]
fn the_state_can_be_seen() {
    let pool = ThreadPool::builder()
        .max_workers(1)
        .name("seen")
        .build()
        .unwrap();
    let gate = Gate::new();
    let running = block_all(&pool, &gate);
    let queued = [pool.spawn(|| ()), pool.spawn(|| ())];
    assert_eq!((pool.running(), pool.queued(), pool.workers()), (1, 2, 1));
    let shown = format!("{pool:?}");
    for part in ["seen", "max_workers: 1", "queued: 2", "closed: false"] {
        assert!(shown.contains(part), "{shown}");
    }
    queued[0].cancel();
    assert_eq!(pool.queued(), 1);
    gate.open();
    running.into_iter().for_each(|task| {
        finish(task).unwrap();
    });
    queued.map(finish).into_iter().for_each(drop);
    assert_eq!((pool.running(), pool.queued()), (0, 0));
}
