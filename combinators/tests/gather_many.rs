//! gather of thousands of tasks: how often it is woken, and what it leaves behind.

mod common;

use combinators::{gather, gather_settled};
use common::reports::{listen, once_about};
use common::{Broken, Wakes, poll_once, promises, run};
use executor_core::{Task, TaskError, current, promise};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

const MANY: usize = 10_000;

fn broken<T>(n: u32) -> Result<T, TaskError> {
    Err(TaskError::failed(Broken(n)))
}

/// Resolves the promises in the order of `places`, and polls whenever that wakes the
/// gather. The values, and how often it was polled.
fn resolve_in(places: impl IntoIterator<Item = usize>) -> (Vec<usize>, usize) {
    let (promises, tasks) = promises(MANY);
    let mut promises: Vec<_> = promises.into_iter().map(Some).collect();
    let wakes = Arc::<Wakes>::default();
    let mut gathering = gather(tasks);
    assert!(poll_once(&mut gathering, &wakes).is_pending());
    let mut polls = 0;
    for place in places {
        promises[place]
            .take()
            .expect("each once")
            .resolve(Ok(place));
        while polls < wakes.count() {
            polls += 1;
            if let Poll::Ready(values) = poll_once(&mut gathering, &wakes) {
                assert!(promises.iter().all(Option::is_none), "not before the last");
                return (values.unwrap(), polls);
            }
        }
    }
    panic!("not woken for the last");
}

#[test]
fn in_the_order_of_the_arguments_it_is_woken_a_few_times() {
    let (values, polls) = resolve_in(0..MANY);
    assert!(values.into_iter().eq(0..MANY));
    assert!(polls <= 20, "{polls} times");
}

#[test]
fn in_the_reverse_order_it_is_woken_for_the_first_few_of_them_only() {
    let (values, polls) = resolve_in((0..MANY).rev());
    assert!(values.into_iter().eq(0..MANY));
    assert!(polls <= MANY / 8, "{polls} times");
}

#[test]
fn in_any_other_order_it_is_woken_a_few_times() {
    // 7919 is prime, so this goes to every place once.
    let (values, polls) = resolve_in((0..MANY).map(|n| n * 7919 % MANY));
    assert!(values.into_iter().eq(0..MANY));
    assert!(polls <= 100, "{polls} times");
}

#[test]
fn who_is_dropped_in_the_middle_is_not_woken_any_more() {
    let wakes = Arc::<Wakes>::default();
    for settled in [false, true] {
        let (promises, tasks) = promises::<usize>(MANY);
        let mut promises = promises.into_iter();
        promises
            .by_ref()
            .take(10)
            .for_each(|promise| promise.resolve(Ok(1)));
        if settled {
            let mut gathering = gather_settled(tasks);
            assert!(poll_once(&mut gathering, &wakes).is_pending());
        } else {
            let mut gathering = gather(tasks);
            assert!(poll_once(&mut gathering, &wakes).is_pending());
        }
        assert_eq!(Arc::strong_count(&wakes), 1, "whoever waited is forgotten");
        promises.next().unwrap().resolve(broken(1));
        promises.for_each(|promise| promise.resolve(Ok(1)));
    }
    assert_eq!(wakes.count(), 0);
}

#[test]
fn the_one_who_polled_last_is_woken() {
    for fails in [false, true] {
        let (promises, tasks) = promises::<usize>(MANY);
        let (first, second) = <(Arc<Wakes>, Arc<Wakes>)>::default();
        let mut gathering = gather(tasks);
        assert!(poll_once(&mut gathering, &first).is_pending());
        assert!(poll_once(&mut gathering, &second).is_pending());
        assert_eq!(Arc::strong_count(&first), 1, "whoever waited is forgotten");
        for (n, promise) in promises.into_iter().enumerate() {
            promise.resolve(if fails && n == 100 { broken(1) } else { Ok(n) });
        }
        assert_eq!((first.count(), second.count()), (0, 1));
    }
}

#[test]
fn whoever_waited_for_one_of_them_before_is_told_no_more() {
    let (promises, mut tasks) = promises::<usize>(MANY);
    let before = Arc::<Wakes>::default();
    assert!(poll_once(&mut tasks[MANY / 2], &before).is_pending());
    let mut gathering = gather(tasks);
    assert!(poll_once(&mut gathering, &Arc::default()).is_pending());
    assert_eq!(Arc::strong_count(&before), 1, "whoever waited is forgotten");
    drop(promises);
    assert_eq!(before.count(), 0);
}

/// What was taken already is dropped with the gather, and harms nobody.
#[test]
fn values_that_panic_when_they_are_dropped_are_contained() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    #[derive(Debug)]
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, Ordering::SeqCst);
            panic!("in the drop of a value");
        }
    }
    for count in [3, 100] {
        let (promises, tasks) = promises(count);
        let mut gathering = gather(tasks);
        let mut promises = promises.into_iter();
        promises
            .by_ref()
            .take(2)
            .for_each(|promise| promise.resolve(Ok(Panics)));
        assert!(poll_once(&mut gathering, &Arc::default()).is_pending());
        promises.next().unwrap().resolve(broken(1));
        assert!(run(gathering).unwrap_err().is_failed());
    }
    assert_eq!(DROPPED.load(Ordering::SeqCst), 4);
}

/// CPython: test_tasks.py::GatherTestsBase::test_return_exceptions
#[test]
fn settled_gives_thousands_of_outcomes_in_their_places() {
    for cancels in [false, true] {
        let (promises, tasks) = promises(MANY);
        let wakes = Arc::<Wakes>::default();
        let mut gathering = match cancels {
            true => gather_settled(tasks).cancel_siblings(),
            false => gather_settled(tasks),
        };
        assert!(poll_once(&mut gathering, &wakes).is_pending());
        let fails = |n: usize| n % 1000 == 500;
        for (n, promise) in promises.into_iter().enumerate() {
            promise.resolve(if fails(n) { broken(1) } else { Ok(n) });
            if n % 700 == 0 {
                assert!(poll_once(&mut gathering, &wakes).is_pending());
            }
        }
        let outcomes = run(gathering);
        assert_eq!(outcomes.len(), MANY);
        for (n, outcome) in outcomes.into_iter().enumerate() {
            assert_eq!(outcome.ok(), (!fails(n)).then_some(n));
        }
    }
}

#[test]
fn an_error_that_a_dropped_gather_of_outcomes_passed_by_is_reported() {
    listen();
    let (_keep, pending) = promise::<u8>("pending");
    let passed_by = Task::ready("passed by", broken(1));
    let tasks = (0..100).map(|_| Task::ready("value", Ok(1)));
    let mut gathering = gather_settled(tasks.chain([passed_by, pending]));
    assert!(poll_once(&mut gathering, &Arc::default()).is_pending());
    drop(gathering);
    assert!(once_about("passed by").contains("never retrieved"));
}

#[test]
fn many_that_wait_for_themselves_are_told_so() {
    let (_promises, mut tasks) = promises::<u8>(MANY);
    let (_keep, itself) = promise::<u8>("itself");
    let reference = itself.reference();
    tasks.push(itself);
    let mut gathering = gather(tasks);
    let polled = current::enter(reference, || poll_once(&mut gathering, &Arc::default()));
    let Poll::Ready(Err(error)) = polled else {
        panic!("it would wait for ever");
    };
    assert!(error.is_would_deadlock());
}
