//! The drop of handles: of clones, of the last one, and from wherever.

mod common;

use common::{Canary, Gate, LONG, block_all, finish, pool};
use std::cell::RefCell;
use std::sync::mpsc::{Sender, channel};

thread_local! {
    /// Dropped when its thread ends.
    static AT_END: RefCell<Option<Canary>> = const { RefCell::new(None) };
}

#[test]
fn clones_are_handles_of_one_pool() {
    let pool = pool(1);
    let other = pool.clone();
    let gate = Gate::new();
    let blocked = block_all(&pool, &gate);
    let task = other.spawn(|| 7);
    assert_eq!((pool.queued(), other.queued()), (1, 1));
    drop(pool);
    gate.open();
    assert_eq!(finish(task).unwrap(), 7);
    // One handle is left, so the pool is open.
    assert_eq!(finish(other.spawn(|| 8)).unwrap(), 8);
    drop(blocked);
}

/// CPython: `test_shutdown.py::test_del_shutdown`.
#[test]
fn dropping_the_last_handle_does_not_block_and_loses_nothing() {
    let pool = pool(2);
    let gate = Gate::new();
    let blocked = block_all(&pool, &gate);
    let queued: Vec<_> = (0..100).map(|n| pool.spawn(move || n)).collect();
    let ticket = gate.ticket();
    pool.spawn(move || ticket.visit(7)).detach();
    // It would never return if it waited: the gate is closed.
    drop(pool);
    assert!(blocked.iter().all(|task| !task.is_done()));
    gate.open();
    for (n, task) in queued.into_iter().enumerate() {
        assert_eq!(finish(task).unwrap(), n);
    }
    assert_eq!(gate.arrival(), 7);
}

/// CPython: `test_shutdown.py::test_threads_terminate`.
#[test]
fn the_threads_end_when_the_last_handle_is_gone() {
    let pool = pool(3);
    let gate = Gate::new();
    let (tell, told) = channel();
    let tasks: Vec<_> = (0..3)
        .map(|n| {
            let (ticket, tell): (_, Sender<_>) = (gate.ticket(), tell.clone());
            pool.spawn(move || {
                let (canary, ended) = Canary::new();
                AT_END.set(Some(canary));
                tell.send(ended).unwrap();
                ticket.pass(n)
            })
        })
        .collect();
    let ends: Vec<_> = (0..3).map(|_| told.recv_timeout(LONG).unwrap()).collect();
    gate.open();
    tasks.into_iter().for_each(|task| {
        finish(task).unwrap();
    });
    drop(pool);
    for end in ends {
        end.recv_timeout(LONG).expect("its thread ends");
    }
}

#[test]
fn a_pool_that_was_never_used_is_dropped() {
    drop(pool(3));
}

#[test]
fn the_last_handle_may_go_inside_a_job_of_the_pool() {
    let pool = pool(2);
    let gate = Gate::new();
    let (ticket, last) = (gate.ticket(), pool.clone());
    let task = pool.spawn(move || {
        ticket.pass(1);
        let next = last.spawn(|| 2);
        drop(last);
        next
    });
    assert_eq!(gate.arrival(), 1);
    drop(pool);
    gate.open();
    let next = finish(task).unwrap();
    assert_eq!(finish(next).unwrap(), 2);
}

#[test]
fn the_last_handle_may_go_with_a_cancelled_job() {
    let pool = pool(1);
    let gate = Gate::new();
    let blocked = block_all(&pool, &gate);
    let last = pool.clone();
    let task = pool.spawn(move || drop(last));
    drop(pool);
    assert!(task.cancel().took_effect());
    gate.open();
    blocked.into_iter().for_each(|task| {
        finish(task).unwrap();
    });
}
