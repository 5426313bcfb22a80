//! The states of a task, and what can be asked of it in each: CPython's
//! `test_future.py::FutureTests`.

mod common;
mod manual;

use common::{DEADLINE, receive};
use executor_core::{
    CancelOutcome, ExecutorExt as _, Job, JobOptions, Settled, Task, TaskError, TaskErrorKind,
    TaskRef, promise,
};
use manual::Manual;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Barrier};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// One task in each state, which stays in it until this is dropped.
struct States {
    pending: Task<u8>,
    running: Task<u8>,
    cancelled: Task<u8>,
    failed: Task<u8>,
    finished: Task<u8>,
    _executor: Manual,
    release: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

fn states() -> States {
    let executor = Manual::default();
    let pending = executor.submit(|n: u8| n, 1);
    let cancelled = executor.submit(|n: u8| n, 1);
    assert_eq!(cancelled.cancel(), CancelOutcome::BeforeStart);
    let (release, released) = channel::<()>();
    let (tell, started) = channel();
    let closure = move || {
        tell.send(()).unwrap();
        let _ = released.recv_timeout(DEADLINE);
        1
    };
    let (job, running) = Job::from_closure(closure, JobOptions::default());
    let thread = std::thread::spawn(move || job.run());
    receive(&started);
    States {
        pending,
        running,
        cancelled,
        failed: Task::ready("failed", Err(TaskError::failed("no luck"))),
        finished: Task::ready("finished", Ok(42)),
        _executor: executor,
        release: Some(release),
        thread: Some(thread),
    }
}

impl States {
    fn each<R>(&mut self, f: impl Fn(&mut Task<u8>) -> R) -> [R; 5] {
        [
            &mut self.pending,
            &mut self.running,
            &mut self.cancelled,
            &mut self.failed,
            &mut self.finished,
        ]
        .map(f)
    }
}

impl Drop for States {
    fn drop(&mut self) {
        drop(self.release.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.failed.ignore_error();
    }
}

/// CPython: test_future.py::test_cancelled, test_done, test_running
#[test]
fn what_is_cancelled_done_or_running() {
    let mut states = states();
    let cancelled = states.each(|task| task.is_cancelled());
    assert_eq!(cancelled, [false, false, true, false, false]);
    let done = states.each(|task| task.is_done());
    assert_eq!(done, [false, false, true, true, true]);
    let running = states.each(|task| task.is_running());
    assert_eq!(running, [false, true, false, false, false]);
    let settled = states.each(|task| task.settled());
    let (cancelled, error) = (Some(Settled::Cancelled), Some(Settled::Error));
    assert_eq!(
        settled,
        [None, None, cancelled, error, Some(Settled::Value)]
    );
}

/// CPython: test_future.py::test_repr: the type of a result, not its value.
#[test]
fn the_state_shows_in_debug() {
    let shown = states().each(|task| format!("{task:?}"));
    let expected = [
        "state: pending",
        "state: running",
        "state: cancelled",
        "state: finished raised Failed",
        "state: finished returned u8",
    ];
    for (shown, expected) in shown.iter().zip(expected) {
        assert!(shown.contains(expected), "{shown}");
        assert!(!shown.contains("42"), "{shown}");
    }
}

/// CPython: test_future.py::test_cancel: only what has not started; the state of the
/// others is unchanged.
#[test]
fn what_can_be_cancelled() {
    let mut states = states();
    let outcomes = states.each(|task| task.cancel());
    assert_eq!(outcomes[0], CancelOutcome::BeforeStart);
    assert_eq!(outcomes[1..], [CancelOutcome::TooLate; 4]);
    let cancelled = states.each(|task| task.is_cancelled());
    assert_eq!(cancelled, [true, false, true, false, false]);
    assert!(states.running.is_running() && !states.running.is_done());
}

/// CPython: test_future.py::test_result_with_timeout, test_exception_with_timeout
#[test]
fn waiting_for_no_time_looks_at_how_things_stand() {
    let mut outcomes = states().each(|task| task.wait_timeout(Duration::ZERO));
    assert!(outcomes[0].is_none() && outcomes[1].is_none());
    let mut take = |n: usize| outcomes[n].take().unwrap();
    assert!(take(2).unwrap_err().is_cancelled());
    assert!(take(3).unwrap_err().is_failed());
    assert_eq!(take(4).unwrap(), 42);
}

/// Asking is an error where Python's is, and changes nothing.
#[test]
fn a_result_that_is_not_there_is_an_error() {
    let mut states = states();
    let outcomes = states.each(Task::try_result);
    let invalid = |n: usize| outcomes[n].as_ref().unwrap_err().is_invalid_state();
    assert_eq!([0, 1, 2, 3].map(invalid), [true, true, false, false]);
    assert_eq!(*outcomes[4].as_ref().unwrap(), 42);
    let again = states.each(|task| task.try_result().unwrap_err().is_invalid_state());
    assert_eq!(again, [true; 5], "a result is taken once");
}

/// The task, once a thread of its own blocks on it or is about to.
fn blocked(task: Task<u8>) -> JoinHandle<Result<u8, TaskError>> {
    let barrier = Arc::new(Barrier::new(2));
    let other = barrier.clone();
    let thread = std::thread::spawn(move || {
        other.wait();
        task.wait()
    });
    barrier.wait();
    thread
}

/// CPython: test_future.py::test_result_with_success, test_exception_with_success
#[test]
fn who_is_blocked_is_woken_by_the_outcome() {
    let (good, value) = promise("value");
    let (bad, error) = promise("error");
    let threads = [blocked(value), blocked(error)];
    good.resolve(Ok(42));
    bad.resolve(Err(TaskError::failed("no luck")));
    let [value, error] = threads.map(|thread| thread.join().unwrap());
    assert_eq!(value.unwrap(), 42);
    assert!(error.unwrap_err().is_failed());
}

/// CPython: test_future.py::test_result_with_cancel
#[test]
fn who_is_blocked_is_woken_by_a_cancellation() {
    let executor = Manual::default();
    let task = executor.submit(|n: u8| n, 1);
    let reference = task.reference();
    let thread = blocked(task);
    assert_eq!(reference.cancel(), CancelOutcome::BeforeStart);
    assert!(thread.join().unwrap().unwrap_err().is_cancelled());
}

/// CPython: test_future.py::test_done_callback_with_exception
#[test]
fn a_callback_sees_the_error() {
    let (promise, task) = promise::<u8>("p");
    let (tell, told) = channel();
    task.add_done_callback(move |outcome| {
        tell.send(outcome.unwrap_err().to_string()).unwrap();
    });
    promise.resolve(Err(TaskError::failed("no luck")));
    assert!(told.try_recv().unwrap().contains("no luck"));
}

/// CPython: test_future.py::test_done_callback_already_successful,
/// test_done_callback_already_failed, test_done_callback_already_cancelled
#[test]
fn a_callback_that_comes_late_runs_at_once_in_the_thread_that_adds_it() {
    let mut states = states();
    let (tell, told) = channel();
    for task in [&states.cancelled, &states.failed, &states.finished] {
        let tell = tell.clone();
        let here = std::thread::current().id();
        task.add_done_callback(move |outcome| {
            assert_eq!(std::thread::current().id(), here);
            tell.send(outcome.map_err(TaskError::kind).copied())
                .unwrap();
        });
    }
    let seen: Vec<_> = told.try_iter().collect();
    assert_eq!(
        seen,
        [
            Err(TaskErrorKind::Cancelled),
            Err(TaskErrorKind::Failed),
            Ok(42)
        ]
    );
    assert_eq!(
        states.finished.try_result().unwrap(),
        42,
        "it is still there"
    );
}

/// CPython: test_future.py::test_multiple_set_result: a promise is used up by
/// resolving it, so only a job's limit can come second.
#[test]
fn the_first_outcome_stays() {
    let (open, opened) = channel::<()>();
    let mut options = JobOptions::default();
    options.timeout = Some(Duration::from_millis(1));
    let closure = move || {
        let _ = opened.recv_timeout(DEADLINE);
        7_u8
    };
    let (job, mut task) = Job::from_closure(closure, options);
    let thread = std::thread::spawn(move || job.run());
    // Until the limit has passed; the outcome stays where it is.
    futures::executor::block_on(std::future::poll_fn(|cx| task.poll_done(cx)));
    assert_eq!(task.settled(), Some(Settled::Error));
    drop(open);
    thread.join().unwrap();
    assert_eq!(task.settled(), Some(Settled::Error));
    assert!(task.try_result().unwrap_err().is_timed_out());
}

/// CPython: test_future.py::test_get_snapshot: whoever looks sees one outcome, whole,
/// and never another.
#[test]
fn everybody_sees_the_same() {
    const READERS: usize = 4;
    let outcomes = [
        || Ok(1),
        || Err(TaskError::failed("no luck")),
        || Err(TaskError::cancelled("by the test")),
    ];
    for (outcome, expected) in
        outcomes
            .into_iter()
            .zip([Settled::Value, Settled::Error, Settled::Cancelled])
    {
        let (promise, task) = promise::<u8>("p");
        task.ignore_error();
        let barrier = Arc::new(Barrier::new(READERS + 1));
        let read = |_| {
            let (task, barrier) = (task.reference(), barrier.clone());
            std::thread::spawn(move || snapshots(&task, &barrier, expected))
        };
        let readers: Vec<_> = (0..READERS).map(read).collect();
        barrier.wait();
        promise.resolve(outcome());
        readers
            .into_iter()
            .for_each(|reader| reader.join().unwrap());
    }
}

fn snapshots(task: &TaskRef, barrier: &Barrier, expected: Settled) {
    barrier.wait();
    let end = Instant::now() + DEADLINE;
    let mut seen = 0;
    while seen < 1000 {
        match task.settled() {
            None => {
                assert_eq!(seen, 0, "it was done before");
                assert!(Instant::now() < end, "it is never resolved");
                std::thread::yield_now();
            }
            Some(settled) => {
                assert_eq!((settled, task.is_done()), (expected, true));
                seen += 1;
            }
        }
    }
}
