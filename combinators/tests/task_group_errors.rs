//! task_group: what fails in a group, and what is reported. asyncio's
//! `test_taskgroups.py`.

mod common;

use combinators::{TaskGroup, sleep, task_group};
use common::children::{endless, fail};
use common::{Broken, Canary, Wakes, poll_once, promises, receive, resolve_at_once, run};
use executor_core::{Promise, TaskError, promise};
use futures::future::pending;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// CPython: test_taskgroups.py::test_cancel_children_on_child_error,
/// test_taskgroup_04: the body is interrupted as well.
#[test]
fn a_child_that_fails_cancels_everything_else() {
    let (canary, body_dropped) = Canary::new();
    let (told, dropped) = channel();
    let error = run(task_group(async |group: TaskGroup| {
        let _canary = canary;
        let (sibling, gone) = endless(&group);
        told.send((sibling, gone)).unwrap();
        group.create_task(fail(1)).detach();
        pending::<Result<(), TaskError>>().await
    }))
    .unwrap_err();
    assert_eq!(error.errors().len(), 1);
    assert_eq!(error.errors()[0].downcast_ref(), Some(&Broken(1)));
    body_dropped.try_recv().expect("the body was dropped");
    let (sibling, gone) = dropped.try_recv().unwrap();
    gone.try_recv().expect("dropped before the group returns");
    assert!(sibling.is_cancelled());
}

/// Both the group and the child's own task have the error.
#[test]
fn the_error_is_shared() {
    let slot = Mutex::new(None);
    let error = run(task_group(async |group: TaskGroup| {
        *slot.lock().unwrap() = Some(group.create_task(fail(7)));
        Ok::<_, TaskError>(())
    }))
    .unwrap_err();
    let task = slot.lock().unwrap().take().unwrap();
    let own = run(task).unwrap_err();
    assert_eq!(own.downcast_ref(), Some(&Broken(7)));
    let reported = error.into_errors().pop().unwrap();
    assert_eq!(own.task_id(), reported.task_id());
    drop(reported);
    assert_eq!(own.downcast::<Broken>().unwrap(), Broken(7));
}

/// Children that fail while they are told to end are reported as well.
#[test]
fn all_errors_are_reported() {
    let (tell, told) = channel::<Promise<()>>();
    let error = run(task_group(async |group: TaskGroup| {
        for n in 0..3 {
            let (promise, task) = promise::<()>(n.to_string());
            group.create_task(task).detach();
            tell.send(promise).unwrap();
        }
        for (n, promise) in told.try_iter().enumerate() {
            promise.resolve(Err(TaskError::failed(Broken(n as u32))));
        }
        Ok::<_, TaskError>(())
    }))
    .unwrap_err();
    let all = error.errors().iter().map(|error| error.downcast_ref());
    let expected = [Broken(0), Broken(1), Broken(2)];
    assert!(all.eq(expected.iter().map(Some)));
    assert_eq!(
        error.to_string(),
        "unhandled errors in a TaskGroup (3 sub-errors)"
    );
    let long = format!("{error:#}");
    assert!(
        long.contains("broken 0") && long.contains("broken 2"),
        "{long}"
    );
    assert!(std::error::Error::source(&error).is_some());
}

/// CPython: test_taskgroups.py::test_taskgroup_09: the body fails when the children
/// are done.
#[test]
fn an_error_of_the_body_alone() {
    let error = run(task_group(async |group: TaskGroup| {
        let child = group.create_task(async { Ok::<_, Broken>(1) });
        child.await?;
        Err::<(), _>(TaskError::failed(Broken(9)))
    }))
    .unwrap_err();
    assert_eq!(error.errors().len(), 1);
    assert_eq!(error.errors()[0].downcast_ref(), Some(&Broken(9)));
}

/// CPython: test_taskgroups.py::test_taskgroup_10: the body fails while children
/// run.
#[test]
fn an_error_of_the_body_cancels_the_children() {
    let (tell, told) = channel();
    let error = run(task_group(async |group: TaskGroup| {
        tell.send(endless(&group)).unwrap();
        Err::<(), _>(Broken(10))
    }))
    .unwrap_err();
    assert_eq!(error.errors()[0].downcast_ref(), Some(&Broken(10)));
    let (child, gone) = told.try_recv().unwrap();
    assert!(child.is_cancelled());
    gone.try_recv().expect("dropped before the group returns");
}

/// The body passes on what it was told by a child: one error, not two.
#[test]
fn an_error_that_the_body_passes_on_is_reported_once() {
    let error = run(task_group(async |group: TaskGroup| {
        let (promise, task) = promise::<u8>("child");
        let child = group.create_task(task);
        // So that the body sees the error in this very poll.
        promise.resolve(Err(TaskError::failed(Broken(1))));
        child.await
    }))
    .unwrap_err();
    assert_eq!(error.errors().len(), 1, "{error:?}");
}

