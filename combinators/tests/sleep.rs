//! sleep: asyncio's `SleepTests`.

mod common;

use combinators::{create_task, sleep};
use common::{DEADLINE, Wakes, poll_once, run};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_millis(5);
const LONG: Duration = Duration::from_secs(3600);

/// CPython: test_tasks.py::SleepTests::test_sleep_zero
#[test]
fn a_sleep_of_zero_yields_exactly_once() {
    let wakes = Arc::<Wakes>::default();
    let mut nap = sleep(Duration::ZERO);
    assert_eq!(poll_once(&mut nap, &wakes), Poll::Pending);
    assert_eq!(wakes.count(), 1, "it is to be polled again at once");
    assert_eq!(poll_once(&mut nap, &wakes), Poll::Ready(()));
    assert_eq!(wakes.count(), 1);
}

/// Two coroutines that yield to each other take turns, if the runtime is fair.
#[test]
fn a_sleep_of_zero_ends_on_any_runtime() {
    let naps = || async {
        for _ in 0..1000 {
            sleep(Duration::ZERO).await;
        }
    };
    let (one, other) = (create_task(naps()), create_task(naps()));
    run(one).unwrap();
    run(other).unwrap();
}

#[test]
fn it_lasts_as_long_as_it_is_told_from_its_first_poll_on() {
    let nap = sleep(SOON);
    let start = Instant::now();
    run(nap);
    assert!(start.elapsed() >= SOON);
}

/// CPython: test_tasks.py::SleepTests::test_sleep_cancel
#[test]
fn dropping_it_removes_the_timer() {
    let wakes = Arc::<Wakes>::default();
    let mut nap = sleep(LONG);
    assert!(poll_once(&mut nap, &wakes).is_pending());
    drop(nap);
    // The timers' thread looks at what was removed when it is woken: by others.
    let end = Instant::now() + DEADLINE;
    while Arc::strong_count(&wakes) > 1 {
        assert!(Instant::now() < end, "somebody still holds the waker");
        run(sleep(Duration::from_millis(1)));
    }
    assert_eq!(wakes.count(), 0);
}

#[test]
fn cancelling_the_coroutine_ends_it() {
    let task = create_task(sleep(LONG));
    task.cancel();
    assert!(run(task).unwrap_err().is_cancelled());
}

#[test]
fn a_time_that_no_clock_can_represent_never_ends() {
    let wakes = Arc::<Wakes>::default();
    let mut nap = sleep(Duration::MAX);
    for _ in 0..3 {
        assert!(poll_once(&mut nap, &wakes).is_pending());
    }
    assert_eq!(wakes.count(), 0);
}
