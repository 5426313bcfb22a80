//! limit: no more than so many tasks of a gather are unfinished at any time.

mod common;

use combinators::{gather, limit};
use common::{Broken, Canary, ThreadPerJob, Wakes, asked, poll_once, promises, receive, run};
use executor_core::{ExecutorExt as _, Inline, Task, TaskError, promise};
use futures::FutureExt as _;
use pool_thread::ThreadPool;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::Poll;

/// Hands tasks out one by one and counts how many.
fn counted<T: Send + 'static>(
    tasks: Vec<Task<T>>,
) -> (Arc<AtomicUsize>, impl Iterator<Item = Task<T>>) {
    let taken = Arc::<AtomicUsize>::default();
    let count = taken.clone();
    let tasks = tasks.into_iter().inspect(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
    });
    (taken, tasks)
}

#[test]
fn the_call_starts_the_first_and_each_that_is_done_makes_room_for_one() {
    let (promises, tasks) = promises(6);
    let (taken, tasks) = counted(tasks);
    let taken = || taken.load(Ordering::SeqCst);
    let wakes = Arc::<Wakes>::default();
    let mut gathering = limit(3).gather(tasks);
    assert_eq!(taken(), 3, "started by the call, and no more than that");
    assert!(poll_once(&mut gathering, &wakes).is_pending());
    assert_eq!(taken(), 3);
    let [a, b, c, d, e, f] = <[_; 6]>::try_from(promises).unwrap();
    b.resolve(Ok(1));
    assert_eq!((wakes.count(), taken()), (1, 3), "taken where it is polled");
    assert!(poll_once(&mut gathering, &wakes).is_pending());
    assert_eq!(taken(), 4);
    d.resolve(Ok(3));
    c.resolve(Ok(2));
    assert!(poll_once(&mut gathering, &wakes).is_pending());
    assert_eq!(taken(), 6);
    f.resolve(Ok(5));
    e.resolve(Ok(4));
    assert!(poll_once(&mut gathering, &wakes).is_pending());
    a.resolve(Ok(0));
    let Poll::Ready(values) = poll_once(&mut gathering, &wakes) else {
        panic!("all are done");
    };
    assert_eq!(
        values.unwrap(),
        [0, 1, 2, 3, 4, 5],
        "in the order of the iterator"
    );
}

#[test]
fn it_bounds_the_jobs_that_a_lazy_iterator_submits() {
    static RUNNING: AtomicUsize = AtomicUsize::new(0);
    let pool = ThreadPool::builder().max_workers(8).build().unwrap();
    let unfinished = Arc::<AtomicUsize>::default();
    let jobs = (0..200_u64).map(|n| {
        let before = unfinished.fetch_add(1, Ordering::SeqCst);
        assert!(before < 3, "{before} were unfinished");
        let task = pool.submit(
            |n: u64| {
                let running = RUNNING.fetch_add(1, Ordering::SeqCst);
                assert!(running < 3, "{running} run beside it");
                std::thread::yield_now();
                RUNNING.fetch_sub(1, Ordering::SeqCst);
                2 * n
            },
            n,
        );
        let unfinished = unfinished.clone();
        task.add_done_callback(move |_| {
            unfinished.fetch_sub(1, Ordering::SeqCst);
        });
        task
    });
    let values = run(limit(3).gather(jobs)).unwrap();
    assert!(values.into_iter().eq((0..200).map(|n| 2 * n)));
}

#[test]
fn the_first_failure_ends_it_and_nothing_more_is_taken() {
    let (sibling, running) = asked("running");
    let (promise, fails) = promise::<u8>("fails");
    let (_kept, next) = asked("next");
    let (taken, tasks) = counted(vec![running, fails, next]);
    let (canary, dropped) = Canary::new();
    let tasks = tasks.inspect(move |_| {
        let _ = &canary;
    });
    let mut gathering = limit(2).gather(tasks);
    assert!(poll_once(&mut gathering, &Arc::default()).is_pending());
    promise.resolve(Err(TaskError::failed(Broken(1))));
    let error = run(&mut gathering).unwrap_err();
    assert_eq!(error.task_name(), Some("fails"));
    assert_eq!(error.downcast::<Broken>().unwrap(), Broken(1));
    assert_eq!(taken.load(Ordering::SeqCst), 2);
    receive(&dropped);
    assert!(!sibling.was_cancelled());
}

#[test]
fn with_cancel_siblings_a_failure_cancels_what_runs() {
    let (sibling, running) = asked::<u8>("running");
    let fails = Task::ready("fails", Err(TaskError::failed(Broken(1))));
    let gathering = limit(2).gather([running, fails]).cancel_siblings();
    assert!(run(gathering).is_err());
    assert!(sibling.was_cancelled());
}

