//! How far a cancellation reaches: what a cancelled coroutine awaits, and what a
//! coroutine does to itself. asyncio's `BaseTaskTests`.

mod common;

use combinators::{create_task, ensure_future, gather, limit, shield, sleep, wait_for};
use common::{Canary, DEADLINE, receive, run};
use executor_core::{CancelOutcome, Task, TaskError, current_task, promise};
use futures::FutureExt as _;
use futures::future::{BoxFuture, pending, ready};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// A coroutine that never ends by itself, and tells when it is dropped.
fn endless() -> (Task<()>, Receiver<()>) {
    let (canary, dropped) = Canary::new();
    let task = create_task(async move {
        let _canary = canary;
        pending::<()>().await;
    });
    (task, dropped)
}

/// CPython: test_tasks.py::test_yield_future_passes_cancel,
/// test_cancel_both_task_and_inner_future
#[test]
fn it_reaches_the_task_that_is_awaited_and_so_on_down() {
    let (innermost, dropped) = endless();
    let reference = innermost.reference();
    let (begun, has_begun) = channel();
    let middle = ensure_future(async move {
        begun.send(()).unwrap();
        innermost.await
    });
    let middle_reference = middle.reference();
    let (waits, is_waiting) = channel();
    let outer = create_task(async move {
        waits.send(()).unwrap();
        middle.await
    });
    receive(&has_begun);
    receive(&is_waiting);
    assert_eq!(outer.cancel(), CancelOutcome::Requested);
    assert!(run(outer).unwrap_err().is_cancelled());
    receive(&dropped);
    // Both were asked to, and end by themselves.
    run(until(move || {
        middle_reference.is_done() && reference.is_done()
    }));
}

async fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        sleep(Duration::from_millis(1)).await;
    }
}

/// CPython: test_tasks.py::test_cancel: what a coroutine holds and does not await
/// goes on.
#[test]
fn it_does_not_reach_a_task_that_is_merely_held() {
    let (go_on, may_go_on) = promise::<()>("go on");
    let (tell, told) = channel();
    let held = create_task(async move {
        may_go_on.await.unwrap();
        tell.send(()).unwrap();
    });
    let (begun, has_begun) = channel();
    let outer = create_task(async move {
        let _held = held;
        begun.send(()).unwrap();
        pending::<()>().await;
    });
    receive(&has_begun);
    outer.cancel();
    assert!(run(outer).unwrap_err().is_cancelled());
    go_on.resolve(Ok(()));
    receive(&told);
}

/// It reaches a task that was awaited for a while and given up, only if it is
/// awaited at the time.
#[test]
fn it_reaches_a_task_that_is_awaited_by_reference() {
    let (mut awaited, dropped) = endless();
    let (begun, has_begun) = channel();
    let outer = create_task(async move {
        begun.send(()).unwrap();
        (&mut awaited).await
    });
    receive(&has_begun);
    outer.cancel();
    assert!(run(outer).unwrap_err().is_cancelled());
    receive(&dropped);
}

/// A cancellation is one only of what is dropped by it.
#[test]
fn a_coroutine_that_ends_by_itself_detaches_what_it_holds() {
    let (go_on, may_go_on) = promise::<()>("go on");
    let (tell, told) = channel();
    let held = create_task(async move {
        may_go_on.await.unwrap();
        tell.send(()).unwrap();
    });
    let outer = create_task(async move {
        let mut held = held;
        assert!(futures::poll!(&mut held).is_pending());
    });
    run(outer).unwrap();
    go_on.resolve(Ok(()));
    receive(&told);
}

/// CPython: test_tasks.py::test_cancel_current_task
#[test]
fn a_coroutine_that_cancels_itself_ends_at_its_next_await() {
    let (tell, told) = channel();
    let task = create_task(async move {
        let outcome = current_task().expect("this one").cancel();
        tell.send(outcome).unwrap();
        sleep(Duration::ZERO).await;
        tell.send(CancelOutcome::TooLate).unwrap();
    });
    assert!(run(task).unwrap_err().is_cancelled());
    let outcomes: Vec<_> = told.try_iter().collect();
    assert_eq!(outcomes, [CancelOutcome::Requested]);
}

