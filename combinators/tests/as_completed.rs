//! as_completed: `test_concurrent_futures/test_as_completed.py` and asyncio's
//! `test_as_completed*`.

mod common;

use combinators::as_completed;
use common::{Broken, Wakes, poll_once, promises, receive, resolve_at_once, run};
use executor_core::{Task, TaskError, promise};
use futures::stream::FusedStream as _;
use futures::{Stream as _, StreamExt as _};
use std::sync::{Arc, mpsc};
use std::task::Poll;

fn next_name<T: Send + 'static>(
    completed: &mut combinators::AsCompleted<T>,
    wakes: &Arc<Wakes>,
) -> Option<String> {
    match poll_once(&mut completed.next(), wakes) {
        Poll::Ready(Some(task)) => {
            assert!(task.is_done());
            Some(task.name().to_owned())
        }
        Poll::Ready(None) => panic!("the stream ended"),
        Poll::Pending => None,
    }
}

/// CPython: test_as_completed.py::test_no_timeout: each once, those that are done (or
/// cancelled) already first.
#[test]
fn done_tasks_come_first_then_completion_order() {
    let (promises, tasks) = promises(5);
    let [a, b, c, d, e] = <[_; 5]>::try_from(promises).unwrap();
    d.resolve(Err(TaskError::cancelled("by the test")));
    b.resolve(Ok(2));
    let mut completed = as_completed(tasks);
    assert_eq!(completed.size_hint(), (5, Some(5)));
    e.resolve(Ok(5));
    let wakes = Arc::<Wakes>::default();
    let mut next = || next_name(&mut completed, &wakes);
    assert_eq!(next().as_deref(), Some("1"));
    assert_eq!(next().as_deref(), Some("3"));
    assert_eq!(next().as_deref(), Some("4"));
    assert_eq!(next(), None);
    assert_eq!(wakes.count(), 0);
    c.resolve(Err(TaskError::failed(Broken(3))));
    assert_eq!(wakes.count(), 1);
    a.resolve(Ok(1));
    assert_eq!(next().as_deref(), Some("2"));
    assert_eq!(next().as_deref(), Some("0"));
    assert!(completed.is_terminated());
    assert!(run(completed.next()).is_none());
    assert!(run(completed.next()).is_none(), "it is fused");
}

/// CPython: test_tasks.py::test_as_completed_reverse_wait, in the form that a stream
/// gives it.
#[test]
fn a_task_that_is_yielded_has_its_outcome() {
    let (promises, tasks) = promises(3);
    let completed = as_completed(tasks);
    for (n, promise) in promises.into_iter().enumerate().rev() {
        promise.resolve(Ok(n));
    }
    let values: Vec<_> = run(completed.then(|task| task).map(Result::unwrap).collect());
    assert_eq!(values, [2, 1, 0]);
}

#[test]
fn of_nothing_it_ends_at_once() {
    let mut completed = as_completed(Vec::<Task<u8>>::new());
    assert!(completed.is_terminated());
    assert!(run(completed.next()).is_none());
}

#[test]
fn coroutines_start_with_the_call() {
    let (tell, told) = mpsc::channel();
    let completed = as_completed([1, 2].map(|n| {
        let tell = tell.clone();
        async move {
            tell.send(n).unwrap();
            if n == 1 { Ok(n) } else { Err(Broken(n)) }
        }
    }));
    receive(&told);
    receive(&told);
    let outcomes: Vec<_> = run(completed.then(|task| task).collect());
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(
        outcomes.iter().filter(|outcome| outcome.is_err()).count(),
        1
    );
}

#[test]
fn dropping_it_detaches_the_tasks() {
    let (keep, task) = promise::<()>("kept");
    let wakes = Arc::<Wakes>::default();
    let mut completed = as_completed([task]);
    assert!(next_name(&mut completed, &wakes).is_none());
    drop(completed);
    assert_eq!(Arc::strong_count(&wakes), 1, "whoever waited is forgotten");
    assert!(keep.is_pending());
    keep.resolve(Ok(()));
    assert_eq!(wakes.count(), 0);
}

/// CPython: test_tasks.py::test_as_completed_concurrent: each task once, while hundreds
/// are resolved by several threads.
#[test]
fn hundreds_finish_during_registration() {
    const THREADS: usize = 4;
    const EACH: usize = 100;
    for round in 0..50 {
        let (promises, tasks) = promises(THREADS * EACH);
        let (start, resolvers) = resolve_at_once(promises, THREADS, Ok);
        start.wait();
        let completed = as_completed(tasks).then(|task| task);
        let mut values: Vec<_> = run(completed.map(Result::unwrap).collect());
        values.sort_unstable();
        assert!(values.into_iter().eq(0..THREADS * EACH), "round {round}");
        resolvers.into_iter().for_each(|r| r.join().unwrap());
    }
}