#[test]
fn settled_gives_each_outcome_in_its_place() {
    let parse = |text: &'static str| async move { text.parse::<u8>() };
    for n in [1, 2, 3, 100, usize::MAX] {
        let outcomes = run(limit(n).gather_settled(["0", "x", "2", "y", "4"].map(parse)));
        let values: Vec<_> = outcomes.into_iter().map(Result::ok).collect();
        assert_eq!(values, [Some(0), None, Some(2), None, Some(4)]);
    }
}

#[test]
fn settled_with_cancel_siblings_gives_what_was_started() {
    let (sibling, running) = asked::<u8>("running");
    let (_other, never) = asked("never taken");
    let fails = Task::ready("fails", Err(TaskError::failed(Broken(1))));
    let (taken, tasks) = counted(vec![running, fails, never]);
    let mut gathering = limit(2).gather_settled(tasks).cancel_siblings();
    assert!(poll_once(&mut gathering, &Arc::default()).is_pending());
    assert!(sibling.was_cancelled());
    sibling.resolve(Err(TaskError::cancelled("by the gather")));
    let outcomes = run(gathering);
    assert!(outcomes[0].as_ref().unwrap_err().is_cancelled());
    assert!(outcomes[1].as_ref().unwrap_err().is_failed());
    assert_eq!((outcomes.len(), taken.load(Ordering::SeqCst)), (2, 2));
}

#[test]
fn dropping_it_detaches_unless_told_otherwise() {
    for cancels in [false, true] {
        let (sibling, running) = asked::<u8>("running");
        let (_other, next) = asked("next");
        let (taken, tasks) = counted(vec![running, next]);
        let gathering = limit(1).gather(tasks);
        let mut gathering = match cancels {
            true => gathering.cancel_on_drop(),
            false => gathering,
        };
        let wakes = Arc::<Wakes>::default();
        assert!(poll_once(&mut gathering, &wakes).is_pending());
        drop(gathering);
        assert_eq!(sibling.was_cancelled(), cancels);
        assert_eq!(taken.load(Ordering::SeqCst), 1, "nothing more is started");
        assert_eq!(Arc::strong_count(&wakes), 1, "whoever waited is forgotten");
    }
}

#[test]
fn a_limit_of_zero_is_an_error_and_not_a_hang() {
    let untouched = || std::iter::from_fn(|| -> Option<Task<u8>> { panic!("nothing is taken") });
    let error = run(limit(0).gather(untouched())).unwrap_err();
    assert!(error.is_rejected(), "{error}");
    assert!(error.to_string().contains("greater than 0"), "{error}");
    let outcomes = run(limit(0).gather_settled(untouched()));
    assert_eq!(outcomes.len(), 1);
    assert!(outcomes[0].as_ref().unwrap_err().is_rejected());
}

#[test]
fn of_nothing_or_of_what_is_done_it_is_ready_at_once() {
    let none: [Task<u8>; 0] = [];
    assert!(
        limit(2)
            .gather(none)
            .now_or_never()
            .unwrap()
            .unwrap()
            .is_empty()
    );
    let inline = Inline::new();
    let jobs = (0..1000_u64).map(|n| inline.submit(|n: u64| n, n));
    let values = limit(2).gather(jobs).now_or_never().unwrap().unwrap();
    assert!(values.into_iter().eq(0..1000));
}

/// What is done is not kept, but for its value.
#[test]
fn a_task_that_is_done_is_released_while_the_others_run() {
    let (tell, told) = mpsc::channel();
    let (keep, last) = promise("last");
    let (promise, first) = promise::<u8>("first");
    first.add_done_callback(move |_| tell.send(()).unwrap());
    let reference = first.reference();
    let mut gathering = limit(2).gather([first, last]);
    promise.resolve(Ok(1));
    receive(&told);
    assert!(poll_once(&mut gathering, &Arc::default()).is_pending());
    assert!(format!("{gathering:?}").contains("last"));
    assert!(!format!("{gathering:?}").contains("first"));
    assert!(reference.is_done());
    keep.resolve(Ok(2));
    assert_eq!(run(gathering).unwrap(), [1, 2]);
}

#[test]
#[should_panic(expected = "polled after it was ready")]
fn polling_it_again_panics() {
    let mut gathering = limit(1).gather([Task::ready("done", Ok(()))]);
    run(&mut gathering).unwrap();
    let _ = run(&mut gathering);
}

/// Each result once and in its place, with jobs on many threads and coroutines that
/// await them.
#[test]
fn hundreds_come_and_go() {
    let pool = Arc::new(ThreadPerJob::default());
    for round in [1, 2, 7, 64] {
        let jobs = (0..200_u64).map(|n| {
            let pool = pool.clone();
            async move {
                let halves = [n / 2, n - n / 2].map(|n| pool.submit(|n: u64| n, n));
                gather(halves)
                    .await
                    .map(|halves| halves.iter().sum::<u64>())
            }
        });
        let values = run(limit(round).gather(jobs)).unwrap();
        assert!(values.into_iter().eq(0..200), "limit({round})");
    }
}
