//! Jobs that wait for jobs of their own pool.

mod common;

use common::{Gate, LONG, finish, pool};
use executor_core::{Executor as _, ExecutorExt as _, Shutdown, Task, TaskError, current_task};
use pool_thread::ThreadPool;
use std::sync::mpsc::channel;
use std::time::Duration;

#[test]
fn the_only_worker_runs_the_job_that_its_job_waits_for() {
    let pool = pool(1);
    let inner = pool.clone();
    let task = pool.spawn(move || {
        let here = std::thread::current().id();
        let there = inner.spawn(move || std::thread::current().id());
        let other = inner.submit(|n: u64| n + 1, 1);
        (there.wait().unwrap() == here, other.wait().unwrap())
    });
    assert_eq!(finish(task).unwrap(), (true, 2));
    assert_eq!(pool.workers(), 1);
}

/// How a job waits for another one.
type Wait = fn(Task<u64>) -> Result<u64, TaskError>;

/// The sum of a range, by a tree of jobs that wait for each other.
fn sum(pool: &ThreadPool, wait: Wait, from: u64, to: u64) -> u64 {
    if to - from == 1 {
        return from;
    }
    let middle = from.midpoint(to);
    let half = |from, to| {
        let pool = pool.clone();
        pool.clone().spawn(move || sum(&pool, wait, from, to))
    };
    let (left, right) = (half(from, middle), half(middle, to));
    wait(left).unwrap() + wait(right).unwrap()
}

#[test]
fn a_tree_of_jobs_ends_on_two_workers() {
    let pool = pool(2);
    let root = pool.clone();
    let wait: Wait = |task| task.wait();
    let task = pool.spawn(move || sum(&root, wait, 0, 1000));
    assert_eq!(finish(task).unwrap(), 999 * 1000 / 2);
    assert_eq!((pool.queued(), pool.workers()), (0, 2));
}

#[test]
fn errors_panics_and_flattened_tasks_are_waited_for_alike() {
    let pool = pool(1);
    let inner = pool.clone();
    let task = pool.spawn(move || {
        let panics = inner.spawn(|| -> u8 { panic!("inside") }).wait();
        let fails = |_: ()| -> Result<u8, String> { Err("no luck".to_owned()) };
        let fails = inner.submit(fails, ()).flatten().wait();
        (
            panics.unwrap_err().is_panicked(),
            fails.unwrap_err().is_failed(),
        )
    });
    assert_eq!(finish(task).unwrap(), (true, true));
}

#[test]
fn the_current_task_is_the_one_that_runs_and_then_the_one_that_waited() {
    let pool = pool(1);
    let inner = pool.clone();
    let task = pool.spawn(move || {
        let own = current_task().unwrap().id();
        let child = inner.spawn(|| current_task().unwrap().id());
        let childs = child.id();
        (
            child.wait().unwrap() == childs,
            current_task().unwrap().id() == own,
        )
    });
    assert_eq!(finish(task).unwrap(), (true, true));
}

#[test]
fn a_job_that_waits_for_itself_is_told_so() {
    let pool = pool(2);
    let (give, take) = channel::<Task<bool>>();
    let task = pool.spawn(move || {
        let own = take.recv_timeout(LONG).unwrap();
        own.wait().unwrap_err().is_would_deadlock()
    });
    let (tell, told) = channel();
    task.add_done_callback(move |outcome| tell.send(*outcome.unwrap()).unwrap());
    give.send(task).unwrap();
    assert!(told.recv_timeout(LONG).unwrap());
}