/// Unlike CPython: test_tasks.py::test_cancel_at_end, where the value is lost.
#[test]
fn a_coroutine_that_cancels_itself_and_ends_has_its_value() {
    let task = create_task(async {
        current_task().expect("this one").cancel();
        12
    });
    assert_eq!(run(task).unwrap(), 12);
}

/// CPython: test_tasks.py::test_cancel_awaited_task: it had not awaited the task
/// when it cancelled itself.
#[test]
fn what_it_awaits_next_is_cancelled_too() {
    let (inner, dropped) = endless();
    let outer = create_task(async move {
        current_task().expect("this one").cancel();
        inner.await
    });
    assert!(run(outer).unwrap_err().is_cancelled());
    receive(&dropped);
}

/// CPython: test_tasks.py::test_cancel: a second time it is too late.
#[test]
fn what_is_done_cannot_be_cancelled() {
    let mut task = create_task(async { 1 });
    run(std::future::poll_fn(|context| task.poll_done(context)));
    assert_eq!(task.cancel(), CancelOutcome::TooLate);
    assert_eq!(task.try_result().unwrap(), 1);
}

/// Polls, and the drop of what a coroutine holds, belong to its task.
#[test]
fn current_task_is_the_coroutine() {
    struct Who(Sender<Option<String>>);
    impl Who {
        fn is_it(&self) {
            let name = current_task().map(|task| task.name().to_owned());
            self.0.send(name).unwrap();
        }
    }
    impl Drop for Who {
        fn drop(&mut self) {
            self.is_it();
        }
    }
    let (tell, told) = channel();
    let task = create_task(async move {
        let who = Who(tell);
        who.is_it();
        pending::<()>().await;
    });
    let name = Some(task.name().to_owned());
    assert_eq!(receive(&told), name);
    task.cancel();
    assert!(run(task).unwrap_err().is_cancelled());
    assert_eq!(receive(&told), name);
    assert_eq!(current_task(), None);
}

/// CPython: test_tasks.py::test_task_awaits_on_itself
#[test]
fn a_coroutine_that_awaits_itself_is_an_error() {
    type Own = Task<()>;
    type Waits = fn(Own) -> BoxFuture<'static, Result<(), TaskError>>;
    let ways: [Waits; 8] = [
        |own| own.boxed(),
        |own| shield(own).boxed(),
        |own| wait_for(own, DEADLINE).boxed(),
        |own| gather([own]).map(|all| all.map(drop)).boxed(),
        |own| {
            let other = ensure_future(pending::<Result<(), TaskError>>());
            gather((other, own)).map(|all| all.map(drop)).boxed()
        },
        |own| limit(1).gather([own]).map(|all| all.map(drop)).boxed(),
        |own| {
            let others = (0..3).map(|_| create_task(ready(())));
            let tasks: Vec<_> = others.chain([own]).collect();
            limit(1).gather(tasks).map(|all| all.map(drop)).boxed()
        },
        |own| {
            let outcomes = limit(1).gather_settled([own, create_task(ready(()))]);
            outcomes.map(|mut all| all.swap_remove(0)).boxed()
        },
    ];
    for waits in ways {
        let (give, given) = channel::<Own>();
        let (tell, told) = channel();
        let task = create_task(async move {
            let own = receive(&given);
            tell.send(waits(own).await).unwrap();
        });
        give.send(task).unwrap();
        let error = receive(&told).unwrap_err();
        assert_eq!(error.kind(), executor_core::TaskErrorKind::WouldDeadlock);
        assert!(error.task_name().unwrap().starts_with("Task-"), "{error}");
    }
}
