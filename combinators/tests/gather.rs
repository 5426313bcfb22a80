//! gather: asyncio's `GatherTestsBase`, `FutureGatherTests` and
//! `CoroutineGatherTests`.

mod common;

use combinators::{ensure_future, gather, gather_settled};
use common::{
    Broken, Canary, ThreadPerJob, Wakes, poll_once, promises, receive, resolve_at_once, run,
};
use executor_core::{BoxError, Executor, ExecutorExt as _, Inline, Task, TaskError, promise};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use std::sync::{Arc, mpsc};
use std::task::Poll;

/// CPython: test_tasks.py::GatherTestsBase::test_success: argument order, and not
/// before the last.
#[test]
fn values_come_in_argument_order_once_the_last_is_in() {
    let (promises, tasks) = promises(3);
    let [a, b, c] = <[_; 3]>::try_from(promises).unwrap();
    let wakes = Arc::<Wakes>::default();
    let mut gathering = gather(tasks);
    assert!(poll_once(&mut gathering, &wakes).is_pending());
    b.resolve(Ok('b'));
    c.resolve(Ok('c'));
    assert!(poll_once(&mut gathering, &wakes).is_pending());
    assert_eq!(wakes.count(), 0, "woken before the end");
    a.resolve(Ok('a'));
    assert_eq!(wakes.count(), 1);
    let Poll::Ready(values) = poll_once(&mut gathering, &wakes) else {
        panic!("all are done");
    };
    assert_eq!(values.unwrap(), ['a', 'b', 'c']);
}

/// CPython: test_tasks.py::GatherTestsBase::test_one_exception: the first failure
/// ends it at once; later events of the others are ignored.
#[test]
fn the_first_failure_ends_it_and_leaves_the_others_running() {
    let (promises, tasks) = promises::<u8>(5);
    let [a, b, c, d, e] = <[_; 5]>::try_from(promises).unwrap();
    let wakes = Arc::<Wakes>::default();
    let mut gathering = gather(tasks);
    assert!(poll_once(&mut gathering, &wakes).is_pending());
    c.resolve(Ok(3));
    assert!(poll_once(&mut gathering, &wakes).is_pending());
    b.resolve(Err(TaskError::failed(Broken(1))));
    a.resolve(Err(TaskError::failed(Broken(2))));
    assert_eq!(wakes.count(), 1);
    let Poll::Ready(outcome) = poll_once(&mut gathering, &wakes) else {
        panic!("one has failed");
    };
    let error = outcome.unwrap_err();
    assert_eq!(error.task_name(), Some("1"));
    assert_eq!(error.downcast::<Broken>().unwrap(), Broken(1));
    assert!(d.is_pending() && e.is_pending());
    d.resolve(Ok(4));
    e.resolve(Err(TaskError::failed(Broken(5))));
    assert_eq!(wakes.count(), 1);
}

#[test]
fn siblings_of_a_failure_run_to_their_end() {
    let (finish, finished) = mpsc::channel();
    let (go_on, may_go_on) = promise::<()>("go on");
    let sibling = ensure_future(async move {
        may_go_on.await?;
        finish.send(()).unwrap();
        Ok::<_, TaskError>(0_u8)
    });
    let failed = ensure_future(async { Err::<u8, _>(Broken(1)) });
    assert!(run(gather([sibling, failed])).is_err());
    go_on.resolve(Ok(()));
    receive(&finished);
}

/// The opt-in to the other rule is the tasks' own.
#[test]
fn siblings_with_cancel_on_drop_are_cancelled() {
    let (canary, dropped) = Canary::new();
    let sibling = ensure_future(async move {
        let _canary = canary;
        futures::future::pending::<Result<u8, TaskError>>().await
    });
    let failed = ensure_future(async { Err::<u8, _>(Broken(1)) });
    assert!(run(gather([sibling.cancel_on_drop(), failed])).is_err());
    receive(&dropped);
}

/// CPython: test_tasks.py::GatherTestsBase::test_one_cancellation
#[test]
fn a_cancellation_ends_it_like_a_failure() {
    let (keep, pending) = promise::<u8>("pending");
    let cancelled = ensure_future(futures::future::pending::<Result<u8, TaskError>>());
    cancelled.cancel();
    let outcome = run(gather([pending, cancelled]));
    assert!(outcome.unwrap_err().is_cancelled());
    assert!(keep.is_pending());
}

/// CPython: test_tasks.py::GatherTestsBase::test_return_exceptions,
/// test_result_exception_one_cancellation
#[test]
fn settled_gives_errors_and_cancellations_in_their_places() {
    let (promises, tasks) = promises(4);
    let [a, b, c, d] = <[_; 4]>::try_from(promises).unwrap();
    let wakes = Arc::<Wakes>::default();
    let mut gathering = gather_settled(tasks);
    assert!(poll_once(&mut gathering, &wakes).is_pending());
    d.resolve(Err(TaskError::cancelled("by the test")));
    c.resolve(Ok(3));
    b.resolve(Err(TaskError::failed(Broken(2))));
    assert!(poll_once(&mut gathering, &wakes).is_pending());
    assert_eq!(wakes.count(), 0, "a failure is no end");
    a.resolve(Ok(1));
    assert_eq!(wakes.count(), 1);
    let outcomes = run(gathering);
    assert_eq!(*outcomes[0].as_ref().unwrap(), 1);
    let error = outcomes[1].as_ref().unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&Broken(2)));
    assert_eq!(*outcomes[2].as_ref().unwrap(), 3);
    assert!(outcomes[3].as_ref().unwrap_err().is_cancelled());
}

