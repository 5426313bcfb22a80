//! Errors of coroutines that nobody looks at are reported, once; others never.
//! asyncio's `test_tb_logger_*`.

mod common;

use combinators::{
    create_task, ensure_future, gather_settled, shield, task_group, timeout, wait_for,
};
use common::reports::{listen, never_about, once_about};
use common::{Broken, DEADLINE, run};
use executor_core::{Task, TaskError};
use std::time::Duration;

/// CPython: test_futures.py::test_future_exception_never_retrieved,
/// test_tb_logger_exception_unretrieved
#[test]
fn an_error_that_nobody_looked_at_is_reported_once() {
    listen();
    let task = ensure_future(async { Err::<u8, _>(Broken(1)) });
    let name = task.name().to_owned();
    task.detach();
    let line = once_about(&name);
    assert!(line.contains("never retrieved"), "{line}");
    assert!(line.contains("broken 1"), "{line}");
}

#[test]
fn so_is_a_panic() {
    listen();
    let task = create_task(async {
        if true {
            panic!("no luck");
        }
    });
    let name = task.name().to_owned();
    task.detach();
    let line = once_about(&name);
    assert!(line.contains("no luck"), "{line}");
}

/// It is the coroutine's error that is overlooked, whoever waited for it before.
#[test]
fn so_is_an_error_that_comes_after_everybody_has_left() {
    listen();
    let (go_on, may_go_on) = executor_core::promise::<()>("go on");
    let task = ensure_future(async move {
        may_go_on.await?;
        Err::<u8, _>(TaskError::failed(Broken(2)))
    });
    let name = task.name().to_owned();
    let shielded = timeout(Duration::ZERO, shield(task));
    assert!(run(shielded).unwrap_err().is_timed_out());
    go_on.resolve(Ok(()));
    let line = once_about(&name);
    assert!(line.contains("broken 2"), "{line}");
}

fn failing() -> (String, Task<u8>) {
    let task = ensure_future(async { Err::<u8, _>(Broken(3)) });
    (task.name().to_owned(), task)
}

/// CPython: test_futures.py::test_tb_logger_exception_retrieved
#[test]
fn an_error_that_was_looked_at_is_not_reported() {
    listen();
    let mut names = vec![];
    let mut next = || {
        let (name, task) = failing();
        names.push(name);
        task
    };
    assert!(run(next()).is_err());
    assert!(run(shield(next())).is_err());
    assert!(run(wait_for(next(), DEADLINE)).is_err());
    assert!(run(timeout(DEADLINE, next())).is_err());
    assert!(run(gather_settled([next()])).pop().unwrap().is_err());
    let child = next();
    let outcome = run(task_group(async |group| {
        // Its handle is dropped: the group looks at the error.
        group.create_task(child).detach();
        Ok::<_, TaskError>(())
    }));
    assert!(outcome.is_err());
    for name in names {
        never_about(&name);
    }
}

/// CPython: test_futures.py::test_tb_logger_result_unretrieved, and a cancelled
/// task.
#[test]
fn a_value_or_a_cancellation_is_not_reported() {
    listen();
    let value = create_task(async { 1 });
    let pending = create_task(std::future::pending::<()>());
    let names = [value.name().to_owned(), pending.name().to_owned()];
    pending.cancel();
    let (mut value, mut pending) = (value, pending);
    run(std::future::poll_fn(|context| value.poll_done(context)));
    run(std::future::poll_fn(|context| pending.poll_done(context)));
    drop((value, pending));
    for name in names {
        never_about(&name);
    }
}

/// An error of a child whose group was dropped, which nobody can be told.
#[test]
fn an_error_that_comes_after_the_group_has_gone_is_reported() {
    listen();
    let (promise, task) = executor_core::promise::<()>("left behind");
    let mut waiting = task_group(|group: combinators::TaskGroup| async move {
        group.create_task(task).detach();
        std::future::pending::<Result<(), TaskError>>().await
    });
    assert!(common::poll_once(&mut waiting, &Default::default()).is_pending());
    drop(waiting);
    promise.resolve(Err(TaskError::failed(Broken(4))));
    let line = once_about("left behind");
    assert!(line.contains("broken 4"), "{line}");
}
