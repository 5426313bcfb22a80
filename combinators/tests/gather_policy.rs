//! What becomes of the others when one task of a gather fails, and of all when
//! the gather is dropped or its coroutine cancelled.

mod common;

use combinators::{Gather, GatherSettled, as_completed, ensure_future, gather, gather_settled};
use combinators::{ReturnWhen, limit, wait};
use common::{Broken, Wakes, asked, is_over, poll_once, promises, resolve_at_once, run};
use executor_core::{Promise, Task, TaskError, current, promise};
use futures::StreamExt as _;
use std::sync::Arc;
use std::task::Poll;

fn broken<T>(n: u32) -> Result<T, TaskError> {
    Err(TaskError::failed(Broken(n)))
}

/// One task that can be cancelled, one that the test resolves.
fn asked_and_resolved() -> (common::Asked, Promise<u8>, Vec<Task<u8>>) {
    let (asked, sibling) = asked::<u8>("sibling");
    let (promise, task) = promise("decides");
    (asked, promise, vec![sibling, task])
}

#[test]
fn with_cancel_siblings_the_first_failure_cancels_the_others() {
    let (asked, promise, tasks) = asked_and_resolved();
    let wakes = Arc::<Wakes>::default();
    let mut gathering = gather(tasks).cancel_siblings();
    assert!(poll_once(&mut gathering, &wakes).is_pending());
    promise.resolve(broken(1));
    assert!(!asked.was_cancelled(), "not before it is polled");
    let Poll::Ready(outcome) = poll_once(&mut gathering, &wakes) else {
        panic!("one has failed");
    };
    let error = outcome.unwrap_err();
    assert_eq!(error.downcast::<Broken>().unwrap(), Broken(1));
    assert!(asked.was_cancelled());
    assert_eq!(wakes.count(), 1, "not woken for what it cancelled itself");
}

#[test]
fn with_leave_running_it_does_not() {
    for said_otherwise in [false, true] {
        let (asked, promise, tasks) = asked_and_resolved();
        promise.resolve(broken(1));
        let gathering = match said_otherwise {
            true => gather(tasks).cancel_siblings().leave_running(),
            false => gather(tasks),
        };
        assert!(run(gathering).is_err());
        assert!(!asked.was_cancelled());
    }
}

#[test]
fn a_success_cancels_nobody() {
    let (asked, promise, tasks) = asked_and_resolved();
    let wakes = Arc::<Wakes>::default();
    let mut gathering = gather(tasks).cancel_siblings().cancel_on_drop();
    assert!(poll_once(&mut gathering, &wakes).is_pending());
    promise.resolve(Ok(2));
    assert!(poll_once(&mut gathering, &wakes).is_pending());
    asked.resolve(Ok(1));
    assert_eq!(run(&mut gathering).unwrap(), [1, 2]);
    drop(gathering);
    assert!(!asked.was_cancelled());
}

#[test]
fn settled_with_cancel_siblings_gives_the_outcomes_of_all() {
    let (asked, promise, mut tasks) = asked_and_resolved();
    tasks.push(Task::ready("done", Ok(3)));
    let wakes = Arc::<Wakes>::default();
    let mut gathering = gather_settled(tasks).cancel_siblings();
    assert!(poll_once(&mut gathering, &wakes).is_pending());
    promise.resolve(broken(2));
    assert_eq!(wakes.count(), 1);
    assert!(poll_once(&mut gathering, &wakes).is_pending());
    assert!(asked.was_cancelled());
    asked.resolve(Err(TaskError::cancelled("by the gather")));
    assert_eq!(wakes.count(), 2);
    let outcomes = run(gathering);
    assert!(outcomes[0].as_ref().unwrap_err().is_cancelled());
    assert!(outcomes[1].as_ref().unwrap_err().is_failed());
    assert_eq!(*outcomes[2].as_ref().unwrap(), 3);
}

/// Whoever looks at the first error is not told of the others: Python marks them as
/// retrieved.
#[test]
fn errors_of_siblings_count_as_looked_at() {
    let reports = common::reports_of(|| {
        for cancels in [false, true] {
            let (promises, tasks) = promises::<u8>(4);
            let [a, b, c, d] = <[_; 4]>::try_from(promises).unwrap();
            b.resolve(broken(1));
            c.resolve(broken(2));
            let gathering = gather(tasks);
            let gathering = match cancels {
                true => gathering.cancel_siblings(),
                false => gathering,
            };
            assert!(run(gathering).is_err());
            a.resolve(broken(3));
            d.resolve(broken(4));
            let failing = [broken(5), broken(6), Ok(0)].map(|o| Task::ready("f", o));
            let gathering = limit(3).gather(failing);
            assert!(run(gathering).is_err());
        }
    });
    assert!(reports.is_empty(), "{reports:?}");
}

