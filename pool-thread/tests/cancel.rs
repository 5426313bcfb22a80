//! Cancelled jobs: what they captured, and the place they had in the queue.

mod common;

use common::{Canary, Gate, block_all, finish, pool};
use executor_core::{CancelOutcome, ExecutorExt as _};
use pool_thread::ThreadPool;
use std::sync::Arc;
use std::time::Duration;

#[test]
fn a_cancelled_job_frees_its_captures_before_cancel_returns() {
    let pool = pool(1);
    let gate = Gate::new();
    let blocked = block_all(&pool, &gate);
    let (canary, freed) = Canary::new();
    let ticket = gate.ticket();
    let task = pool.spawn(move || {
        let _canary = &canary;
        ticket.visit(99);
    });
    assert!(freed.try_recv().is_err());
    assert_eq!(task.cancel(), CancelOutcome::BeforeStart);
    assert_eq!(freed.try_recv(), Ok(()));
    assert!(task.is_cancelled());
    gate.open();
    blocked.into_iter().for_each(|task| {
        finish(task).unwrap();
    });
    finish(pool.spawn(|| ())).unwrap();
    assert_eq!(gate.unexpected(), [], "the cancelled job ran");
}

#[test]
fn a_running_job_cannot_be_cancelled_and_says_so() {
    let pool = pool(1);
    let gate = Gate::new();
    let running = block_all(&pool, &gate).remove(0);
    assert_eq!(running.cancel(), CancelOutcome::TooLate);
    gate.open();
    assert_eq!(finish(running).unwrap(), 0);
}

#[test]
fn cancelled_jobs_do_not_pile_up_behind_a_blocked_worker() {
    let pool = pool(1);
    let gate = Gate::new();
    let blocked = block_all(&pool, &gate);
    let witness = Arc::new(());
    let kept: Vec<_> = (0..10).map(|n| pool.spawn(move || n)).collect();
    for _ in 0..20_000 {
        let captured = witness.clone();
        drop(pool.spawn(move || drop(captured)).cancel_on_drop());
    }
    assert_eq!(Arc::strong_count(&witness), 1);
    assert_eq!(pool.queued(), 10);
    gate.open();
    blocked.into_iter().for_each(|task| {
        finish(task).unwrap();
    });
    for (n, task) in kept.into_iter().enumerate() {
        assert_eq!(finish(task).unwrap(), n);
    }
}

#[test]
fn a_cancelled_job_gives_its_place_in_a_full_queue_back() {
    let pool = ThreadPool::builder()
        .max_workers(1)
        .max_queued(3)
        .build()
        .unwrap();
    let gate = Gate::new();
    let blocked = block_all(&pool, &gate);
    let mut queued: Vec<_> = (0..3).map(|n| pool.spawn(move || n)).collect();
    for n in 3..1000 {
        assert!(finish(pool.spawn(|| ())).unwrap_err().is_rejected());
        assert!(queued.remove(1).cancel().took_effect());
        queued.push(pool.spawn(move || n));
        assert_eq!(pool.queued(), 3);
    }
    gate.open();
    blocked.into_iter().for_each(|task| {
        finish(task).unwrap();
    });
    let results: Vec<_> = queued.into_iter().map(|t| finish(t).unwrap()).collect();
    assert_eq!(results, [0, 998, 999]);
}

#[test]
fn a_job_that_waited_too_long_gives_its_place_in_a_full_queue_back() {
    let pool = ThreadPool::builder()
        .max_workers(1)
        .max_queued(1)
        .build()
        .unwrap();
    let gate = Gate::new();
    let blocked = block_all(&pool, &gate);
    for _ in 0..20 {
        let impatient = pool
            .task(|n: u8| n, 1)
            .queue_timeout(Duration::from_millis(1))
            .submit();
        assert!(finish(impatient).unwrap_err().is_timed_out());
        assert_eq!(pool.queued(), 0);
    }
    let last = pool.spawn(|| 7);
    gate.open();
    blocked.into_iter().for_each(|task| {
        finish(task).unwrap();
    });
    assert_eq!(finish(last).unwrap(), 7);
}