/// Each job waits for the next, on one thread: that has an end, and it is told.
#[test]
fn a_chain_that_is_too_deep_for_one_stack_is_an_error_and_no_hang() {
    fn down(pool: &ThreadPool, left: u32) -> Result<u32, String> {
        if left == 0 {
            return Ok(0);
        }
        let next = pool.clone();
        let task = pool.spawn(move || down(&next, left - 1)).flatten();
        task.wait()
            .map(|n| n + 1)
            .map_err(|error| error.to_string())
    }
    let pool = pool(1);
    let run = |depth| {
        let root = pool.clone();
        finish(pool.spawn(move || down(&root, depth))).unwrap()
    };
    assert_eq!(run(50), Ok(50));
    let error = run(500).unwrap_err();
    assert!(
        error.contains("would deadlock") && error.contains("1 workers"),
        "{error}"
    );
    assert_eq!(run(3), Ok(3), "the pool is as good as before");
}

#[test]
fn a_report_names_both_the_job_that_waits_and_the_one_it_runs_meanwhile() {
    let pool = pool(1);
    let gate = Gate::new();
    let (ticket, inner) = (gate.ticket(), pool.clone());
    let outer = pool.spawn(move || {
        let child = inner.spawn(move || ticket.pass(7));
        child.wait().unwrap()
    });
    assert_eq!(gate.arrival(), 7);
    let report = finish(pool.shutdown(Shutdown::kill())).unwrap();
    assert_eq!(report.abandoned.len(), 2, "{report:?}");
    gate.open();
    assert_eq!(finish(outer).unwrap(), 7);
}

#[test]
fn a_drain_counts_what_was_run_meanwhile() {
    let pool = pool(1);
    let gate = Gate::new();
    let (ticket, inner) = (gate.ticket(), pool.clone());
    let outer = pool.spawn(move || {
        let child = inner.spawn(|| 1);
        ticket.pass(1);
        child.wait().unwrap()
    });
    gate.arrival();
    let report = pool.shutdown(Shutdown::drain());
    gate.open();
    assert_eq!(finish(report).unwrap().finished, 2);
    assert_eq!(finish(outer).unwrap(), 1);
}

#[test]
fn with_a_limit_the_only_worker_runs_the_job_as_well() {
    let pool = pool(1);
    let inner = pool.clone();
    let task = pool.spawn(move || {
        let mut first = inner.spawn(|| 1);
        assert!(
            first.wait_timeout(Duration::ZERO).is_none(),
            "it runs nothing"
        );
        let second = inner
            .submit(|n: u64| -> Result<u64, String> { Ok(n) }, 2)
            .flatten();
        let endless = inner.spawn(|| 3).wait_or_cancel(Duration::MAX).unwrap();
        let second = second.wait_or_cancel(LONG).unwrap();
        (first.wait_timeout(LONG).unwrap().unwrap(), second, endless)
    });
    assert_eq!(finish(task).unwrap(), (1, 2, 3));
}

#[test]
fn with_a_limit_jobs_on_all_workers_run_what_they_wait_for() {
    let pool = pool(2);
    let root = pool.clone();
    let wait: Wait = |task| task.wait_or_cancel(LONG);
    let task = pool.spawn(move || sum(&root, wait, 0, 200));
    assert_eq!(finish(task).unwrap(), 199 * 200 / 2);
}

#[test]
fn with_a_limit_the_job_is_left_to_a_worker_that_is_free() {
    let pool = pool(2);
    let inner = pool.clone();
    let task = pool.spawn(move || {
        let here = std::thread::current().id();
        let there = inner.spawn(|| std::thread::current().id());
        there.wait_or_cancel(LONG).unwrap() != here
    });
    assert!(finish(task).unwrap());
}

/// The other worker might have come, but did not.
#[test]
fn at_half_of_its_limit_a_job_runs_what_it_waits_for_itself() {
    let pool = pool(2);
    let gate = Gate::new();
    let (ticket, inner) = (gate.ticket(), pool.clone());
    let other = pool.spawn(move || ticket.pass(1));
    gate.arrival();
    let task = pool.spawn(move || {
        let here = std::thread::current().id();
        let there = inner.spawn(|| std::thread::current().id());
        there.wait_or_cancel(Duration::from_millis(400)).unwrap() == here
    });
    assert!(finish(task).unwrap());
    gate.open();
    assert_eq!(finish(other).unwrap(), 1);
}
