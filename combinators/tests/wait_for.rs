//! wait_for: asyncio's `test_waitfor.py`.

mod common;

use combinators::{create_task, sleep, wait_for};
use common::{Broken, Canary, DEADLINE, ThreadPerJob, receive, run};
use executor_core::{
    CancelOutcome, CancelToken, Control, Executor, ExecutorExt as _, Job, Promise, Shutdown,
    ShutdownReport, Task, TaskError, TaskErrorKind, promise, promise_with,
};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

const SOON: Duration = Duration::from_millis(5);

/// CPython: test_waitfor.py::test_wait_for, test_wait_for_race_condition
#[test]
fn in_time_it_gives_the_outcome() {
    let value = wait_for(async { Ok::<_, Broken>(7) }, DEADLINE);
    assert_eq!(run(value).unwrap(), 7);
    let error = run(wait_for(async { Err::<u8, _>(Broken(1)) }, Duration::MAX)).unwrap_err();
    assert_eq!(error.downcast::<Broken>().unwrap(), Broken(1));
    let (promise, task) = promise("task");
    promise.resolve(Ok(8));
    assert_eq!(run(wait_for(task, DEADLINE)).unwrap(), 8);
}

/// CPython: test_waitfor.py::test_wait_for_waits_for_task_cancellation,
/// test_asyncio_wait_for_timeout: when it returns, what the coroutine held is
/// released.
#[test]
fn late_it_cancels_the_coroutine_and_waits_for_its_end() {
    let (canary, dropped) = Canary::new();
    let waiting = wait_for(
        async move {
            let _canary = canary;
            futures::future::pending::<Result<(), TaskError>>().await
        },
        SOON,
    );
    let error = run(waiting).unwrap_err();
    assert_eq!(error.kind(), TaskErrorKind::TimedOut);
    assert!(error.task_name().unwrap().starts_with("Task-"));
    assert!(error.to_string().contains("5ms"), "{error}");
    dropped.try_recv().expect("dropped before it returns");
}

/// CPython: test_waitfor.py::test_wait_for_timeout_less_then_0_or_0_future_done
#[test]
fn a_limit_of_zero_gives_what_is_done() {
    let done = Task::ready("done", Ok(1));
    assert_eq!(run(wait_for(done, Duration::ZERO)).unwrap(), 1);
}

/// CPython:
/// test_waitfor.py::test_wait_for_timeout_less_then_0_or_0_coroutine_do_not_started
#[test]
fn a_limit_of_zero_starts_no_coroutine() {
    let started = Arc::new(AtomicBool::new(false));
    let tell = started.clone();
    let (canary, dropped) = Canary::new();
    let waiting = wait_for(
        async move {
            let _canary = canary;
            tell.store(true, Ordering::SeqCst);
            Ok::<_, TaskError>(())
        },
        Duration::ZERO,
    );
    dropped.try_recv().expect("dropped by the call");
    let error = run(waiting).unwrap_err();
    assert!(error.is_timed_out());
    assert!(error.task_name().unwrap().starts_with("Task-"));
    assert!(!started.load(Ordering::SeqCst));
}

/// CPython: test_waitfor.py::test_wait_for_blocking
#[test]
fn without_a_limit_it_waits() {
    let slow = async {
        sleep(SOON).await;
        Ok::<_, Broken>(1)
    };
    assert_eq!(run(wait_for(slow, None)).unwrap(), 1);
    let limit = None::<Duration>;
    let error = run(wait_for(async { Err::<u8, _>(Broken(2)) }, limit)).unwrap_err();
    assert_eq!(error.downcast::<Broken>().unwrap(), Broken(2));
}

/// CPython: test_waitfor.py::test_wait_for_timeout_less_then_0_or_0,
/// test_wait_for_waits_for_task_cancellation_w_timeout_0
#[test]
fn a_limit_of_zero_ends_a_coroutine_that_has_started() {
    let (canary, dropped) = Canary::new();
    let (tell, told) = mpsc::channel();
    let task = create_task(async move {
        let _canary = canary;
        tell.send(()).unwrap();
        futures::future::pending::<()>().await;
    });
    receive(&told);
    assert!(
        run(wait_for(task, Duration::ZERO))
            .unwrap_err()
            .is_timed_out()
    );
    dropped.try_recv().expect("dropped before it returns");
}

/// An executor whose workers never get round to a job.
#[derive(Default)]
struct Shelf(Mutex<Vec<Job>>);

impl Executor for Shelf {
    fn execute(&self, job: Job) {
        self.0.lock().unwrap().push(job);
    }
    fn shutdown(&self, _how: Shutdown) -> Task<ShutdownReport> {
        Task::ready("shutdown", Ok(ShutdownReport::default()))
    }
    fn concurrency(&self) -> usize {
        1
    }
}

impl Shelf {
    fn is_queued(&self) -> bool {
        self.0.lock().unwrap()[0].is_queued()
    }
}

fn echo(n: u8) -> u8 {
    n
}

#[test]
fn late_it_removes_a_queued_job() {
    for limit in [Duration::ZERO, SOON] {
        let shelf = Shelf::default();
        let error = run(wait_for(shelf.submit(echo, 1), limit)).unwrap_err();
        assert!(error.is_timed_out());
        assert!(error.task_name().unwrap().ends_with("echo"), "{error}");
        assert!(!shelf.is_queued());
    }
}

