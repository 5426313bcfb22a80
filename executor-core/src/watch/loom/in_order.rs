//! Models of waiting for one task at a time, and of hearing of failures.

use super::*;
use crate::watch::{InOrder, Progress};

/// Two that are waited for, and one between them that is not: it stands where they
/// do.
fn three() -> ([Promise<u8>; 2], [Task<u8>; 2], Promise<u8>, Task<u8>) {
    let mut all = [promise("a"), promise("b"), promise("c")];
    all.sort_by_key(|(_, task)| task.cell());
    let [(p, a), (q, other), (r, c)] = all;
    ([p, r], [a, c], q, other)
}

fn fails(place: u8) -> Result<u8, TaskError> {
    match place {
        0 => Err(TaskError::invalid_state("by the model")),
        _ => Ok(1),
    }
}

fn failed(settled: Settled) -> bool {
    settled != Settled::Value
}

/// Polls on as long as there is progress. The place that decided, or `None` if all are
/// done.
fn poll(
    in_order: &mut InOrder,
    tasks: &mut [Task<u8>],
    passed: &mut usize,
    wakes: &Arc<Wakes>,
) -> Poll<Option<usize>> {
    loop {
        match wakes.poll(|context| in_order.poll(&mut tasks[*passed..], context)) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Progress::Decided(place)) => return Poll::Ready(Some(*passed + place)),
            Poll::Ready(Progress::Done(0)) => return Poll::Ready(None),
            Poll::Ready(Progress::Done(done)) => *passed += done,
        }
    }
}

/// Polls again for each wake-up, once the threads are gone: nothing else happens, so
/// who is not done by then sleeps for ever.
fn poll_to_the_end(
    in_order: &mut InOrder,
    tasks: &mut [Task<u8>],
    threads: Vec<loom::thread::JoinHandle<()>>,
) -> Option<usize> {
    let wakes = Arc::<Wakes>::default();
    let mut passed = 0;
    let early = poll(in_order, tasks, &mut passed, &wakes);
    join(threads);
    if let Poll::Ready(end) = early {
        return end;
    }
    assert!(wakes.count() >= 1, "a wake-up was lost");
    match poll(in_order, tasks, &mut passed, &wakes) {
        Poll::Ready(end) => end,
        Poll::Pending => panic!("it waits for what is done"),
    }
}

#[test]
fn loom_in_order_ends_once_all_are_done() {
    model(|| {
        let (promises, mut tasks) = two();
        let threads = resolve(promises, Ok);
        let mut in_order = InOrder::new(failed);
        let end = poll_to_the_end(&mut in_order, &mut tasks, threads);
        assert_eq!(end, None);
        assert!(tasks.iter().all(Task::is_done));
    });
}

/// It waits for the second of three, and the others tell nobody but those who listen:
/// whether or not somebody else had waited for them before.
#[test]
fn loom_in_order_hears_of_a_failure() {
    for (place, watched) in [(0, false), (0, true), (2, false), (2, true)] {
        model(move || {
            let (mut promises, mut tasks): (Vec<_>, Vec<_>) =
                ["a", "b", "c"].map(promise).into_iter().unzip();
            if watched {
                let before = Arc::<Wakes>::default();
                let poll = |context: &mut Context<'_>| tasks[place].poll_done(context);
                assert!(before.poll(poll).is_pending());
            }
            let promise = promises.remove(place);
            let thread = loom::thread::spawn(move || promise.resolve(fails(0)));
            let mut in_order = InOrder::new(failed);
            let end = poll_to_the_end(&mut in_order, &mut tasks, vec![thread]);
            assert_eq!(end, Some(place));
            drop(promises);
        });
    }
}

/// A failure and the task that it waits for, at once.
#[test]
fn loom_in_order_misses_no_failure_among_completions() {
    model(|| {
        let (promises, mut tasks) = two();
        let threads = resolve(promises, fails);
        let mut in_order = InOrder::new(failed);
        let end = poll_to_the_end(&mut in_order, &mut tasks, threads);
        assert_eq!(end, Some(0));
    });
}

/// A failure of somebody else's ends nothing, and what comes then is not slept
/// through.
#[test]
fn loom_in_order_is_not_misled_by_others() {
    model(|| {
        let ([p, q], mut tasks, other, others) = three();
        q.resolve(Ok(1));
        let threads = vec![
            loom::thread::spawn(move || other.resolve(fails(0))),
            loom::thread::spawn(move || p.resolve(Ok(1))),
        ];
        let mut in_order = InOrder::new(failed);
        let wakes = Arc::<Wakes>::default();
        let mut passed = 0;
        let mut end = poll(&mut in_order, &mut tasks, &mut passed, &wakes);
        join(threads);
        if end.is_pending() {
            assert!(wakes.count() >= 1, "a wake-up was lost");
            end = poll(&mut in_order, &mut tasks, &mut passed, &wakes);
        }
        assert_eq!(end, Poll::Ready(None));
        drop(others);
    });
}

/// After the failure of somebody else's, a failure of its own is heard of.
#[test]
fn loom_in_order_falls_back_and_still_hears() {
    model(|| {
        let ([p, keep], mut tasks, other, others) = three();
        let mut in_order = InOrder::new(failed);
        let wakes = Arc::<Wakes>::default();
        let mut passed = 0;
        assert!(poll(&mut in_order, &mut tasks, &mut passed, &wakes).is_pending());
        other.resolve(fails(0));
        assert_eq!(wakes.count(), 1, "it stands between them");
        let thread = loom::thread::spawn(move || p.resolve(fails(0)));
        let mut end = poll(&mut in_order, &mut tasks, &mut passed, &wakes);
        thread.join().unwrap();
        if end.is_pending() {
            assert_eq!(wakes.count(), 2, "a wake-up was lost");
            end = poll(&mut in_order, &mut tasks, &mut passed, &wakes);
        }
        assert_eq!(end, Poll::Ready(Some(0)));
        drop((keep, others));
    });
}

#[test]
fn loom_in_order_that_is_dropped_wakes_nobody_later() {
    model(|| {
        let (promises, mut tasks) = two();
        let mut in_order = InOrder::new(failed);
        let wakes = Arc::<Wakes>::default();
        assert!(poll(&mut in_order, &mut tasks, &mut 0, &wakes).is_pending());
        let threads = resolve(promises, fails);
        drop(in_order);
        let before = wakes.count();
        join(threads);
        // One that had the waker in its hands already may still wake it.
        assert!(before <= wakes.count() && wakes.count() <= 1);
        assert_eq!(Arc::strong_count(&wakes), 1);
    });
}

#[test]
fn loom_a_new_waker_takes_the_place_of_the_former_in_order_too() {
    model(|| {
        let ([p, keep], mut tasks) = two();
        let thread = loom::thread::spawn(move || p.resolve(fails(0)));
        let mut in_order = InOrder::new(failed);
        let (first, second) = <(Arc<Wakes>, Arc<Wakes>)>::default();
        let early = poll(&mut in_order, &mut tasks, &mut 0, &first).is_ready();
        let late = poll(&mut in_order, &mut tasks, &mut 0, &second).is_ready();
        thread.join().unwrap();
        assert!(early <= late, "once it has ended, it has");
        assert!(late || second.count() == 1);
        assert!(first.count() + second.count() <= 1);
        drop(keep);
    });
}