#[test]
fn an_error_that_a_dropped_gather_never_saw_is_reported() {
    let reports = common::reports_of(|| drop(gather([Task::<u8>::ready("f", broken(1))])));
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert!(reports[0].contains("never retrieved"));
}

#[test]
fn with_cancel_on_drop_dropping_it_cancels_polled_or_not() {
    let wakes = Arc::<Wakes>::default();
    for polled in [false, true] {
        let (asked, _keep, tasks) = asked_and_resolved();
        let mut gathering = gather(tasks).cancel_on_drop();
        assert!(!polled || poll_once(&mut gathering, &wakes).is_pending());
        drop(gathering);
        assert!(asked.was_cancelled());

        let (asked, _keep, tasks) = asked_and_resolved();
        let mut gathering = gather_settled(tasks).cancel_on_drop();
        assert!(!polled || poll_once(&mut gathering, &wakes).is_pending());
        drop(gathering);
        assert!(asked.was_cancelled());
    }
    assert_eq!(wakes.count(), 0);
    assert_eq!(Arc::strong_count(&wakes), 1, "whoever waited is forgotten");
}

/// What is queued is cancelled before `cancel` returns: that is no news.
#[test]
fn who_waited_is_not_woken_for_what_its_own_end_cancels() {
    let wakes = Arc::<Wakes>::default();
    let (asked_too, other) = asked::<u8>("other");
    let (asked_too, asked) = (asked_too.obeys(), asked::<u8>("one"));
    let (asked, one) = (asked.0.obeys(), asked.1);
    let mut gathering = gather([one, other]).cancel_on_drop();
    assert!(poll_once(&mut gathering, &wakes).is_pending());
    drop(gathering);
    assert!(asked.was_cancelled() && asked_too.was_cancelled());
    assert_eq!(wakes.count(), 0);

    let (asked, promise, tasks) = asked_and_resolved();
    let asked = asked.obeys();
    let mut gathering = gather_settled(tasks).cancel_siblings();
    assert!(poll_once(&mut gathering, &wakes).is_pending());
    promise.resolve(broken(1));
    assert_eq!(wakes.count(), 1);
    let Poll::Ready(outcomes) = poll_once(&mut gathering, &wakes) else {
        panic!("all are done by now");
    };
    assert!(asked.was_cancelled() && outcomes.iter().all(Result::is_err));
    assert_eq!(wakes.count(), 1);
}

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

/// The policies stand on every form, and any of them may be named in a type.
#[test]
fn the_futures_can_be_named() {
    type Pair = (Task<u8>, Task<String>);
    let pair = || -> Pair { (Task::ready("a", Ok(1)), Task::ready("b", Ok("b".into()))) };
    let gathering: Gather<Pair> = gather(pair()).leave_running();
    assert_eq!(run(gathering).unwrap(), (1, "b".to_owned()));
    let gathering: GatherSettled<Pair> = gather_settled(pair()).leave_running();
    assert!(run(gathering).0.is_ok());
}

/// No failure is missed and no task is left over when they are resolved while the
/// gather registers and while it cancels.
#[test]
fn hundreds_fail_and_are_cancelled_at_once() {
    const THREADS: usize = 4;
    const EACH: usize = 50;
    for round in 0..50 {
        let (promises, tasks) = promises::<usize>(THREADS * EACH);
        let references: Vec<_> = tasks.iter().map(Task::reference).collect();
        let outcome = |n| if n % 7 == 3 { broken(1) } else { Ok(n) };
        let (start, resolvers) = resolve_at_once(promises, THREADS, outcome);
        start.wait();
        if round % 2 == 0 {
            assert!(run(gather(tasks).cancel_siblings()).is_err());
        } else {
            let outcomes = run(gather_settled(tasks).cancel_siblings());
            assert!(
                outcomes
                    .iter()
                    .enumerate()
                    .all(|(n, o)| o.is_err() == (n % 7 == 3))
            );
        }
        resolvers.into_iter().for_each(|r| r.join().unwrap());
        assert!(references.iter().all(is_over));
    }
}
