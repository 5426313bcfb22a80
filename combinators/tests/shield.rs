//! shield: asyncio's `test_shield_*`.

mod common;

use combinators::{create_task, ensure_future, gather, shield, timeout, wait_for};
use common::{Broken, DEADLINE, Wakes, poll_once, receive, run};
use executor_core::{Promise, Task, TaskError, current, promise};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::task::Poll;
use std::time::Duration;

const SOON: Duration = Duration::from_millis(5);

/// A coroutine that waits for the promise, and tells what it was given.
fn inner() -> (Promise<u8>, Task<u8>, Receiver<u8>) {
    let (promise, task) = promise("go on");
    let (tell, told) = channel();
    let inner = ensure_future(async move {
        let value = task.await?;
        tell.send(value).unwrap();
        Ok::<_, TaskError>(value)
    });
    (promise, inner, told)
}

/// CPython: test_tasks.py::test_shield_result
#[test]
fn it_gives_the_value() {
    let (promise, task, _told) = inner();
    let waiting = create_task(shield(task)).flatten();
    promise.resolve(Ok(42));
    assert_eq!(run(waiting).unwrap(), 42);
}

/// CPython: test_tasks.py::test_shield_exception
#[test]
fn it_gives_the_error() {
    let error = run(shield(async { Err::<u8, _>(Broken(1)) })).unwrap_err();
    assert_eq!(error.downcast::<Broken>().unwrap(), Broken(1));
}

/// CPython: test_tasks.py::test_shield_cancel_inner
#[test]
fn a_cancellation_of_the_inner_task_is_one_of_the_outer() {
    let (_promise, task, _told) = inner();
    let reference = task.reference();
    let mut outer = ensure_future(shield(task));
    reference.cancel();
    let error = outer.wait_timeout(DEADLINE).expect("in time").unwrap_err();
    assert!(error.is_cancelled());
    assert!(outer.is_cancelled());
}

/// CPython: test_tasks.py::test_shield_cancel_outer
#[test]
fn a_cancellation_of_the_outer_task_leaves_the_inner() {
    let (promise, task, told) = inner();
    let reference = task.reference();
    let outer = create_task(async move { shield(task).await });
    outer.cancel();
    assert!(run(outer).unwrap_err().is_cancelled());
    assert!(!reference.is_done());
    promise.resolve(Ok(3));
    assert_eq!(receive(&told), 3);
}

/// CPython: test_tasks.py::test_shield_shortcut
#[test]
fn a_task_that_is_done_gives_its_outcome_at_once() {
    let mut shielded = shield(Task::ready("done", Ok(1)));
    let outcome = poll_once(&mut shielded, &Arc::default());
    assert!(matches!(outcome, Poll::Ready(Ok(1))));
    let again = run(&mut shielded).unwrap_err();
    assert!(again.is_invalid_state());
}

/// CPython: test_tasks.py::test_shield_effect, and for a task that otherwise is
/// cancelled by whatever drops it.
#[test]
fn a_task_that_cancels_on_drop_is_shielded_too() {
    let (promise, task, told) = inner();
    let mut shielded = shield(task.cancel_on_drop());
    let wakes = Arc::<Wakes>::default();
    assert!(poll_once(&mut shielded, &wakes).is_pending());
    drop(shielded);
    assert_eq!(Arc::strong_count(&wakes), 1, "whoever waited is forgotten");
    promise.resolve(Ok(4));
    assert_eq!(receive(&told), 4);
}

/// A task that was awaited before it came under the shield.
#[test]
fn what_is_dropped_by_a_cancellation_is_shielded() {
    let (promise, mut task, told) = inner();
    assert!(poll_once(&mut task, &Arc::default()).is_pending());
    let mut shielded = shield(task);
    assert!(poll_once(&mut shielded, &Arc::default()).is_pending());
    current::cancelling(|| drop(shielded));
    promise.resolve(Ok(5));
    assert_eq!(receive(&told), 5);
}

/// Without a shield the same is cancelled: CPython:
/// test_tasks.py::test_yield_future_passes_cancel
#[test]
fn without_a_shield_it_is_cancelled() {
    let (_promise, task, _told) = inner();
    let inner = task.reference();
    let (tell, told) = channel();
    task.add_done_callback(move |outcome| {
        let _ = tell.send(outcome.is_err_and(TaskError::is_cancelled));
    });
    let (begun, has_begun) = channel();
    let outer = create_task(async move {
        begun.send(()).unwrap();
        task.await
    });
    receive(&has_begun);
    outer.cancel();
    assert!(run(outer).unwrap_err().is_cancelled());
    assert!(receive(&told));
    drop(inner);
}

/// CPython: test_waitfor.py::WaitForShieldTests::test_shielded_timeout
#[test]
fn a_limit_around_it_leaves_the_inner_task() {
    let (promise, task, told) = inner();
    assert!(run(timeout(SOON, shield(task))).unwrap_err().is_timed_out());
    promise.resolve(Ok(6));
    assert_eq!(receive(&told), 6);

    let (promise, task, told) = inner();
    assert!(
        run(wait_for(shield(task), SOON))
            .unwrap_err()
            .is_timed_out()
    );
    promise.resolve(Ok(7));
    assert_eq!(receive(&told), 7);
}

/// CPython: test_tasks.py::test_gather_shield
#[test]
fn shields_in_a_gather_that_is_cancelled() {
    let parts = [inner(), inner()];
    let (mut promises, mut shields, mut tells) = (vec![], vec![], vec![]);
    for (promise, task, told) in parts {
        promises.push(promise);
        shields.push(shield(task));
        tells.push(told);
    }
    let outer = create_task(async move { gather(shields).await });
    outer.cancel();
    assert!(run(outer).unwrap_err().is_cancelled());
    for (n, promise) in promises.into_iter().enumerate() {
        promise.resolve(Ok(n as u8));
    }
    let told: Vec<_> = tells.iter().map(receive).collect();
    assert_eq!(told, [0, 1]);
}

/// CPython: test_tasks.py::test_shield_gather
#[test]
fn a_gather_under_a_shield_is_not_cancelled() {
    let ((one, a, _a), (two, b, _b)) = (inner(), inner());
    let all = ensure_future(gather([a, b]));
    let (tell, told) = channel();
    all.add_done_callback(move |outcome| tell.send(outcome.unwrap().clone()).unwrap());
    let outer = create_task(shield(all));
    outer.cancel();
    assert!(run(outer).unwrap_err().is_cancelled());
    one.resolve(Ok(1));
    two.resolve(Ok(2));
    assert_eq!(receive(&told), [1, 2]);
}

#[test]
fn the_shield_comes_off() {
    let (promise, task, _told) = inner();
    let id = task.id();
    let task = shield(task).into_task().expect("its outcome is still here");
    assert_eq!(task.id(), id);
    promise.resolve(Ok(1));
    assert_eq!(run(task).unwrap(), 1);
}
