//! task_group: groups that are cancelled, nested, dropped. asyncio's
//! `test_taskgroups.py`.

mod common;

use combinators::{TaskGroup, create_task, sleep, task_group, timeout_at};
use common::children::{endless, fail};
use common::{
    Asked, Broken, Canary, DEADLINE, ThreadPerJob, Wakes, asked, poll_once, receive, run,
};
use executor_core::{CancelToken, TaskError, promise};
use futures::future::pending;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_millis(20);

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

/// A child that ends later than it is cancelled, as a coroutine may, and what ends it.
fn that_ends_later(group: &TaskGroup) -> Asked<()> {
    let (asked, task) = asked("ends later");
    group.create_task(task).detach();
    asked
}

/// What cannot be cancelled is waited for, if it is the group that fails.
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

/// One that heeds its token ends when the group fails.
#[test]
fn a_job_on_a_thread_is_asked_to_end() {
    let (begun, has_begun) = channel();
    let (tell, told) = channel();
    let error = run(task_group(|group: TaskGroup| async move {
        let job = ThreadPerJob::default().spawn(move || {
            let token = CancelToken::current();
            begun.send(()).unwrap();
            token.wait_timeout(DEADLINE).then_some(7)
        });
        let child = group.create_task(job);
        receive(&has_begun);
        child.add_done_callback(move |outcome| tell.send(*outcome.unwrap()).unwrap());
        group.create_task(fail(1)).detach();
        Ok::<_, TaskError>(())
    }))
    .unwrap_err();
    assert_eq!(error.errors().len(), 1);
    assert_eq!(told.try_recv(), Ok(Some(7)));
}

/// Also when the coroutine around is cancelled: that is done when they are.
#[test]
fn a_cancelled_coroutine_is_done_when_its_children_are() {
    let (canary, body_dropped) = Canary::new();
    let (tell, told) = channel();
    let mut outer = create_task(async move {
        task_group(|group: TaskGroup| async move {
            let _canary = canary;
            tell.send(that_ends_later(&group)).unwrap();
            pending::<Result<(), TaskError>>().await
        })
        .await
        .is_ok()
    });
    let child = receive(&told);
    outer.cancel();
    receive(&body_dropped);
    assert!(outer.wait_timeout(SOON).is_none(), "its child still runs");
    assert!(child.was_cancelled());
    child.resolve(Ok(()));
    assert!(run(outer).unwrap_err().is_cancelled());
}

/// So is a timeout, and a group around.
#[test]
fn whoever_cancels_a_group_waits_for_its_children() {
    let (tell, told) = channel();
    let inner = move |tell: Sender<Asked<()>>| {
        task_group(|group: TaskGroup| async move {
            tell.send(that_ends_later(&group)).unwrap();
            pending::<Result<(), TaskError>>().await
        })
    };
    let mut limited = timeout_at(Instant::now(), inner(tell.clone()));
    assert!(poll_once(&mut limited, &Arc::default()).is_pending());
    assert!(limited.scope().expired());
    told.try_recv().unwrap().resolve(Ok(()));
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
    told.try_recv().unwrap().resolve(Ok(()));
    assert_eq!(run(outer).unwrap_err().errors().len(), 1);
}

/// But nobody waits for a function on a thread that cannot be stopped: a limit would
/// be no limit. Python does not either: its threads go on.
#[test]
fn whoever_cancels_a_group_waits_for_no_thread() {
    let inner = move |tell: Sender<Sender<()>>| {
        task_group(|group: TaskGroup| async move {
            tell.send(on_a_thread(&group)).unwrap();
            pending::<Result<(), TaskError>>().await
        })
    };
    let (tell, told) = channel();
    let error = run(timeout_at(Instant::now(), inner(tell.clone()))).unwrap_err();
    assert!(error.is_timed_out());
    let outer = create_task(inner(tell.clone()));
    let go_on = [receive(&told), receive(&told)];
    outer.cancel();
    assert!(run(outer).unwrap_err().is_cancelled());

    // Also where the group was waiting for it, having failed.
    let mut fails = task_group(|group: TaskGroup| async move {
        tell.send(on_a_thread(&group)).unwrap();
        Err::<(), _>(Broken(1))
    });
    assert!(poll_once(&mut fails, &Arc::default()).is_pending());
    assert!(
        run(timeout_at(Instant::now(), fails))
            .unwrap_err()
            .is_timed_out()
    );
    for go_on in go_on.into_iter().chain(told.try_recv()) {
        go_on.send(()).expect("it still waits for this");
    }
}

/// Cancels a group while a job of its own, which has asked for its token, runs on a
/// thread; returns when the group has ended.
fn cancel_over<R: Send + 'static>(job: impl FnOnce(CancelToken) -> R + Send + 'static) {
    let (begun, has_begun) = channel();
    let grouped = task_group(|group: TaskGroup| async move {
        let job = ThreadPerJob::default().spawn(move || {
            let token = CancelToken::current();
            begun.send(()).unwrap();
            job(token)
        });
        group.create_task(job).detach();
        receive(&has_begun);
        pending::<Result<(), TaskError>>().await
    });
    assert!(
        run(timeout_at(Instant::now(), grouped))
            .unwrap_err()
            .is_timed_out()
    );
}

/// One that was asked to end, and does not, is waited for no longer than a second.
#[test]
fn a_job_that_does_not_look_at_its_token_holds_nobody_up() {
    let (go_on, may_go_on) = channel::<()>();
    cancel_over(move |token| {
        receive(&may_go_on);
        token.is_cancelled()
    });
    go_on.send(()).expect("it still waits for this");
}

/// One that looks has ended.
#[test]
fn a_job_that_looks_at_its_token_is_waited_for() {
    let (tell, told) = channel();
    cancel_over(move |token| {
        let cancelled = token.wait_timeout(DEADLINE);
        tell.send(cancelled).unwrap();
    });
    assert_eq!(told.try_recv(), Ok(true));
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
