//! task_group: what is in a group, and how it ends well. asyncio's
//! `test_taskgroups.py`.

mod common;

use combinators::{TaskGroup, create_task, sleep, task_group};
use common::{Broken, Canary, Wakes, poll_once, promises, run};
use executor_core::{ExecutorExt as _, Inline, Task, TaskError, promise};
use futures::future::pending;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

/// CPython: test_taskgroups.py::test_taskgroup_01
#[test]
fn children_give_their_values() {
    let sum = task_group(async |group: TaskGroup| {
        let one = group.create_task(async { Ok::<_, Broken>(40) });
        let other = group.create_task(async {
            sleep(Duration::ZERO).await;
            Ok::<_, Broken>(2)
        });
        Ok::<_, TaskError>(one.await? + other.await?)
    });
    assert_eq!(run(sum).unwrap(), 42);
}

/// CPython: test_taskgroups.py::test_taskgroup_02, test_taskgroup_03: it waits for
/// children that nobody awaits.
#[test]
fn it_returns_when_all_children_are_done() {
    let (promises, tasks) = promises::<u8>(3);
    let references: Vec<_> = tasks.iter().map(Task::reference).collect();
    let mut waiting = task_group(|group: TaskGroup| async move {
        for task in tasks {
            group.create_task(task).detach();
        }
        Ok::<_, TaskError>("the body's value")
    });
    let wakes = Arc::<Wakes>::default();
    for promise in promises {
        assert!(poll_once(&mut waiting, &wakes).is_pending());
        promise.resolve(Ok(1));
    }
    assert!(wakes.count() > 0);
    assert_eq!(run(&mut waiting).unwrap(), "the body's value");
    assert!(references.iter().all(|task| task.is_done()));
}

#[test]
fn without_children_it_is_its_body() {
    let nothing = Rc::new(Cell::new(0)); // not `Send`
    let body = task_group(async |_| {
        nothing.set(1);
        sleep(Duration::ZERO).await;
        Ok::<_, TaskError>(7)
    });
    assert_eq!(run(body).unwrap(), 7);
    assert_eq!(nothing.get(), 1);
}

/// As CPython: test_taskgroups.py::test_taskgroup_23: children add children.
#[test]
fn children_add_children() {
    fn plant(group: TaskGroup, depth: u32, leaves: Sender<u32>) {
        let child = group.clone();
        group
            .create_task(async move {
                sleep(Duration::ZERO).await;
                match depth {
                    0 => leaves.send(depth).unwrap(),
                    _ => (0..2).for_each(|_| plant(child.clone(), depth - 1, leaves.clone())),
                }
                Ok::<_, TaskError>(())
            })
            .detach();
    }
    let (tell, told) = channel();
    run(task_group(|group: TaskGroup| async move {
        plant(group, 6, tell);
        Ok::<_, TaskError>(())
    }))
    .unwrap();
    assert_eq!(told.try_iter().count(), 64);
}

/// CPython: test_taskgroups.py::test_taskgroup_finished
#[test]
fn a_group_that_has_ended_takes_no_child() {
    let group = run(task_group(async |group: TaskGroup| {
        Ok::<_, TaskError>(group)
    }))
    .unwrap();
    let (canary, dropped) = Canary::new();
    let refused = group.create_task(async move {
        let _canary = canary;
        Ok::<_, TaskError>(())
    });
    dropped.try_recv().expect("it was not started");
    let error = run(refused).unwrap_err();
    assert!(error.is_rejected());
    assert!(error.to_string().contains("has ended"), "{error}");
}

/// Python: "TaskGroup is shutting down". A task that was given is cancelled, as the children are.
#[test]
fn a_group_that_is_shutting_down_takes_no_child() {
    let error = run(task_group(async |group: TaskGroup| {
        let (promise, task) = promise::<()>("child");
        group.create_task(task).detach();
        promise.resolve(Err(TaskError::failed(Broken(1))));
        let given = create_task(pending::<()>());
        let reference = given.reference();
        let refused = run(group.create_task(given)).unwrap_err();
        assert!(refused.is_rejected());
        assert!(refused.to_string().contains("shutting down"), "{refused}");
        run(create_task(async move {
            while !reference.is_done() {
                sleep(Duration::ZERO).await;
            }
        }))
        .unwrap();
        Ok::<_, TaskError>(())
    }));
    assert_eq!(error.unwrap_err().errors().len(), 1);
}

/// Tasks of any executor, done ones and such whose outcome was had included.
#[test]
fn it_takes_tasks() {
    let job = |n: u64| n * n;
    let mut had = Inline::new().submit(job, 2);
    assert_eq!(had.try_result().unwrap(), 4);
    let mut failed = Task::<u64>::ready("failed", Err(TaskError::failed(Broken(1))));
    assert!(failed.try_result().is_err());
    let value = run(task_group(async |group: TaskGroup| {
        drop(group.create_task(had));
        drop(group.create_task(failed));
        group.create_task(Inline::new().submit(job, 3)).await
    }));
    assert_eq!(value.unwrap(), 9);

    let error = run(task_group(async |group: TaskGroup| {
        let failed = Task::<()>::ready("failed", Err(TaskError::failed(Broken(1))));
        drop(group.create_task(failed));
        Ok::<_, TaskError>(())
    }));
    assert_eq!(error.unwrap_err().errors().len(), 1);
}