/// CPython: test_tasks.py::FutureGatherTests::test_constructor_empty_sequence
#[test]
fn of_nothing_it_is_ready_at_once() {
    let none: [Task<u8>; 0] = [];
    assert_eq!(gather(none).now_or_never().unwrap().unwrap(), [0_u8; 0]);
    let none: Vec<Task<u8>> = Vec::new();
    assert!(gather_settled(none).now_or_never().unwrap().is_empty());
}

#[test]
fn what_is_done_already_is_ready_at_the_first_poll() {
    let inline = Inline::new();
    let tasks = (0..100_u64).map(|n| inline.submit(|n: u64| n, n));
    let values = gather(tasks).now_or_never().unwrap().unwrap();
    assert!(values.into_iter().eq(0..100));
}

#[test]
fn of_several_that_had_failed_the_first_argument_counts() {
    let (keep, pending) = promise::<()>("pending");
    let failed = |n| Task::ready(n, Err(TaskError::failed(Broken(1))));
    let gathering = gather([pending, failed("first"), failed("second")]);
    let error = gathering.now_or_never().unwrap().unwrap_err();
    assert_eq!(error.task_name(), Some("first"));
    assert!(keep.is_pending());
}

#[test]
fn it_takes_coroutines_of_any_error_type() {
    let with_error = (0..4).map(|n| async move { Ok::<_, Broken>(n) });
    assert_eq!(run(gather(with_error)).unwrap(), [0, 1, 2, 3]);
    let with_text = (0..4).map(|n| async move { if n == 2 { Err("two") } else { Ok(n) } });
    let error = run(gather(with_text)).unwrap_err();
    assert!(error.is_failed() && error.to_string().contains("two"));
    let boxed: Vec<BoxFuture<'static, Result<u8, BoxError>>> = vec![
        Box::pin(async { Ok("1".parse()?) }),
        Box::pin(async { Ok(2) }),
    ];
    assert_eq!(run(gather(boxed)).unwrap(), [1, 2]);
}

#[test]
fn coroutines_start_with_the_call_before_any_poll() {
    let (tell, told) = mpsc::channel();
    let gathering = gather((0..3).map(|n| {
        let tell = tell.clone();
        async move {
            tell.send(n).unwrap();
            Ok::<_, TaskError>(n)
        }
    }));
    let mut started: Vec<_> = (0..3).map(|_| receive(&told)).collect();
    started.sort_unstable();
    assert_eq!(started, [0, 1, 2]);
    assert_eq!(run(gathering).unwrap(), [0, 1, 2]);
}

#[test]
fn dropping_it_detaches_the_tasks() {
    let (finish, finished) = mpsc::channel();
    let (go_on, may_go_on) = promise::<()>("go on");
    let wakes = Arc::<Wakes>::default();
    let mut gathering = gather([async move {
        may_go_on.await?;
        finish.send(()).unwrap();
        Ok::<_, TaskError>(())
    }]);
    assert!(poll_once(&mut gathering, &wakes).is_pending());
    drop(gathering);
    assert_eq!(Arc::strong_count(&wakes), 1, "whoever waited is forgotten");
    go_on.resolve(Ok(()));
    receive(&finished);
}

#[test]
fn a_value_that_was_taken_before_is_an_error() {
    let mut task = Inline::new().submit(|n: u8| n, 1);
    task.try_result().unwrap();
    let error = run(gather([task])).unwrap_err();
    assert!(error.is_invalid_state());
}

#[test]
#[should_panic(expected = "polled after it was ready")]
fn polling_it_again_panics() {
    let mut gathering = gather([Task::ready("done", Ok(()))]);
    run(&mut gathering).unwrap();
    let _ = run(&mut gathering);
}

fn blocks(n: u64) -> u64 {
    n * n
}

async fn run_blocking_tasks(executor: &dyn Executor) -> Result<Vec<u64>, TaskError> {
    gather((0..6).map(|n| executor.submit(blocks, n))).await
}

/// CPython: test_tasks.py::FutureGatherTests::test_constructor_heterogenous_futures: of
/// any executor, where Python asks for one loop. It is the program of the seeds.
#[test]
fn it_takes_jobs_of_any_executor() {
    for executor in [&Inline::new() as &dyn Executor, &ThreadPerJob::default()] {
        let squares = run(run_blocking_tasks(executor)).unwrap();
        assert_eq!(squares, [0, 1, 4, 9, 16, 25]);
    }
}

/// CPython: executor.py::test_swallows_falsey_exceptions: an error that carries nothing
/// is an error all the same.
#[test]
fn an_empty_error_is_a_failure() {
    #[derive(Debug)]
    struct Empty;
    impl std::fmt::Display for Empty {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            Ok(())
        }
    }
    impl std::error::Error for Empty {}
    let fails = || async { Err::<u8, _>(Empty) };
    assert!(
        run(gather([fails()]))
            .unwrap_err()
            .downcast::<Empty>()
            .is_ok()
    );
    let error = run(gather((fails(), async { Ok::<_, Empty>(1) }))).unwrap_err();
    assert!(error.downcast::<Empty>().is_ok());
    assert!(
        run(gather([async { Err::<u8, _>("") }]))
            .unwrap_err()
            .is_failed()
    );
}

/// No wake-up is lost, and no task is counted twice, when hundreds of tasks are
/// resolved by several threads while the gather registers with them.
#[test]
fn hundreds_finish_during_registration() {
    const THREADS: usize = 4;
    const EACH: usize = 100;
    for round in 0..50 {
        let (promises, tasks) = promises(THREADS * EACH);
        let (start, resolvers) = resolve_at_once(promises, THREADS, Ok);
        let gathering = gather(tasks);
        start.wait();
        let values = run(gathering).unwrap();
        assert!(values.into_iter().eq(0..THREADS * EACH), "round {round}");
        resolvers.into_iter().for_each(|r| r.join().unwrap());
    }
}
