//! task_group: asyncio's `test_taskgroups.py`.

mod common;

use combinators::{TaskGroup, create_task, sleep, task_group, timeout_at};
use common::{
    Broken, Canary, ThreadPerJob, Wakes, poll_once, promises, receive, resolve_at_once, run,
};
use executor_core::{ExecutorExt as _, Inline, Promise, Task, TaskError, promise};
use futures::future::pending;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_millis(20);

/// A child that never ends by itself, and tells when it is dropped.
fn endless(group: &TaskGroup) -> (Task<()>, Receiver<()>) {
    let (canary, dropped) = Canary::new();
    let task = group.create_task(async move {
        let _canary = canary;
        pending::<Result<(), TaskError>>().await
    });
    (task, dropped)
}

async fn fail(with: u32) -> Result<(), Broken> {
    Err(Broken(with))
}

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

/// CPython: test_taskgroups.py::test_cancellation, test_taskgroup_06, _07
#[test]
fn cancelling_the_coroutine_around_it_cancels_the_children() {
    let (tell, told) = channel();
    let outer = create_task(async move {
        task_group(|group: TaskGroup| async move {
            tell.send(endless(&group)).unwrap();
            pending::<Result<(), TaskError>>().await
        })
        .await
        .is_ok()
    });
    let (child, gone) = receive(&told);
    outer.cancel();
    assert!(run(outer).unwrap_err().is_cancelled());
    assert!(child.is_cancelled(), "and has ended before");
    gone.try_recv().expect("what it held is released");
}

/// A child that runs on a thread until it is told, and what tells it.
fn on_a_thread(group: &TaskGroup) -> Sender<()> {
    let (go_on, may_go_on) = channel();
    let (begun, has_begun) = channel();
    let job = move || {
        begun.send(()).unwrap();
        receive(&may_go_on);
    };
    group
        .create_task(ThreadPerJob::default().spawn(job))
        .detach();
    receive(&has_begun);
    go_on
}

/// What cannot be cancelled is waited for.
#[test]
fn a_job_on_a_thread_is_waited_for() {
    let (tell, told) = channel();
    let mut waiting = task_group(|group: TaskGroup| async move {
        tell.send(on_a_thread(&group)).unwrap();
        Err::<(), _>(Broken(1))
    });
    assert!(poll_once(&mut waiting, &Arc::default()).is_pending());
    told.try_recv().unwrap().send(()).unwrap();
    assert_eq!(run(waiting).unwrap_err().errors().len(), 1);
}

/// Also when the coroutine around is cancelled: that is done when they are.
#[test]
fn a_cancelled_coroutine_is_done_when_its_children_are() {
    let (canary, body_dropped) = Canary::new();
    let (tell, told) = channel();
    let mut outer = create_task(async move {
        task_group(|group: TaskGroup| async move {
            let _canary = canary;
            tell.send(on_a_thread(&group)).unwrap();
            pending::<Result<(), TaskError>>().await
        })
        .await
        .is_ok()
    });
    let go_on = receive(&told);
    outer.cancel();
    receive(&body_dropped);
    assert!(outer.wait_timeout(SOON).is_none(), "its child still runs");
    go_on.send(()).unwrap();
    assert!(run(outer).unwrap_err().is_cancelled());
}

/// So is a timeout, and a group around.
#[test]
fn whoever_cancels_a_group_waits_for_its_children() {
    let (tell, told) = channel();
    let inner = move |tell: Sender<Sender<()>>| {
        task_group(|group: TaskGroup| async move {
            tell.send(on_a_thread(&group)).unwrap();
            pending::<Result<(), TaskError>>().await
        })
    };
    let mut limited = timeout_at(Instant::now(), inner(tell.clone()));
    assert!(poll_once(&mut limited, &Arc::default()).is_pending());
    assert!(limited.scope().expired());
    told.try_recv().unwrap().send(()).unwrap();
    assert!(run(limited).unwrap_err().is_timed_out());

    let mut outer = task_group(|outer: TaskGroup| async move {
        let inner = inner(tell);
        let fails = async {
            // The inner group has begun by now.
            sleep(Duration::ZERO).await;
            let (promise, task) = promise::<()>("fails");
            outer.create_task(task).detach();
            promise.resolve(Err(TaskError::failed(Broken(2))));
            Ok(())
        };
        futures::try_join!(inner, fails)
    });
    // It begins; a child fails; the inner group is dropped, but its child runs on.
    for _ in 0..4 {
        assert!(poll_once(&mut outer, &Arc::default()).is_pending());
    }
    let go_on = told.try_recv().unwrap();
    go_on.send(()).unwrap();
    assert_eq!(run(outer).unwrap_err().errors().len(), 1);
}

/// CPython: test_taskgroups.py::test_taskgroup_13, test_taskgroup_14
#[test]
fn groups_are_nested() {
    // The outer one fails while the inner one waits.
    let (tell, told) = channel();
    let error = run(task_group(|outer: TaskGroup| async move {
        outer.create_task(fail(13)).detach();
        task_group(|inner: TaskGroup| async move {
            tell.send(endless(&inner)).unwrap();
            pending::<Result<(), TaskError>>().await
        })
        .await
        .map_err(TaskError::from)
    }))
    .unwrap_err();
    assert_eq!(error.errors()[0].downcast_ref(), Some(&Broken(13)));
    if let Ok((child, gone)) = told.try_recv() {
        assert!(child.is_cancelled(), "and has ended before");
        gone.try_recv().expect("what it held is released");
    }

    // The inner one fails, and the body of the outer one with it.
    let (tell, told) = channel();
    let error = run(task_group(|outer: TaskGroup| async move {
        tell.send(endless(&outer)).unwrap();
        task_group(|inner: TaskGroup| async move {
            inner.create_task(fail(14)).detach();
            Ok::<_, TaskError>(())
        })
        .await
    }))
    .unwrap_err();
    assert!(told.recv().unwrap().0.is_cancelled());
    let inner: &combinators::TaskGroupError = error.errors()[0].downcast_ref().unwrap();
    assert_eq!(inner.errors()[0].downcast_ref(), Some(&Broken(14)));
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

#[test]
fn dropping_it_cancels_the_children() {
    let (tell, told) = channel();
    let mut waiting = task_group(|group: TaskGroup| async move {
        tell.send(endless(&group)).unwrap();
        pending::<Result<(), TaskError>>().await
    });
    let wakes = Arc::<Wakes>::default();
    assert!(poll_once(&mut waiting, &wakes).is_pending());
    drop(waiting);
    let (child, gone) = told.try_recv().unwrap();
    receive(&gone);
    assert!(run(child).unwrap_err().is_cancelled());
    assert_eq!(Arc::strong_count(&wakes), 1, "whoever waited is forgotten");
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
