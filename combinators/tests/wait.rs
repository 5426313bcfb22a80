//! wait: `test_concurrent_futures/test_wait.py` and the `test_wait*` of asyncio's
//! `test_tasks.py`.

mod common;

use combinators::{ReturnWhen, Waited, ensure_future, wait};
use common::{Broken, Wakes, names, poll_once, promises, resolve_at_once, run};
use executor_core::{Task, TaskError, promise};
use futures::FutureExt as _;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

const NEVER: Duration = Duration::from_secs(3600);

fn now<T: Send + 'static>(waiting: impl Future<Output = Waited<T>>) -> Waited<T> {
    waiting.now_or_never().expect("it returns at once")
}

/// CPython: test_wait.py::test_first_completed, test_tasks.py::test_wait_first_completed
#[test]
fn first_completed_returns_on_the_first() {
    let (promises, tasks) = promises(3);
    let [a, b, c] = <[_; 3]>::try_from(promises).unwrap();
    let wakes = Arc::<Wakes>::default();
    let mut waiting = wait(tasks, ReturnWhen::FirstCompleted);
    assert!(poll_once(&mut waiting, &wakes).is_pending());
    b.resolve(Ok('b'));
    assert_eq!(wakes.count(), 1);
    let Poll::Ready(Waited { done, pending }) = poll_once(&mut waiting, &wakes) else {
        panic!("one is done");
    };
    assert_eq!(names(&done), ["1"]);
    assert_eq!(names(&pending), ["0", "2"]);
    a.resolve(Ok('a'));
    c.resolve(Ok('c'));
    assert_eq!(wakes.count(), 1, "it no longer listens");
}

/// CPython: test_wait.py::test_first_completed_some_already_completed
#[test]
fn first_completed_with_some_done_waits_for_nothing() {
    let (_keep, pending) = promise("pending");
    let done = Task::ready("done", Ok(1));
    let failed = Task::ready("failed", Err(TaskError::failed(Broken(1))));
    let waited = now(wait([pending, done, failed], ReturnWhen::FirstCompleted));
    assert_eq!(names(&waited.done), ["done", "failed"]);
    assert_eq!(names(&waited.pending), ["pending"]);
}

/// CPython: test_wait.py::test_first_exception,
/// test_tasks.py::test_wait_first_exception: a success does not end it, a failure does.
#[test]
fn first_exception_returns_on_the_first_failure() {
    let (promises, tasks) = promises::<u8>(4);
    let [a, b, c, _d] = <[_; 4]>::try_from(promises).unwrap();
    let wakes = Arc::<Wakes>::default();
    let mut waiting = wait(tasks, ReturnWhen::FirstException);
    assert!(poll_once(&mut waiting, &wakes).is_pending());
    a.resolve(Ok(1));
    assert!(poll_once(&mut waiting, &wakes).is_pending());
    assert_eq!(wakes.count(), 0);
    c.resolve(Err(TaskError::failed(Broken(3))));
    assert_eq!(wakes.count(), 1);
    let mut waited = run(waiting);
    assert_eq!(names(&waited.done), ["0", "2"]);
    assert_eq!(names(&waited.pending), ["1", "3"]);
    let error = waited.done[1].try_result().unwrap_err();
    assert_eq!(error.downcast::<Broken>().unwrap(), Broken(3));
    b.resolve(Ok(2));
}

/// asyncio's `_wait` asks `not f.cancelled() and f.exception() is not None`.
#[test]
fn a_cancellation_is_no_exception() {
    let (promises, tasks) = promises::<u8>(2);
    let [a, b] = <[_; 2]>::try_from(promises).unwrap();
    let wakes = Arc::<Wakes>::default();
    let mut waiting = wait(tasks, ReturnWhen::FirstException);
    assert!(poll_once(&mut waiting, &wakes).is_pending());
    a.resolve(Err(TaskError::cancelled("by the test")));
    assert!(poll_once(&mut waiting, &wakes).is_pending());
    assert_eq!(wakes.count(), 0);
    b.resolve(Ok(2));
    let waited = run(waiting);
    assert_eq!(names(&waited.done), ["0", "1"]);
    assert!(waited.done[0].is_cancelled());
}

/// CPython: test_wait.py::test_first_exception_one_already_failed,
/// test_tasks.py::test_wait_first_exception_in_wait
#[test]
fn first_exception_with_one_failed_waits_for_nothing() {
    let (_keep, pending) = promise::<u8>("pending");
    let failed = Task::ready("failed", Err(TaskError::failed(Broken(1))));
    let waited = now(wait([pending, failed], ReturnWhen::FirstException));
    assert_eq!(names(&waited.done), ["failed"]);
    assert_eq!(names(&waited.pending), ["pending"]);
}

