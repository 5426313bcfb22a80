//! What becomes of the others when one task of a gather fails, and of all when the
//! gather is dropped.

mod common;

use combinators::{Gather, GatherSettled, gather, gather_settled, limit};
use common::reports::{listen, never_about, once_about};
use common::{Broken, Wakes, asked, is_over, poll_once, promises, resolve_at_once, run};
use executor_core::{Promise, Task, TaskError, promise};
use std::sync::Arc;
use std::task::Poll;

fn broken<T>(n: u32) -> Result<T, TaskError> {
    Err(TaskError::failed(Broken(n)))
}

/// One task that can be cancelled, one that the test resolves.
fn asked_and_resolved() -> (common::Asked, Promise<u8>, Vec<Task<u8>>) {
    let (asked, sibling) = asked::<u8>("sibling");
    let (promise, task) = promise("decides");
    (asked, promise, vec![sibling, task])
}

#[test]
fn with_cancel_siblings_the_first_failure_cancels_the_others() {
    let (asked, promise, tasks) = asked_and_resolved();
    let wakes = Arc::<Wakes>::default();
    let mut gathering = gather(tasks).cancel_siblings();
    assert!(poll_once(&mut gathering, &wakes).is_pending());
    promise.resolve(broken(1));
    assert!(!asked.was_cancelled(), "not before it is polled");
    let Poll::Ready(outcome) = poll_once(&mut gathering, &wakes) else {
        panic!("one has failed");
    };
    let error = outcome.unwrap_err();
    assert_eq!(error.downcast::<Broken>().unwrap(), Broken(1));
    assert!(asked.was_cancelled());
    assert_eq!(wakes.count(), 1, "not woken for what it cancelled itself");
}

#[test]
fn with_leave_running_it_does_not() {
    for said_otherwise in [false, true] {
        let (asked, promise, tasks) = asked_and_resolved();
        promise.resolve(broken(1));
        let gathering = match said_otherwise {
            true => gather(tasks).cancel_siblings().leave_running(),
            false => gather(tasks),
        };
        assert!(run(gathering).is_err());
        assert!(!asked.was_cancelled());
    }
}

#[test]
fn a_success_cancels_nobody() {
    let (asked, promise, tasks) = asked_and_resolved();
    let wakes = Arc::<Wakes>::default();
    let mut gathering = gather(tasks).cancel_siblings().cancel_on_drop();
    assert!(poll_once(&mut gathering, &wakes).is_pending());
    promise.resolve(Ok(2));
    assert!(poll_once(&mut gathering, &wakes).is_pending());
    asked.resolve(Ok(1));
    assert_eq!(run(&mut gathering).unwrap(), [1, 2]);
    drop(gathering);
    assert!(!asked.was_cancelled());
}

#[test]
fn settled_with_cancel_siblings_gives_the_outcomes_of_all() {
    let (asked, promise, mut tasks) = asked_and_resolved();
    tasks.push(Task::ready("done", Ok(3)));
    let wakes = Arc::<Wakes>::default();
    let mut gathering = gather_settled(tasks).cancel_siblings();
    assert!(poll_once(&mut gathering, &wakes).is_pending());
    promise.resolve(broken(2));
    assert_eq!(wakes.count(), 1);
    assert!(poll_once(&mut gathering, &wakes).is_pending());
    assert!(asked.was_cancelled());
    asked.resolve(Err(TaskError::cancelled("by the gather")));
    assert_eq!(wakes.count(), 2);
    let outcomes = run(gathering);
    assert!(outcomes[0].as_ref().unwrap_err().is_cancelled());
    assert!(outcomes[1].as_ref().unwrap_err().is_failed());
    assert_eq!(*outcomes[2].as_ref().unwrap(), 3);
}

/// Whoever looks at the first error is not told of the others: Python marks them as
/// retrieved.
#[test]
fn errors_of_siblings_count_as_looked_at() {
    listen();
    let names: Vec<_> = (0..9).map(|n| format!("overlooked {n}")).collect();
    let ready = |n: usize| Task::<u8>::ready(&*names[n], broken(1));
    for (n, cancels) in [(0, false), (3, true)] {
        let (later, task) = promise(&*names[n]);
        let gathering = gather([task, ready(n + 1), ready(n + 2)]);
        let gathering = match cancels {
            true => gathering.cancel_siblings(),
            false => gathering,
        };
        assert!(run(gathering).is_err());
        later.resolve(broken(2));
    }
    let (later, task) = promise(&*names[6]);
    assert!(run(limit(3).gather([task, ready(7), ready(8)])).is_err());
    later.resolve(broken(2));
    names.iter().for_each(|name| never_about(name));
}

