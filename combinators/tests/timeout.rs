//! timeout, timeout_at, timeout_scope: asyncio's `test_timeouts.py`.

mod common;

use combinators::{TimeoutScope, create_task, sleep, timeout, timeout_at, timeout_scope};
use common::{Broken, Canary, DEADLINE, Wakes, poll_once, receive, run};
use executor_core::{TaskError, current_task, promise};
use futures::StreamExt as _;
use futures::future::pending;
use futures::stream::FuturesUnordered;
use std::cell::Cell;
use std::future::Future as _;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_millis(5);

fn past() -> Instant {
    Instant::now()
}

async fn never() -> Result<(), TaskError> {
    pending().await
}

/// CPython: test_timeouts.py::test_timeout_basic
#[test]
fn late_it_drops_what_runs_and_then_raises() {
    let (canary, dropped) = Canary::new();
    let waiting = timeout(SOON, async move {
        let _canary = canary;
        never().await
    });
    let scope = waiting.scope();
    assert!(scope.when().is_some() && !scope.expired());
    let error = run(waiting).unwrap_err();
    assert!(error.is_timed_out());
    assert!(error.to_string().contains("5ms"), "{error}");
    dropped.try_recv().expect("dropped before it returns");
    assert!(scope.expired());
}

/// CPython: test_timeouts.py::test_timeout_not_called
#[test]
fn in_time_it_gives_the_value_or_the_error() {
    let waiting = timeout(DEADLINE, async { Ok::<_, Broken>(7) });
    let scope = waiting.scope();
    assert_eq!(run(waiting).unwrap(), 7);
    assert!(!scope.expired());
    let slow = timeout(DEADLINE, async {
        sleep(SOON).await;
        Ok::<_, Broken>(8)
    });
    assert_eq!(run(slow).unwrap(), 8);
}

/// CPython: test_timeouts.py::test_foreign_exception_passed
#[test]
fn an_error_of_what_runs_passes() {
    let waiting = timeout(DEADLINE, async { Err::<(), _>(Broken(1)) });
    let scope = waiting.scope();
    let error = run(waiting).unwrap_err();
    assert_eq!(error.downcast::<Broken>().unwrap(), Broken(1));
    assert!(!scope.expired());
    // Also when it is late, if it comes before the limit is looked at.
    let late = timeout(Duration::ZERO, async { Err::<(), _>("text") });
    assert!(run(late).unwrap_err().is_failed());
}

/// CPython: test_timeouts.py::test_timeout_zero, test_timeout_zero_sleep_zero,
/// test_timeout_in_the_past
#[test]
fn with_a_limit_of_zero_it_runs_up_to_its_first_await() {
    let value = timeout(Duration::ZERO, async { Ok::<_, TaskError>(1) });
    assert_eq!(run(value).unwrap(), 1);

    let steps = Cell::new(0);
    let body = || async {
        steps.set(steps.get() + 1);
        sleep(Duration::ZERO).await;
        steps.set(steps.get() + 100);
        Ok::<_, TaskError>(())
    };
    assert!(run(timeout(Duration::ZERO, body())).is_err());
    assert!(run(timeout_at(past(), body())).is_err());
    assert_eq!(steps.get(), 2);
}

/// CPython: test_timeouts.py::test_timeout_disabled, test_timeout_at_disabled
#[test]
fn without_a_limit_it_never_raises() {
    let body = async || {
        sleep(SOON).await;
        Ok::<_, TaskError>(())
    };
    for waiting in [timeout(None, body()), timeout(Duration::MAX, body())] {
        assert_eq!(waiting.scope().when(), None);
        run(waiting).unwrap();
    }
}

#[test]
fn it_runs_in_place_and_borrows() {
    let shared = Rc::new(Cell::new(0)); // not `Send`
    let mut steps = vec![];
    run(timeout(DEADLINE, async {
        shared.set(1);
        steps.push("borrowed");
        Ok::<_, TaskError>(())
    }))
    .unwrap();
    assert_eq!((shared.get(), steps.len()), (1, 1));
}

/// CPython: test_timeouts.py::test_nested_timeouts
#[test]
fn of_two_limits_that_have_passed_the_outer_one_raises() {
    let seen = Cell::new(false);
    let when = Instant::now() + SOON;
    let inner_scope = Cell::new(None);
    let outer = timeout_at(when, async {
        let inner = timeout_at(when, never());
        inner_scope.set(Some(inner.scope()));
        let outcome = inner.await;
        seen.set(true);
        outcome
    });
    let scope = outer.scope();
    assert!(run(outer).unwrap_err().is_timed_out());
    assert!(!seen.get(), "what is between the two runs no further");
    assert!(scope.expired() && inner_scope.take().unwrap().expired());
}