/// CPython: test_wait.py::test_first_exception_some_already_complete: without a failure,
/// it is all.
#[test]
fn first_exception_without_failure_waits_for_all() {
    let (promise, later) = promise("later");
    let wakes = Arc::<Wakes>::default();
    let mut waiting = wait(
        [Task::ready("done", Ok(1)), later],
        ReturnWhen::FirstException,
    );
    assert!(poll_once(&mut waiting, &wakes).is_pending());
    promise.resolve(Ok(2));
    assert_eq!(run(waiting).done.len(), 2);
}

/// CPython: test_wait.py::test_all_completed, test_tasks.py::test_wait_with_exception:
/// failures and cancellations count as done.
#[test]
fn all_completed_counts_whatever_ends() {
    let (promises, tasks) = promises::<u8>(3);
    let [a, b, c] = <[_; 3]>::try_from(promises).unwrap();
    let wakes = Arc::<Wakes>::default();
    let mut waiting = wait(tasks, ReturnWhen::AllCompleted);
    assert!(poll_once(&mut waiting, &wakes).is_pending());
    b.resolve(Err(TaskError::failed(Broken(2))));
    a.resolve(Err(TaskError::cancelled("by the test")));
    assert!(poll_once(&mut waiting, &wakes).is_pending());
    assert_eq!(wakes.count(), 0);
    c.resolve(Ok(3));
    assert_eq!(wakes.count(), 1);
    let waited = run(waiting);
    assert_eq!(names(&waited.done), ["0", "1", "2"]);
    assert!(waited.pending.is_empty());
}

/// CPython: test_wait.py::test_timeout, test_tasks.py::test_wait_with_timeout: a
/// partition, no error, nothing cancelled.
#[test]
fn a_timeout_returns_the_partition_and_cancels_nothing() {
    for limit in [Duration::ZERO, Duration::from_millis(5)] {
        let (keep, pending) = promise("pending");
        let tasks = [pending, Task::ready("done", Ok(1))];
        let waited = run(wait(tasks, ReturnWhen::AllCompleted).timeout(limit));
        assert_eq!(names(&waited.done), ["done"]);
        assert_eq!(names(&waited.pending), ["pending"]);
        assert!(keep.is_pending());
        keep.resolve(Ok(2));
        let [pending] = <[_; 1]>::try_from(waited.pending).unwrap();
        assert_eq!(run(pending).unwrap(), 2);
    }
}

#[test]
fn a_timeout_that_does_not_pass_changes_nothing() {
    for limit in [NEVER, Duration::MAX] {
        let (promise, later) = promise("later");
        let wakes = Arc::<Wakes>::default();
        let mut waiting = wait([later], ReturnWhen::AllCompleted).timeout(limit);
        assert!(poll_once(&mut waiting, &wakes).is_pending());
        promise.resolve(Ok(1));
        assert_eq!(run(waiting).done.len(), 1);
    }
}

/// Python's asyncio raises; its concurrent.futures returns, and so do we.
#[test]
fn of_nothing_it_returns_at_once() {
    for when in [
        ReturnWhen::FirstCompleted,
        ReturnWhen::FirstException,
        ReturnWhen::AllCompleted,
    ] {
        let waited = now(wait(Vec::<Task<u8>>::new(), when));
        assert!(waited.done.is_empty() && waited.pending.is_empty());
    }
}

/// CPython: test_tasks.py::test_wait: what is pending can be awaited, and waited for
/// again; a second wait on what is done takes no time.
#[test]
fn tasks_are_whole_afterwards() {
    let (promises, tasks) = promises(3);
    let [a, b, c] = <[_; 3]>::try_from(promises).unwrap();
    a.resolve(Ok(0));
    let waited = now(wait(tasks, ReturnWhen::FirstCompleted));
    assert_eq!(
        names(&now(wait(waited.done, ReturnWhen::AllCompleted)).done),
        ["0"]
    );

    let wakes = Arc::<Wakes>::default();
    let mut again = wait(waited.pending, ReturnWhen::FirstCompleted);
    assert!(poll_once(&mut again, &wakes).is_pending());
    b.resolve(Ok(1));
    assert_eq!(wakes.count(), 1);
    let Waited { done, pending } = run(again);
    assert_eq!(names(&done), ["1"]);

    let [mut last] = <[_; 1]>::try_from(pending).unwrap();
    assert!(poll_once(&mut last, &wakes).is_pending());
    c.resolve(Ok(2));
    assert_eq!(wakes.count(), 2);
    assert_eq!(run(last).unwrap(), 2);
}

/// CPython: test_tasks.py::test_wait_with_iterator_of_tasks. Duplicates
/// (test_wait.py::test_20369) cannot be written, since a task has one owner.
#[test]
fn it_takes_any_iterator_and_gives_each_task_once() {
    let (_kept, tasks) = promises::<u8>(2);
    let done = (0..2).map(|n| Task::ready(format!("done {n}"), Ok(n)));
    let mixed = tasks.into_iter().chain(done);
    let waited = now(wait(mixed, ReturnWhen::FirstCompleted));
    assert_eq!(names(&waited.done), ["done 0", "done 1"]);
    assert_eq!(names(&waited.pending), ["0", "1"]);
    let again = waited.done.into_iter().chain(waited.pending);
    let again = now(wait(again, ReturnWhen::FirstCompleted));
    assert_eq!((again.done.len(), again.pending.len()), (2, 2));
}