#[test]
fn an_error_that_a_dropped_gather_never_saw_is_reported() {
    listen();
    drop(gather([Task::<u8>::ready("dropped unseen", broken(1))]));
    assert!(once_about("dropped unseen").contains("never retrieved"));
}

#[test]
fn with_cancel_on_drop_dropping_it_cancels_polled_or_not() {
    let wakes = Arc::<Wakes>::default();
    for polled in [false, true] {
        let (asked, _keep, tasks) = asked_and_resolved();
        let mut gathering = gather(tasks).cancel_on_drop();
        assert!(!polled || poll_once(&mut gathering, &wakes).is_pending());
        drop(gathering);
        assert!(asked.was_cancelled());

        let (asked, _keep, tasks) = asked_and_resolved();
        let mut gathering = gather_settled(tasks).cancel_on_drop();
        assert!(!polled || poll_once(&mut gathering, &wakes).is_pending());
        drop(gathering);
        assert!(asked.was_cancelled());
    }
    assert_eq!(wakes.count(), 0);
    assert_eq!(Arc::strong_count(&wakes), 1, "whoever waited is forgotten");
}

/// What is queued is cancelled before `cancel` returns: that is no news.
#[test]
fn who_waited_is_not_woken_for_what_its_own_end_cancels() {
    let wakes = Arc::<Wakes>::default();
    let (asked_too, other) = asked::<u8>("other");
    let (asked_too, asked) = (asked_too.obeys(), asked::<u8>("one"));
    let (asked, one) = (asked.0.obeys(), asked.1);
    let mut gathering = gather([one, other]).cancel_on_drop();
    assert!(poll_once(&mut gathering, &wakes).is_pending());
    drop(gathering);
    assert!(asked.was_cancelled() && asked_too.was_cancelled());
    assert_eq!(wakes.count(), 0);

    let (asked, promise, tasks) = asked_and_resolved();
    let asked = asked.obeys();
    let mut gathering = gather_settled(tasks).cancel_siblings();
    assert!(poll_once(&mut gathering, &wakes).is_pending());
    promise.resolve(broken(1));
    assert_eq!(wakes.count(), 1);
    let Poll::Ready(outcomes) = poll_once(&mut gathering, &wakes) else {
        panic!("all are done by now");
    };
    assert!(asked.was_cancelled() && outcomes.iter().all(Result::is_err));
    assert_eq!(wakes.count(), 1);
}

/// The policies stand on every form, and any of them may be named in a type.
#[test]
fn the_futures_can_be_named() {
    type Pair = (Task<u8>, Task<String>);
    let pair = || -> Pair { (Task::ready("a", Ok(1)), Task::ready("b", Ok("b".into()))) };
    let gathering: Gather<Pair> = gather(pair()).leave_running();
    assert_eq!(run(gathering).unwrap(), (1, "b".to_owned()));
    let gathering: GatherSettled<Pair> = gather_settled(pair()).leave_running();
    assert!(run(gathering).0.is_ok());
}

/// No failure is missed and no task is left over when they are resolved while the
/// gather registers and while it cancels.
#[test]
fn hundreds_fail_and_are_cancelled_at_once() {
    const THREADS: usize = 4;
    const EACH: usize = 50;
    for round in 0..50 {
        let (promises, tasks) = promises::<usize>(THREADS * EACH);
        let references: Vec<_> = tasks.iter().map(Task::reference).collect();
        let outcome = |n| if n % 7 == 3 { broken(1) } else { Ok(n) };
        let (start, resolvers) = resolve_at_once(promises, THREADS, outcome);
        start.wait();
        if round % 2 == 0 {
            assert!(run(gather(tasks).cancel_siblings()).is_err());
        } else {
            let outcomes = run(gather_settled(tasks).cancel_siblings());
            assert!(
                outcomes
                    .iter()
                    .enumerate()
                    .all(|(n, o)| o.is_err() == (n % 7 == 3))
            );
        }
        resolvers.into_iter().for_each(|r| r.join().unwrap());
        assert!(references.iter().all(is_over));
    }
}