/// CPython: test_timeouts.py::test_nested_timeouts_concurrent: the outer limit
/// passes while the thread is busy.
#[test]
fn an_inner_scope_that_has_time_left_does_not_raise() {
    let inner_scope = Cell::new(None);
    let outer = timeout_scope(None, async |scope: TimeoutScope| {
        let inner = timeout(DEADLINE, async {
            scope.reschedule(past());
            never().await
        });
        inner_scope.set(Some(inner.scope()));
        inner.await.expect_err("it is not reached");
        unreachable!("the outer scope raises");
        #[allow(unreachable_code, reason = "it names the type")]
        Ok::<(), TaskError>(())
    });
    assert!(run(outer).unwrap_err().is_timed_out());
    assert!(!inner_scope.take().unwrap().expired());
}

/// CPython: test_timeouts.py::test_nested_timeouts_loop_busy
#[test]
fn after_the_inner_limit_the_outer_one_is_kept() {
    let inner_raised = Cell::new(false);
    let outer = timeout_scope(None, async |scope: TimeoutScope| {
        let inner = timeout_at(past(), never()).await;
        inner_raised.set(inner.unwrap_err().is_timed_out());
        assert!(!scope.expired(), "the other one did");
        scope.reschedule(Instant::now() + SOON);
        never().await
    });
    assert!(run(outer).unwrap_err().is_timed_out());
    assert!(inner_raised.get());
}

/// The inner one leaves it to the outer one, which is then moved after all.
#[test]
fn an_inner_scope_raises_when_the_outer_one_does_not_after_all() {
    let mut outer = timeout_scope(None, |scope: TimeoutScope| async move {
        sleep(Duration::ZERO).await;
        // The outer limit has passed by now.
        let (inner, moved) = futures::join!(timeout_at(past(), never()), async {
            scope.reschedule(None)
        });
        assert!(moved && inner.unwrap_err().is_timed_out());
        Ok::<_, TaskError>(1)
    });
    let wakes = Arc::<Wakes>::default();
    assert!(poll_once(&mut outer, &wakes).is_pending());
    assert!(outer.scope().reschedule(past()));
    let woken = wakes.count();
    assert!(poll_once(&mut outer, &wakes).is_pending());
    assert!(wakes.count() > woken, "the inner one is to look again");
    assert!(matches!(poll_once(&mut outer, &wakes), Poll::Ready(Ok(1))));
}

/// A set of futures polls them with wakers of its own, and again if they wake themselves.
#[test]
fn in_a_set_of_futures_the_outer_one_raises_as_well() {
    for many in [1, 2, 3, 100] {
        let seen = Cell::new(0);
        let when = Instant::now() + SOON;
        let outer = timeout_at(when, async {
            let inner = (0..many).map(|_| timeout_at(when, never()));
            let mut inner: FuturesUnordered<_> = inner.collect();
            while inner.next().await.is_some() {
                seen.set(seen.get() + 1);
            }
            Ok::<_, TaskError>(())
        });
        assert!(run(outer).unwrap_err().is_timed_out());
        assert_eq!(seen.get(), 0, "what is between the two runs no further");
    }
}

/// Nobody comes back to the outer one before.
#[test]
fn who_blocks_within_a_scope_has_limits_of_its_own() {
    let outer = timeout_at(past(), async {
        let mut inner = timeout_at(past(), never());
        let wakes = Arc::<Wakes>::default();
        let raises = (0..100).find_map(|_| match poll_once(&mut inner, &wakes) {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => None,
        });
        assert!(raises.unwrap().unwrap_err().is_timed_out());
        Ok::<_, TaskError>(1)
    });
    assert_eq!(run(outer).unwrap(), 1, "what is ready counts, however late");
}

/// CPython: test_timeouts.py::test_reschedule
#[test]
fn a_limit_is_moved_from_within() {
    let away = timeout_scope(SOON, async |scope: TimeoutScope| {
        assert!(scope.reschedule(None));
        sleep(SOON * 2).await;
        Ok::<_, TaskError>(scope.when())
    });
    assert_eq!(run(away).unwrap(), None);

    let nearer = timeout_scope(None, async |scope: TimeoutScope| {
        assert!(scope.reschedule(Instant::now() + SOON));
        never().await
    });
    assert!(run(nearer).is_err());
}