/// CPython: test_tasks.py::test_wait_really_done: done before it returns is done, also
/// if something else ended the wait.
#[test]
fn what_is_done_by_the_time_it_returns_is_done() {
    let (promises, tasks) = promises(3);
    let wakes = Arc::<Wakes>::default();
    let mut waiting = wait(tasks, ReturnWhen::FirstCompleted);
    assert!(poll_once(&mut waiting, &wakes).is_pending());
    for (n, promise) in promises.into_iter().enumerate() {
        promise.resolve(Ok(n));
    }
    assert_eq!(wakes.count(), 1);
    assert_eq!(names(&run(waiting).done), ["0", "1", "2"]);
}

/// Seed 002: `b` fails first, `a` is still at it.
#[test]
fn coroutines_are_waited_for_as_tasks() {
    let (keep, go_on) = promise::<u8>("go on");
    let a = ensure_future(go_on);
    let b = ensure_future(async { Err::<u8, _>(Broken(1)) });
    let (a_id, b_id) = (a.id(), b.id());
    let waited = run(wait([a, b], ReturnWhen::FirstException));
    assert_eq!((waited.done[0].id(), waited.pending[0].id()), (b_id, a_id));
    assert!(keep.is_pending());
}

/// CPython: test_tasks.py::test_wait_concurrent_complete: no wake-up is lost while
/// several threads resolve hundreds of tasks, in every mode, and each comes back once.
#[test]
fn hundreds_finish_during_registration() {
    const THREADS: usize = 4;
    const EACH: usize = 100;
    const FAILS: usize = 2 * EACH + 70;
    let modes = [
        ReturnWhen::AllCompleted,
        ReturnWhen::FirstException,
        ReturnWhen::FirstCompleted,
    ];
    for round in 0..60 {
        let when = modes[round % modes.len()];
        let (promises, tasks) = promises(THREADS * EACH);
        let outcome = move |n| match (when, n) {
            (ReturnWhen::FirstException, FAILS) => Err(TaskError::failed(Broken(1))),
            _ => Ok(n % EACH),
        };
        let (start, resolvers) = resolve_at_once(promises, THREADS, outcome);
        start.wait();
        let mut tasks = tasks;
        let mut seen = 0;
        while !tasks.is_empty() {
            let Waited { done, pending } = run(wait(tasks, when));
            assert!(!done.is_empty());
            assert!(when != ReturnWhen::AllCompleted || pending.is_empty());
            seen += done.len();
            tasks = pending;
        }
        assert_eq!(seen, THREADS * EACH, "round {round}");
        resolvers.into_iter().for_each(|r| r.join().unwrap());
    }
}

/// Of thousands too: a cancellation is no failure, and an error ends it wherever it is.
#[test]
fn first_exception_hears_of_one_among_thousands() {
    let (mut promises, tasks) = promises::<u8>(10_000);
    let wakes = Arc::<Wakes>::default();
    let mut waiting = wait(tasks, ReturnWhen::FirstException);
    assert!(poll_once(&mut waiting, &wakes).is_pending());
    promises
        .remove(3000)
        .resolve(Err(TaskError::cancelled("by the test")));
    assert!(poll_once(&mut waiting, &wakes).is_pending());
    assert_eq!(wakes.count(), 0);
    promises
        .remove(7000)
        .resolve(Err(TaskError::failed(Broken(1))));
    assert_eq!(wakes.count(), 1);
    let Waited { done, pending } = run(waiting);
    assert_eq!((done.len(), pending.len()), (2, 9998));
    // What is pending may be waited for again, and is not told of the former wait.
    drop(promises);
    let Waited { done, pending } = run(wait(pending, ReturnWhen::AllCompleted));
    assert_eq!((done.len(), pending.len()), (9998, 0));
}

/// It is given back each task in its place, in whatever order they complete.
#[test]
fn thousands_are_waited_for_with_few_wake_ups() {
    let (promises, tasks) = promises::<usize>(10_000);
    let wakes = Arc::<Wakes>::default();
    let mut waiting = wait(tasks, ReturnWhen::AllCompleted);
    assert!(poll_once(&mut waiting, &wakes).is_pending());
    let (mut polls, mut waited) = (0, None);
    for (n, promise) in promises.into_iter().enumerate() {
        promise.resolve(Ok(n));
        while waited.is_none() && polls < wakes.count() {
            polls += 1;
            if let Poll::Ready(all) = poll_once(&mut waiting, &wakes) {
                waited = Some(all);
            }
        }
    }
    assert!(polls <= 20, "{polls} times");
    let done = waited.expect("woken for the last").done;
    assert!(
        done.into_iter()
            .map(|mut task| task.try_result().unwrap())
            .eq(0..10_000)
    );
}