#[test]
fn of_a_function_on_a_thread_it_says_that_it_goes_on() {
    let (started, has_started) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let (finish, finished) = mpsc::channel();
    let task = ThreadPerJob::default().spawn(move || {
        started.send(()).unwrap();
        receive(&may_go_on);
        finish.send(()).unwrap();
    });
    receive(&has_started);
    let error = run(wait_for(task, SOON)).unwrap_err();
    assert!(error.is_timed_out());
    assert!(error.to_string().contains("goes on"), "{error}");
    go_on.send(()).unwrap();
    receive(&finished);
}

/// Unless it heeds its token: then its end is waited for.
#[test]
fn late_it_asks_a_function_on_a_thread_to_end() {
    let (started, has_started) = mpsc::channel();
    let (finish, finished) = mpsc::channel();
    let task = ThreadPerJob::default().spawn(move || {
        let token = CancelToken::current();
        started.send(()).unwrap();
        token.wait_timeout(DEADLINE);
        finish.send(()).unwrap();
        token.check()
    });
    receive(&has_started);
    let error = run(wait_for(task.flatten(), SOON)).unwrap_err();
    assert!(error.is_timed_out());
    finished.try_recv().expect("ended before it returns");
}

/// CPython: test_waitfor.py::test_cancel_wait_for, test_cancel_blocking_wait_for
#[test]
fn dropping_it_cancels_the_task() {
    let (canary, dropped) = Canary::new();
    let waiting = wait_for(
        async move {
            let _canary = canary;
            futures::future::pending::<Result<(), TaskError>>().await
        },
        DEADLINE,
    );
    drop(waiting);
    receive(&dropped);

    let shelf = Shelf::default();
    drop(wait_for(shelf.submit(echo, 1), DEADLINE));
    assert!(!shelf.is_queued());
}

/// A coroutine whose last words come while it is being cancelled.
struct LastWords(Mutex<Option<Speech>>);

type Speech = (Promise<u8>, Result<u8, TaskError>);

impl Control for LastWords {
    fn cancel(&self, _ticket: u64) -> CancelOutcome {
        if let Some((promise, outcome)) = self.0.lock().unwrap().take() {
            promise.resolve(outcome);
        }
        CancelOutcome::Requested
    }
    fn is_running(&self, _ticket: u64) -> bool {
        true
    }
}

fn with_last_words(outcome: Result<u8, TaskError>) -> Task<u8> {
    let control = Arc::new(LastWords(Mutex::new(None)));
    let (promise, task) = promise_with("speaker", control.clone(), 0);
    *control.0.lock().unwrap() = Some((promise, outcome));
    task
}

/// CPython: test_waitfor.py::test_wait_for_cancellation_race_condition,
/// test_wait_for_reraises_exception_during_cancellation
#[test]
fn what_completes_while_it_is_cancelled_keeps_its_outcome() {
    let value = wait_for(with_last_words(Ok(5)), SOON);
    assert_eq!(run(value).unwrap(), 5);
    let error = run(wait_for(
        with_last_words(Err(TaskError::failed(Broken(1)))),
        SOON,
    ));
    assert_eq!(error.unwrap_err().downcast::<Broken>().unwrap(), Broken(1));
    let error = run(wait_for(
        with_last_words(Err(TaskError::cancelled("so"))),
        SOON,
    ));
    assert!(error.unwrap_err().is_timed_out());
}

/// A task that ends when it is told to, and not when it is cancelled.
struct Deaf;

impl Control for Deaf {
    fn cancel(&self, _ticket: u64) -> CancelOutcome {
        CancelOutcome::Requested
    }
    fn is_running(&self, _ticket: u64) -> bool {
        true
    }
}

/// CPython: test_waitfor.py::test_asyncio_wait_for_cancelled,
/// test_wait_for_self_cancellation: whoever awaits it and is cancelled is done when
/// the task has ended, also where that had been cancelled already.
#[test]
fn a_coroutine_that_is_cancelled_waits_for_the_end_of_the_task() {
    for limit in [DEADLINE, Duration::ZERO] {
        let (promise, task) = promise_with::<u8>("deaf", Arc::new(Deaf), 0);
        let (begun, has_begun) = mpsc::channel();
        let (canary, dropped) = Canary::new();
        let mut outer = create_task(async move {
            let _canary = canary;
            let mut waiting = wait_for(task, limit);
            assert!(futures::poll!(&mut waiting).is_pending());
            begun.send(()).unwrap();
            waiting.await
        });
        receive(&has_begun);
        outer.cancel();
        receive(&dropped);
        assert!(outer.wait_timeout(SOON).is_none(), "the task goes on");
        promise.resolve(Ok(42));
        assert!(run(outer).unwrap_err().is_cancelled());
    }
}

/// A task that others cancel was cancelled, not late.
#[test]
fn a_cancellation_in_time_is_a_cancellation() {
    let task = create_task(futures::future::pending::<u8>());
    task.cancel();
    assert!(run(wait_for(task, DEADLINE)).unwrap_err().is_cancelled());
}

#[test]
#[should_panic(expected = "polled after it was ready")]
fn polling_it_again_panics() {
    let mut waiting = wait_for(Task::ready("done", Ok(1)), DEADLINE);
    run(&mut waiting).unwrap();
    let _ = run(&mut waiting);
}