#[test]
fn a_panic_is_an_error() {
    let error = run(task_group(async |group: TaskGroup| {
        group
            .create_task(async {
                if true {
                    panic!("in a child");
                }
                Ok::<_, TaskError>(())
            })
            .detach();
        pending::<Result<(), TaskError>>().await
    }))
    .unwrap_err();
    assert!(error.errors()[0].is_panicked());

    let (tell, told) = channel();
    let error = run(task_group(async |group: TaskGroup| {
        tell.send(endless(&group)).unwrap();
        if true {
            panic!("in the body");
        }
        Ok::<_, TaskError>(())
    }))
    .unwrap_err();
    assert_eq!(
        error.errors()[0].panic_report().unwrap().message(),
        "in the body"
    );
    assert!(told.recv().unwrap().0.is_cancelled());
}

/// CPython: test_taskgroups.py::test_taskgroup_21: a child that was cancelled has
/// not failed.
#[test]
fn an_explicit_cancellation_of_a_child_is_not_an_error() {
    let value = run(task_group(async |group: TaskGroup| {
        let (child, _gone) = endless(&group);
        let other = group.create_task(async {
            sleep(Duration::ZERO).await;
            Ok::<_, Broken>(5)
        });
        child.cancel();
        let value = other.await?;
        assert!(child.await.unwrap_err().is_cancelled());
        Ok::<_, TaskError>(value)
    }));
    assert_eq!(value.unwrap(), 5);
}

/// What the body awaits is cancelled, and it passes that on.
#[test]
fn a_body_that_ends_by_a_cancellation_says_so() {
    let error = run(task_group(async |group: TaskGroup| {
        let (child, _gone) = endless(&group);
        child.cancel();
        child.await
    }))
    .unwrap_err();
    assert!(error.is_cancelled());
    assert!(TaskError::from(error).is_cancelled());
}

/// Where a child fails in the end, that counts, and not the cancellation.
#[test]
fn a_failure_counts_more_than_a_cancellation_of_the_body() {
    let (promise, task) = promise::<()>("stays");
    let mut waiting = task_group(|group: TaskGroup| async move {
        group.create_task(task).detach();
        Err::<(), _>(TaskError::cancelled("by the test"))
    });
    assert!(poll_once(&mut waiting, &Arc::default()).is_pending());
    promise.resolve(Err(TaskError::failed(Broken(1))));
    let error = run(waiting).unwrap_err();
    assert_eq!(error.errors().len(), 1);
    assert!(!error.is_cancelled());
}

/// The body does not have to wait for a child that cannot be cancelled.
#[test]
fn the_body_is_dropped_while_children_run_on() {
    let (canary, body_dropped) = Canary::new();
    let (mut promises, tasks) = promises::<()>(2);
    let mut waiting = task_group(|group: TaskGroup| async move {
        let _canary = canary;
        for task in tasks {
            group.create_task(task).detach();
        }
        pending::<Result<(), TaskError>>().await
    });
    let wakes = Arc::<Wakes>::default();
    assert!(poll_once(&mut waiting, &wakes).is_pending());
    let fails = promises.remove(0);
    fails.resolve(Err(TaskError::failed(Broken(1))));
    assert!(wakes.count() > 0, "it is woken for the failure");
    assert!(poll_once(&mut waiting, &wakes).is_pending());
    body_dropped.try_recv().expect("though a child runs on");
    drop(promises);
    assert_eq!(run(waiting).unwrap_err().errors().len(), 1);
}

/// Children fail and complete on eight threads while the body adds more.
#[test]
fn a_group_ends_whoever_comes_first() {
    for round in 0..200 {
        let (promises, mut tasks) = promises::<u8>(64);
        let late = tasks.split_off(32);
        let (start, resolvers) = resolve_at_once(promises, 4, move |place| match place % 8 {
            n if n == round % 16 => Err(TaskError::failed(Broken(place as u32))),
            _ => Ok(1),
        });
        let group = task_group(|group: TaskGroup| async move {
            for task in tasks {
                group.create_task(task).detach();
            }
            start.wait();
            for task in late {
                group.create_task(task).detach();
                sleep(Duration::ZERO).await;
            }
            Ok::<_, TaskError>(())
        });
        match run(group) {
            Ok(()) => assert!(round % 16 >= 8, "somebody failed"),
            Err(error) => {
                assert!(round % 16 < 8);
                let failed = |error: &TaskError| error.downcast_ref::<Broken>().is_some();
                assert!(error.errors().iter().all(failed), "{error:#}");
            }
        }
        for resolver in resolvers {
            resolver.join().unwrap();
        }
    }
}

/// Children that were started are not left behind by a body that never came to be.
#[test]
fn a_panic_before_there_is_a_body_cancels_the_children() {
    fn no_body() -> std::future::Ready<Result<(), TaskError>> {
        panic!("no body");
    }
    let (tell, told) = channel();
    let begin = std::panic::AssertUnwindSafe(|| {
        let waiting = task_group(|group: TaskGroup| {
            tell.send(endless(&group)).unwrap();
            no_body()
        });
        drop(waiting);
    });
    assert!(std::panic::catch_unwind(begin).is_err());
    let (child, gone) = told.try_recv().unwrap();
    receive(&gone);
    assert!(run(child).unwrap_err().is_cancelled());
}
