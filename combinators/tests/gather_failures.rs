//! gather of thousands of tasks: what it hears of failures, its own and others'.

mod common;

use combinators::gather;
use common::{Broken, DEADLINE, Wakes, poll_once, promises, run};
use executor_core::{Promise, Task, TaskError, promise};
use pool_thread::ThreadPool;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};

const MANY: usize = 10_000;

fn broken<T>(n: u32) -> Result<T, TaskError> {
    Err(TaskError::failed(Broken(n)))
}

/// CPython: test_tasks.py::GatherTestsBase::test_one_exception, test_one_cancellation:
/// at once, also where nobody is waited for just now.
#[test]
fn a_failure_anywhere_ends_it_at_once() {
    let outcome = |cancelled| match cancelled {
        true => Err(TaskError::cancelled("by the test")),
        false => broken(1),
    };
    for (place, cancelled) in [
        (1, false),
        (MANY / 2, false),
        (MANY / 2, true),
        (MANY - 1, true),
    ] {
        let (mut promises, tasks) = promises::<u8>(MANY);
        let wakes = Arc::<Wakes>::default();
        let mut gathering = gather(tasks);
        assert!(poll_once(&mut gathering, &wakes).is_pending());
        let fails = promises.remove(place);
        fails.resolve(outcome(cancelled));
        assert_eq!(wakes.count(), 1);
        let Poll::Ready(Err(error)) = poll_once(&mut gathering, &wakes) else {
            panic!("one has failed");
        };
        assert_eq!(error.task_name(), Some(&*place.to_string()));
        assert_eq!(error.is_cancelled(), cancelled);
        assert!(promises.iter().all(Promise::is_pending));
    }
}

#[test]
fn of_several_failures_the_one_that_came_first_counts() {
    let (mut promises, tasks) = promises::<u8>(MANY);
    let wakes = Arc::<Wakes>::default();
    let mut gathering = gather(tasks);
    assert!(poll_once(&mut gathering, &wakes).is_pending());
    promises.remove(7000).resolve(broken(1));
    promises.remove(10).resolve(broken(2));
    assert_eq!(wakes.count(), 1);
    let error = run(gathering).unwrap_err();
    assert_eq!(error.downcast::<Broken>().unwrap(), Broken(1));
}

#[test]
fn a_failure_before_the_first_poll_is_found_behind_pending_ones() {
    let (mut promises, tasks) = promises::<u8>(MANY);
    promises.remove(MANY / 2).resolve(broken(1));
    assert!(run(gather(tasks)).unwrap_err().is_failed());
}

/// A job that panics resolves in another way than a promise.
#[test]
fn a_job_that_panics_ends_it_while_the_first_still_runs() {
    let pool = ThreadPool::builder().max_workers(2).build().unwrap();
    let (release, released) = mpsc::channel::<()>();
    let first = pool.spawn(move || {
        let _ = released.recv_timeout(DEADLINE);
        0
    });
    let rest = (1..500).map(|n| pool.spawn(move || if n == 300 { panic!("at 300") } else { n }));
    let error = run(gather(std::iter::once(first).chain(rest))).unwrap_err();
    assert!(error.is_panicked() && error.to_string().contains("at 300"));
    drop(release);
}

/// Tasks of two gathers that stand side by side in memory.
#[test]
fn a_failure_of_another_gather_is_none_of_its_own() {
    for fails_too in [false, true] {
        let (promises, tasks) = promises::<usize>(2 * MANY);
        let (mut ours, mut others) = (Vec::new(), Vec::new());
        for (n, pair) in promises.into_iter().zip(tasks).enumerate() {
            if n % 2 == 0 { &mut ours } else { &mut others }.push(pair);
        }
        let (ours, our_tasks): (Vec<_>, Vec<_>) = ours.into_iter().unzip();
        let (mut others, other_tasks): (Vec<_>, Vec<_>) = others.into_iter().unzip();
        let (wakes, other_wakes) = <(Arc<Wakes>, Arc<Wakes>)>::default();
        let (mut gathering, mut other) = (gather(our_tasks), gather(other_tasks));
        assert!(poll_once(&mut gathering, &wakes).is_pending());
        assert!(poll_once(&mut other, &other_wakes).is_pending());
        for place in [MANY / 2, MANY / 3] {
            others.remove(place).resolve(broken(1));
            assert!(poll_once(&mut gathering, &wakes).is_pending());
        }
        assert_eq!(other_wakes.count(), 1);
        assert!(run(other).is_err());
        let before = wakes.count();
        assert!(before <= 1, "woken once for others at the most");
        if fails_too {
            let mut ours = ours;
            ours.remove(MANY / 2).resolve(broken(2));
            assert_eq!(wakes.count(), before + 1);
            let error = run(gathering).unwrap_err();
            assert_eq!(error.downcast::<Broken>().unwrap(), Broken(2));
        } else {
            for (n, promise) in ours.into_iter().enumerate() {
                promise.resolve(Ok(n));
            }
            assert!(wakes.count() > before);
            assert!(run(gathering).unwrap().into_iter().eq(0..MANY));
        }
    }
}