#[test]
fn a_limit_is_moved_from_another_thread() {
    for first in [None, Some(DEADLINE * 10)] {
        let (tell, told) = mpsc::channel();
        let waiting = timeout(first, async move {
            tell.send(()).unwrap();
            never().await
        });
        let scope = waiting.scope();
        let mover = std::thread::spawn(move || {
            receive(&told);
            assert!(scope.reschedule(Instant::now() + SOON));
            scope
        });
        assert!(run(waiting).unwrap_err().is_timed_out());
        assert!(mover.join().unwrap().expired());
    }
}

#[test]
fn a_scope_that_has_ended_is_moved_no_more() {
    let late = timeout_at(past(), never());
    let scope = late.scope();
    run(late).unwrap_err();
    assert!(!scope.reschedule(None) && scope.expired());

    let mut in_time = timeout(None, async { Ok::<_, TaskError>(()) });
    let scope = in_time.scope();
    run(&mut in_time).unwrap();
    assert!(!scope.reschedule(past()) && !scope.expired());

    let dropped = timeout(None, never());
    let scope = dropped.scope();
    drop(dropped);
    assert!(!scope.reschedule(past()) && !scope.expired());
}

#[test]
fn what_is_ready_counts_however_late_it_is() {
    let wakes = Arc::<Wakes>::default();
    let (promise, task) = promise::<u8>("in the last moment");
    let mut waiting = timeout(None, task);
    assert!(poll_once(&mut waiting, &wakes).is_pending());
    promise.resolve(Ok(1));
    assert!(waiting.scope().reschedule(past()));
    let Poll::Ready(outcome) = poll_once(&mut waiting, &wakes) else {
        panic!("the value is there");
    };
    assert_eq!(outcome.unwrap(), 1);
    assert!(!waiting.scope().expired());
}

/// CPython: test_timeouts.py::test_outer_task_is_not_cancelled
#[test]
fn the_task_around_goes_on() {
    let task = create_task(async {
        assert!(timeout(SOON, never()).await.is_err());
        sleep(Duration::ZERO).await;
        current_task().expect("this one").settled()
    });
    assert_eq!(run(task).unwrap(), None);
}

/// The task that is awaited is cancelled, one that is held is not.
#[test]
fn what_it_awaits_is_cancelled() {
    let (canary, dropped) = Canary::new();
    let awaited = create_task(async move {
        let _canary = canary;
        pending::<()>().await;
    });
    let (go_on, may_go_on) = promise::<()>("go on");
    let (tell, told) = mpsc::channel();
    let held = create_task(async move {
        may_go_on.await.unwrap();
        tell.send(()).unwrap();
    });
    let error = run(timeout(SOON, async move {
        let _held = held;
        awaited.await
    }));
    assert!(error.unwrap_err().is_timed_out());
    receive(&dropped);
    go_on.resolve(Ok(()));
    receive(&told);
}

#[test]
fn dropping_it_drops_what_runs() {
    let (canary, dropped) = Canary::new();
    let mut waiting = timeout(DEADLINE, async move {
        let _canary = canary;
        never().await
    });
    let wakes = Arc::<Wakes>::default();
    assert!(poll_once(&mut waiting, &wakes).is_pending());
    drop(waiting);
    dropped.try_recv().expect("dropped with it");
}

#[test]
#[should_panic(expected = "polled after it was ready")]
fn polling_it_again_panics() {
    let mut waiting = timeout(None, async { Ok::<_, TaskError>(1) });
    run(&mut waiting).unwrap();
    let _ = run(&mut waiting);
}

/// A panic in `Drop` of what is dropped harms nobody.
#[test]
fn a_panic_in_drop_is_contained() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in drop");
        }
    }
    let waiting = timeout_at(past(), async {
        let _bomb = Bomb;
        never().await
    });
    assert!(run(waiting).unwrap_err().is_timed_out());
}

/// The waker is that of whoever awaits the scope: a panic of it is not the caller's.
#[test]
fn a_waker_that_panics_does_not_reach_who_moves_the_limit() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("a waker");
        }
    }
    let mut limited = timeout(None, never());
    let waker = Waker::from(Arc::new(Panics));
    let mut context = Context::from_waker(&waker);
    assert!(Pin::new(&mut limited).poll(&mut context).is_pending());
    assert!(limited.scope().reschedule(past()));
    assert!(run(limited).unwrap_err().is_timed_out());
}
