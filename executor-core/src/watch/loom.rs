//! Models of waiting for several tasks: every interleaving of those who resolve
//! them and the one who registers, waits and gives up.
//!
//! Run with `RUSTFLAGS="--cfg loom" cargo test -p executor-core --lib --release loom`.

mod in_order;

use super::{Completions, Countdown, Settled};
use crate::error::TaskError;
use crate::promise::{Promise, promise};
use crate::task::Task;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};

/// Counts wake-ups; loom itself has no part in this.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

impl Wakes {
    fn poll<R>(self: &Arc<Self>, poll: impl FnOnce(&mut Context<'_>) -> Poll<R>) -> Poll<R> {
        poll(&mut Context::from_waker(&Waker::from(self.clone())))
    }

    fn count(&self) -> usize {
        self.0.load(SeqCst)
    }
}

fn two() -> ([Promise<u8>; 2], [Task<u8>; 2]) {
    let ((p, a), (q, b)) = (promise("a"), promise("b"));
    ([p, q], [a, b])
}

/// `outcome` is given the place of the task.
fn resolve(
    promises: [Promise<u8>; 2],
    outcome: fn(u8) -> Result<u8, TaskError>,
) -> Vec<loom::thread::JoinHandle<()>> {
    let spawn = |(promise, place): (Promise<u8>, u8)| {
        loom::thread::spawn(move || promise.resolve(outcome(place)))
    };
    promises.into_iter().zip(0..).map(spawn).collect()
}

fn join(threads: Vec<loom::thread::JoinHandle<()>>) {
    for thread in threads {
        thread.join().unwrap();
    }
}

fn model(check: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(check);
}

#[test]
fn loom_a_countdown_ends_once_all_are_done_and_wakes_once() {
    model(|| {
        let (promises, mut tasks) = two();
        let threads = resolve(promises, Ok);
        let mut countdown = Countdown::new(2, |_| false);
        for (place, task) in tasks.iter_mut().enumerate() {
            countdown.watch(task, place);
        }
        let wakes = Arc::<Wakes>::default();
        let early = wakes.poll(|context| countdown.poll(context));
        join(threads);
        match early {
            // Seen between the leaving of the waker and the wake-up, both come.
            Poll::Ready(decided_by) => assert!(decided_by.is_none() && wakes.count() <= 1),
            Poll::Pending => {
                assert_eq!(wakes.count(), 1);
                let late = wakes.poll(|context| countdown.poll(context));
                assert_eq!(late, Poll::Ready(None));
            }
        }
        assert!(tasks.iter().all(Task::is_done));
    });
}

#[test]
fn loom_the_task_that_decides_is_named_however_late_one_looks() {
    model(|| {
        let (promises, mut tasks) = two();
        let threads = resolve(promises, |place| match place {
            0 => Ok(0),
            _ => Err(TaskError::invalid_state("by the model")),
        });
        let mut countdown = Countdown::new(2, |settled| settled != Settled::Value);
        for (place, task) in tasks.iter_mut().enumerate() {
            countdown.watch(task, place);
        }
        let wakes = Arc::<Wakes>::default();
        let early = wakes.poll(|context| countdown.poll(context));
        assert!(matches!(early, Poll::Pending | Poll::Ready(Some(1))));
        join(threads);
        assert!(early.is_ready() || wakes.count() >= 1);
        let late = wakes.poll(|context| countdown.poll(context));
        assert_eq!(late, Poll::Ready(Some(1)));
    });
}

#[test]
fn loom_a_countdown_that_is_dropped_wakes_nobody_later() {
    model(|| {
        let (promises, mut tasks) = two();
        let mut countdown = Countdown::new(2, |_| true);
        let wakes = Arc::<Wakes>::default();
        for (place, task) in tasks.iter_mut().enumerate() {
            countdown.watch(task, place);
        }
        assert!(wakes.poll(|context| countdown.poll(context)).is_pending());
        let threads = resolve(promises, Ok);
        drop(countdown);
        let before = wakes.count();
        join(threads);
        // One that had the waker in its hands already may still wake it.
        assert!(before <= wakes.count() && wakes.count() <= 1);
        assert_eq!(Arc::strong_count(&wakes), 1);
    });
}

#[test]
fn loom_each_completion_comes_once_and_none_is_slept_through() {
    model(|| {
        let (promises, mut tasks) = two();
        let threads = resolve(promises, Ok);
        let mut completions = Completions::new();
        for (place, task) in tasks.iter_mut().enumerate() {
            completions.watch(task, place);
        }
        let wakes = Arc::<Wakes>::default();
        let mut seen = Vec::new();
        let pending = loop {
            match wakes.poll(|context| completions.poll_next(context)) {
                Poll::Ready(place) => {
                    assert!(tasks[place].is_done());
                    seen.push(place);
                }
                Poll::Pending => break seen.len() < 2,
            }
        };
        join(threads);
        // Who was told to wait was woken, if there was anything to wait for.
        assert!(!pending || wakes.count() >= 1);
        while let Poll::Ready(place) = wakes.poll(|context| completions.poll_next(context)) {
            seen.push(place);
        }
        seen.sort_unstable();
        assert_eq!(seen, [0, 1]);
    });
}

#[test]
fn loom_a_new_waker_takes_the_place_of_the_former() {
    model(|| {
        let (promise, mut task) = promise("a");
        let thread = loom::thread::spawn(move || promise.resolve(Ok(7_u8)));
        let mut completions = Completions::new();
        completions.watch(&mut task, 7);
        let (first, second) = <(Arc<Wakes>, Arc<Wakes>)>::default();
        let early = first
            .poll(|context| completions.poll_next(context))
            .is_ready();
        let late = !early
            && second
                .poll(|context| completions.poll_next(context))
                .is_ready();
        thread.join().unwrap();
        // Told at a poll, or else woken by the last waker that was left.
        assert!(early || late || second.count() == 1);
        assert!(first.count() + second.count() <= 1);
    });
}

#[test]
fn loom_a_new_waker_takes_the_place_of_the_former_at_a_countdown_too() {
    model(|| {
        let (promise, mut task) = promise("a");
        let thread = loom::thread::spawn(move || promise.resolve(Ok(7_u8)));
        let mut countdown = Countdown::new(1, |_| false);
        countdown.watch(&mut task, 0);
        let (first, second) = <(Arc<Wakes>, Arc<Wakes>)>::default();
        let early = first.poll(|context| countdown.poll(context)).is_ready();
        let late = second.poll(|context| countdown.poll(context)).is_ready();
        thread.join().unwrap();
        assert!(early <= late, "once it has ended, it has");
        assert!(late || second.count() == 1);
        assert!(first.count() + second.count() <= 1);
    });
}