/// Values that were taken meanwhile make no difference to what fails later: also of a
/// few tasks, which tell each of themselves.
#[test]
fn a_failure_is_found_when_those_before_it_are_gone() {
    for count in [3, MANY] {
        let (promises, tasks) = promises(count);
        let mut promises = promises.into_iter();
        let wakes = Arc::<Wakes>::default();
        let mut gathering = gather(tasks);
        assert!(poll_once(&mut gathering, &wakes).is_pending());
        promises.next().unwrap().resolve(Ok(0));
        assert!(poll_once(&mut gathering, &wakes).is_pending());
        promises.next_back().unwrap().resolve(broken(1));
        assert_eq!(wakes.count(), 1);
        let error = run(gathering).unwrap_err();
        assert_eq!(error.task_name(), Some(&*(count - 1).to_string()));
    }
}

/// A waker is foreign code: one that panics keeps no news from the others.
#[test]
fn a_waker_that_panics_harms_nobody_else() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("in a waker");
        }
    }
    let (mut promises, tasks) = promises::<u8>(3 * MANY);
    let mut sets = [Vec::new(), Vec::new(), Vec::new()];
    for (n, task) in tasks.into_iter().enumerate() {
        sets[n % 3].push(task);
    }
    let wakes = Arc::<Wakes>::default();
    let panics = Waker::from(Arc::new(Panics));
    let [mut before, mut between, mut after] = sets.map(gather);
    for (gathering, waker) in [
        (&mut before, &panics),
        (&mut between, &Waker::from(wakes.clone())),
        (&mut after, &panics),
    ] {
        let polled = Pin::new(gathering).poll(&mut Context::from_waker(waker));
        assert!(polled.is_pending());
    }
    let fails = promises.remove(1501);
    assert!(catch_unwind(AssertUnwindSafe(|| fails.resolve(broken(1)))).is_ok());
    assert_eq!(wakes.count(), 1);
    assert!(run(between).is_err());
}

/// Many gathers at a time, some of which fail, while threads resolve their tasks in
/// ever other orders: each ends as it has to, and none is slept through.
#[test]
fn many_gathers_at_once_end_as_they_have_to() {
    const GATHERS: usize = 6;
    const EACH: usize = 700;
    const THREADS: usize = 3;
    for round in 0..8 {
        let mut sets: [Vec<Task<usize>>; GATHERS] = Default::default();
        let mut resolvers: [Vec<(usize, Promise<usize>)>; THREADS] = Default::default();
        for n in 0..GATHERS * EACH {
            // Side by side in memory, and resolved in another order.
            let (promise, task) = promise("");
            sets[n % GATHERS].push(task);
            resolvers[n * 7 % 11 % THREADS].push((n, promise));
        }
        // Of every other gather one fails.
        let outcome = move |n: usize| {
            let (set, place) = (n % GATHERS, n / GATHERS);
            match (set + round) % 2 == 0 && place == (set * 97 + round * 13) % EACH {
                true => broken(set as u32),
                false => Ok(place),
            }
        };
        let start = &std::sync::Barrier::new(GATHERS + THREADS);
        std::thread::scope(|scope| {
            for (thread, mut promises) in resolvers.into_iter().enumerate() {
                let length = promises.len();
                promises.rotate_left(thread * round * 31 % length);
                if thread % 2 == 1 {
                    promises.reverse();
                }
                scope.spawn(move || {
                    start.wait();
                    for (n, promise) in promises {
                        promise.resolve(outcome(n));
                    }
                });
            }
            for (set, tasks) in sets.into_iter().enumerate() {
                scope.spawn(move || {
                    start.wait();
                    match (run(gather(tasks)), (set + round) % 2 == 0) {
                        (Ok(values), false) => assert!(values.into_iter().eq(0..EACH)),
                        (Err(error), true) => {
                            let broken = error.downcast::<Broken>().unwrap();
                            assert_eq!(broken, Broken(set as u32));
                        }
                        (outcome, _) => panic!("{set} in round {round}: {outcome:?}"),
                    }
                });
            }
        });
    }
}
