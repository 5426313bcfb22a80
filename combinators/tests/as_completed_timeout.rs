//! as_completed with a limit: `test_future_times_out` and its like.

mod common;

use combinators::{as_completed, gather};
use common::{Wakes, names, poll_once, promises, run};
use executor_core::{Task, TaskError, promise};
use futures::stream::FusedStream as _;
use futures::{Stream as _, StreamExt as _};
use std::sync::Arc;
use std::time::Duration;

const NEVER: Duration = Duration::from_secs(3600);

/// CPython: test_as_completed.py::test_future_times_out
#[test]
fn what_is_done_comes_first_and_then_the_error() {
    for limit in [Duration::ZERO, Duration::from_millis(10)] {
        let (_keep, pending) = promise("pending");
        let failed = Task::ready("failed", Err(TaskError::failed("no luck")));
        let tasks = [Task::ready("done", Ok(1)), pending, failed];
        let mut completed = as_completed(tasks).timeout(limit);
        let mut next = || run(completed.next());
        assert_eq!(next().unwrap().unwrap().name(), "done");
        assert_eq!(next().unwrap().unwrap().name(), "failed");
        let error = next().unwrap().unwrap_err();
        assert!(error.is_timed_out());
        assert!(next().is_none(), "it ends with that");
        assert!(next().is_none() && completed.is_terminated());
    }
}

/// CPython: test_as_completed.py::test_correct_timeout_exception_msg
#[test]
fn the_error_says_how_many_are_left_of_how_many() {
    let (_kept, mut tasks) = promises(2);
    tasks.extend(["2", "3"].map(|n| Task::ready(n, Ok(()))));
    let items: Vec<_> = run(as_completed(tasks).timeout(Duration::ZERO).collect());
    let error = items[2].as_ref().unwrap_err().to_string();
    assert!(error.contains("2 (of 4) tasks unfinished"), "{error}");
    assert_eq!(items.len(), 3);
}

/// CPython: test_tasks.py::test_as_completed_with_unused_timeout
#[test]
fn a_limit_that_does_not_pass_changes_nothing() {
    for limit in [NEVER, Duration::MAX] {
        let (promises, tasks) = promises(3);
        let mut completed = as_completed(tasks).timeout(limit);
        assert_eq!(completed.size_hint(), (1, Some(4)));
        assert!(poll_once(&mut completed.next(), &Arc::default()).is_pending());
        for (n, promise) in promises.into_iter().enumerate().rev() {
            promise.resolve(Ok(n));
        }
        let names: Vec<_> = run(completed
            .map(|task| task.unwrap().name().to_owned())
            .collect());
        assert_eq!(names, ["2", "1", "0"]);
    }
}

/// What completes before the stream is read counts, however late that is.
#[test]
fn what_is_done_by_the_time_it_is_read_is_no_failure() {
    let (promises, tasks) = promises(2);
    let mut completed = as_completed(tasks).timeout(Duration::ZERO);
    for promise in promises {
        promise.resolve(Ok(()));
    }
    assert!(run(completed.next()).unwrap().is_ok());
    assert!(run(completed.next()).unwrap().is_ok());
    assert!(run(completed.next()).is_none());
}

/// CPython: test_tasks.py::test_as_completed_with_timeout: nothing is cancelled.
#[test]
fn the_unfinished_tasks_come_back_whole() {
    let (promises, tasks) = promises(3);
    let [a, b, c] = <[_; 3]>::try_from(promises).unwrap();
    b.resolve(Ok(1));
    let mut completed = as_completed(tasks).timeout(Duration::from_millis(5));
    assert!(run(completed.next()).unwrap().is_ok());
    assert!(run(completed.next()).unwrap().is_err());
    let pending = completed.into_pending();
    assert_eq!(names(&pending), ["0", "2"]);
    assert!(a.is_pending() && c.is_pending());
    a.resolve(Ok(0));
    c.resolve(Ok(2));
    assert_eq!(run(gather(pending)).unwrap(), [0, 2]);
}

#[test]
fn tasks_come_back_without_a_limit_too() {
    let (promises, tasks) = promises(2);
    let wakes = Arc::<Wakes>::default();
    let mut completed = as_completed(tasks);
    assert!(poll_once(&mut completed.next(), &wakes).is_pending());
    let pending = completed.into_pending();
    assert_eq!(Arc::strong_count(&wakes), 1, "whoever waited is forgotten");
    for promise in promises {
        promise.resolve(Ok(()));
    }
    assert_eq!((names(&pending), wakes.count()), (vec!["0", "1"], 0));
}

#[test]
fn of_nothing_it_ends_without_an_error() {
    let mut completed = as_completed(Vec::<Task<u8>>::new()).timeout(Duration::ZERO);
    assert!(completed.is_terminated());
    assert!(run(completed.next()).is_none());
}
