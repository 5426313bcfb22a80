//! What becomes of the tasks when the coroutine that awaits them is cancelled.

mod common;

use combinators::{ReturnWhen, as_completed, ensure_future, gather, gather_settled, limit, wait};
use common::{ThreadPerJob, Wakes, asked, is_over, poll_once, run};
use executor_core::{Task, TaskError, current};
use futures::StreamExt as _;
use std::sync::Arc;

/// Polls a coroutine, then drops it as the one that drives it does when it is
/// cancelled.
fn cancel_at_its_await(coroutine: impl Future<Output = ()>) {
    let mut coroutine = Box::pin(coroutine);
    assert!(poll_once(&mut coroutine, &Arc::default()).is_pending());
    current::cancelling(|| drop(coroutine));
}

/// CPython: test_tasks.py::test_cancel_gather_2,
/// test_tasks.py::CoroutineGatherTests::test_cancellation_broadcast
#[test]
fn cancelling_who_awaits_it_cancels_all_its_tasks() {
    let cancelled_by = |await_it: &dyn Fn(Vec<Task<u8>>)| {
        let (a, one) = asked("one");
        let (b, other) = asked("other");
        await_it(vec![one, other]);
        [a.was_cancelled(), b.was_cancelled()]
    };
    let gathered = cancelled_by(&|tasks| {
        cancel_at_its_await(async {
            let _ = gather(tasks).await;
        });
    });
    assert_eq!(gathered, [true, true]);
    let settled = cancelled_by(&|tasks| {
        cancel_at_its_await(async {
            gather_settled(tasks).await;
        });
    });
    assert_eq!(settled, [true, true]);
    let mixed = cancelled_by(&|mut tasks| {
        let pair = (tasks.remove(0), tasks.remove(0));
        cancel_at_its_await(async {
            let _ = gather(pair).await;
        });
    });
    assert_eq!(mixed, [true, true]);
    let limited = cancelled_by(&|tasks| {
        cancel_at_its_await(async {
            let _ = limit(2).gather(tasks).await;
        });
    });
    assert_eq!(limited, [true, true]);
}

/// A coroutine among them is cancelled like any task, and releases what it holds.
#[test]
fn a_coroutine_that_it_started_is_cancelled_too() {
    let (canary, dropped) = common::Canary::new();
    let coroutine = ensure_future(async move {
        let _canary = canary;
        std::future::pending::<Result<u8, TaskError>>().await
    });
    let reference = coroutine.reference();
    cancel_at_its_await(async {
        let _ = gather([coroutine]).await;
    });
    common::receive(&dropped);
    assert!(is_over(&reference), "{reference:?}");
}

/// asyncio's gather raises the cancellation only once all of its children have ended.
#[test]
fn a_coroutine_that_is_cancelled_at_a_gather_ends_after_its_tasks() {
    let [gathered, limited] = [false, true].map(|limited| {
        let (a, one) = asked::<u8>("one");
        let (b, other) = asked::<u8>("other");
        let (starts, has_started) = std::sync::mpsc::channel();
        let outer = ensure_future(async move {
            starts.send(()).unwrap();
            match limited {
                true => limit(2).gather([one, other]).await,
                false => gather([one, other]).await,
            }
        });
        common::receive(&has_started);
        outer.cancel();
        (a, b, outer)
    });
    for (a, b, outer) in [gathered, limited] {
        common::until(|| a.was_cancelled() && b.was_cancelled());
        let reference = outer.reference();
        a.resolve(Err(TaskError::cancelled("after cleaning up")));
        assert!(!reference.is_done(), "one is still at it");
        b.resolve(Ok(7));
        assert!(run(outer).unwrap_err().is_cancelled());
    }
}

/// A function on a thread cannot be stopped, so nobody waits for it.
#[test]
fn what_cannot_be_stopped_is_not_waited_for() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (starts, has_started) = std::sync::mpsc::channel();
    let job = ThreadPerJob::default().spawn(move || {
        starts.send(()).unwrap();
        let _ = released.recv_timeout(common::DEADLINE);
    });
    let outer = ensure_future(async move { gather([job]).await });
    common::receive(&has_started);
    outer.cancel();
    assert!(run(outer).unwrap_err().is_cancelled());
    drop(release);
}

/// CPython: test_tasks.py::test_yield_future_passes_cancel: what is merely held is
/// not awaited.
#[test]
fn a_gather_that_is_only_held_is_detached() {
    let (asked, task) = asked::<u8>("held");
    cancel_at_its_await(async {
        let _held = gather([task]);
        std::future::pending::<()>().await;
    });
    assert!(!asked.was_cancelled());
}

/// asyncio.wait and as_completed leave their tasks alone, also such as had been
/// awaited by themselves before.
#[test]
fn wait_and_as_completed_do_not_pass_a_cancellation_on() {
    let wakes = Arc::<Wakes>::default();
    let (a, mut task) = asked::<u8>("waited for");
    assert!(poll_once(&mut task, &wakes).is_pending());
    cancel_at_its_await(async {
        let _ = wait([task], ReturnWhen::AllCompleted).await;
    });
    let (b, mut task) = asked::<u8>("completed");
    assert!(poll_once(&mut task, &wakes).is_pending());
    cancel_at_its_await(async {
        let _ = as_completed([task]).next().await;
    });
    assert_eq!((a.was_cancelled(), b.was_cancelled()), (false, false));
}
