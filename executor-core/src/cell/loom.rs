//! Models of the completion cell: every interleaving of a resolver, an owner
//! and somebody who cancels.
//!
//! Run with `RUSTFLAGS="--cfg loom" cargo test -p executor-core --lib --release loom`.

mod holding;

use super::{CallbackId, Cell};
use crate::control::CancelOutcome;
use crate::error::TaskError;
use crate::token::CancelToken;
use crate::watch::{Settled, Watcher};
use loom::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Wake, Waker};

type Model = Cell<u8, u32>;

/// Counts wake-ups; loom itself has no part in this.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

impl Watcher for Count {
    fn settled(&self, token: usize, settled: Settled) {
        assert_eq!((token, settled), (3, Settled::Value));
        self.0.fetch_add(1, SeqCst);
    }
}

fn take(cell: &Model) -> Option<Result<u32, TaskError>> {
    // SAFETY: each model takes from one thread, the owner's.
    unsafe { cell.take_output() }
}

fn run(cell: &Model) -> bool {
    run_and(cell, |cell, outcome| {
        let _ = cell.resolve(outcome);
    })
}

/// As a job without a time limit is run.
fn run_alone(cell: &Model) -> bool {
    run_and(cell, Model::resolve_alone)
}

fn run_and(cell: &Model, resolve: fn(&Model, Result<u32, TaskError>)) -> bool {
    if !cell.hold(None) {
        return false;
    }
    // SAFETY: `hold` gave the right to the input.
    let input = unsafe { cell.take_input() };
    resolve(cell, Ok(u32::from(input.expect("taken once")) + 1));
    true
}

/// Two threads, the second of which is the owner's.
fn model(owner: fn(&Model), other: fn(&Model)) {
    loom::model(move || {
        let cell = Arc::new(Model::queued(6));
        let theirs = cell.clone();
        let thread = loom::thread::spawn(move || other(&theirs));
        owner(&cell);
        thread.join().unwrap();
    });
}

#[test]
fn loom_a_waker_is_woken_or_told_that_it_is_too_late() {
    for run in [run, run_alone] {
        loom::model(move || {
            let cell = Arc::new(Model::queued(6));
            let theirs = cell.clone();
            let thread = loom::thread::spawn(move || run(&theirs));
            let count = std::sync::Arc::new(Count::default());
            let registered = cell.wake_when_done(&Waker::from(count.clone()));
            if !registered {
                assert_eq!(take(&cell).unwrap().unwrap(), 7);
            }
            thread.join().unwrap();
            assert_eq!(count.0.load(SeqCst), usize::from(registered));
            assert_eq!(take(&cell).is_some(), registered);
        });
    }
}

#[test]
fn loom_a_second_waker_replaces_the_first_and_one_is_woken() {
    loom::model(|| {
        let cell = Arc::new(Model::queued(6));
        let theirs = cell.clone();
        let thread = loom::thread::spawn(move || run(&theirs));
        let (first, second) = <(std::sync::Arc<Count>, std::sync::Arc<Count>)>::default();
        let early = cell.wake_when_done(&Waker::from(first.clone()));
        let late = cell.wake_when_done(&Waker::from(second.clone()));
        thread.join().unwrap();
        let woken = (first.0.load(SeqCst), second.0.load(SeqCst));
        // Whoever is registered at the end is woken, and nobody twice.
        assert_eq!(woken.1, usize::from(late));
        assert!(woken.0 <= usize::from(early));
        assert_eq!(take(&cell).unwrap().unwrap(), 7);
    });
}

#[test]
fn loom_a_watcher_is_told_once() {
    for run in [run, run_alone] {
        loom::model(move || {
            let cell = Arc::new(Model::queued(6));
            let theirs = cell.clone();
            let thread = loom::thread::spawn(move || run(&theirs));
            let count = std::sync::Arc::new(Count::default());
            let registered = cell.tell_when_done(count.clone(), 3);
            thread.join().unwrap();
            assert_eq!(count.0.load(SeqCst), usize::from(registered));
            assert_eq!(take(&cell).unwrap().unwrap(), 7);
        });
    }
}

#[test]
fn loom_cancel_and_run_have_one_winner() {
    for run in [run, run_alone] {
        loom::model(move || {
            let cell = Arc::new(Model::queued(6));
            let theirs = cell.clone();
            let thread = loom::thread::spawn(move || run(&theirs));
            let cancelled = cell.cancel(|| TaskError::cancelled("by the model"));
            let ran = thread.join().unwrap();
            assert_eq!(cancelled == CancelOutcome::BeforeStart, !ran);
            match take(&cell).unwrap() {
                Ok(value) => assert!(ran && value == 7),
                Err(error) => assert!(!ran && error.is_cancelled()),
            }
        });
    }
}

#[test]
fn loom_a_time_limit_and_a_result_have_one_winner() {
    loom::model(|| {
        let cell = Arc::new(Model::queued(6));
        assert!(cell.hold(None));
        let theirs = cell.clone();
        let thread = loom::thread::spawn(move || theirs.resolve(Ok(7)).is_ok());
        let expired = cell.resolve(Err(TaskError::cancelled("too long"))).is_ok();
        let finished = thread.join().unwrap();
        assert!(expired != finished);
        assert_eq!(take(&cell).unwrap().is_ok(), finished);
        assert!(take(&cell).is_none());
    });
}

#[test]
fn loom_callbacks_are_called_once_and_before_the_task_is_done() {
    fn add(cell: &Model, called: &std::sync::Arc<Count>) {
        let called = called.clone();
        let callback = move |outcome: Result<&u32, &TaskError>| {
            assert_eq!(*outcome.unwrap(), 7);
            called.0.fetch_add(1, SeqCst);
        };
        let id = CallbackId::next();
        // SAFETY: this is the owner's thread, and nothing is taken meanwhile.
        let added = unsafe { cell.call_when_done(id, Box::new(callback)) };
        assert!(added.is_ok());
    }
    loom::model(|| {
        let cell = Arc::new(Model::queued(6));
        let theirs = cell.clone();
        let thread = loom::thread::spawn(move || run(&theirs));
        let called = std::sync::Arc::new(Count::default());
        add(&cell, &called);
        add(&cell, &called);
        if take(&cell).is_some() {
            assert_eq!(called.0.load(SeqCst), 2);
        }
        thread.join().unwrap();
        assert_eq!(called.0.load(SeqCst), 2);
    });
}

#[test]
fn loom_a_released_job_can_be_cancelled_or_run_again() {
    model(
        |cell| {
            let outcome = cell.cancel(|| TaskError::cancelled("by the model"));
            assert!(matches!(
                outcome,
                CancelOutcome::BeforeStart | CancelOutcome::TooLate
            ));
        },
        |cell| {
            if cell.hold(None) && cell.release() {
                let _ = run(cell);
            }
        },
    );
}

#[test]
fn loom_a_callback_is_called_or_removed() {
    loom::model(|| {
        let cell = Arc::new(Model::queued(6));
        let called = std::sync::Arc::new(Count::default());
        let counts = called.clone();
        let callback = move |_: Result<&u32, &TaskError>| {
            counts.0.fetch_add(1, SeqCst);
        };
        let id = CallbackId::next();
        // SAFETY: this is the owner's thread, and nothing is taken meanwhile.
        assert!(unsafe { cell.call_when_done(id, Box::new(callback)) }.is_ok());
        let theirs = cell.clone();
        let thread = loom::thread::spawn(move || run(&theirs));
        let removed = cell.forget_callback(id);
        thread.join().unwrap();
        assert_eq!(called.0.load(SeqCst), usize::from(!removed));
        assert_eq!(std::sync::Arc::strong_count(&called), 1);
    });
}

#[test]
fn loom_a_follower_and_a_waiter_are_both_told() {
    for run in [run, run_alone] {
        loom::model(move || {
            let cell = Arc::new(Model::queued(6));
            let theirs = cell.clone();
            let thread = loom::thread::spawn(move || run(&theirs));
            let (follower, waiter) = <(std::sync::Arc<Count>, std::sync::Arc<Count>)>::default();
            let followed = cell.follow(follower.clone(), 3);
            let waited = cell.wake_when_done(&Waker::from(waiter.clone()));
            thread.join().unwrap();
            assert_eq!(follower.0.load(SeqCst), usize::from(followed));
            assert_eq!(waiter.0.load(SeqCst), usize::from(waited));
            assert_eq!(take(&cell).unwrap().unwrap(), 7);
        });
    }
}

#[test]
fn loom_a_nudge_takes_no_wake_up_away() {
    loom::model(|| {
        let cell = Arc::new(Model::queued(6));
        let waiter = std::sync::Arc::new(Count::default());
        let registered = cell.wake_when_done(&Waker::from(waiter.clone()));
        assert!(registered);
        let theirs = cell.clone();
        let thread = loom::thread::spawn(move || run(&theirs));
        cell.nudge();
        // Whoever was nudged looks again; whoever was not is woken by the end.
        thread.join().unwrap();
        assert_eq!(waiter.0.load(SeqCst), 1);
        assert_eq!(take(&cell).unwrap().unwrap(), 7);
    });
}

#[test]
fn loom_an_error_is_overlooked_unless_somebody_said_otherwise() {
    loom::model(|| {
        let cell = Arc::new(Cell::<u8, u32>::held(None));
        let theirs = cell.clone();
        let thread = loom::thread::spawn(move || {
            let failed = TaskError::failed("no luck");
            assert!(theirs.resolve(Err(failed)).is_ok());
        });
        cell.be_quiet();
        thread.join().unwrap();
        let mut cell = Arc::try_unwrap(cell).ok().unwrap();
        assert!(cell.overlooked().is_none());
    });
}

/// A function asks for its token while somebody cancels: whichever comes first, the
/// token is cancelled in the end, and `Requested` is said only to those who reached
/// one.
#[test]
fn loom_a_wish_to_stop_is_never_lost() {
    loom::model(|| {
        let cell = Arc::new(Model::queued(6));
        assert!(cell.hold(None));
        let theirs = cell.clone();
        let thread = loom::thread::spawn(move || theirs.token(CancelToken::new));
        let outcome = cell.cancel(|| TaskError::cancelled("by the model"));
        let token = thread.join().unwrap();
        assert!(token.is_cancelled());
        assert!(matches!(
            outcome,
            CancelOutcome::Requested | CancelOutcome::TooLate
        ));
        // Who asks again gets the same.
        assert!(cell.token(|| unreachable!("there is one")).is_cancelled());
        assert_eq!(
            cell.cancel(|| unreachable!("it is held")),
            CancelOutcome::Requested
        );
        assert!(cell.resolve(Ok(7)).is_ok());
        assert_eq!(take(&cell).unwrap().unwrap(), 7, "a value wins");
    });
}

/// The wish is remembered beside everything else that the word of state tells: a
/// job that resolves meanwhile does so once, and wakes whoever waits.
#[test]
fn loom_a_wish_takes_no_outcome_and_no_wake_up_away() {
    loom::model(|| {
        let cell = Arc::new(Model::queued(6));
        assert!(cell.hold(None));
        let count = std::sync::Arc::new(Count::default());
        assert!(cell.wake_when_done(&Waker::from(count.clone())));
        let theirs = cell.clone();
        let thread = loom::thread::spawn(move || assert!(theirs.resolve(Ok(7)).is_ok()));
        let outcome = cell.cancel(|| TaskError::cancelled("by the model"));
        assert_eq!(outcome, CancelOutcome::TooLate);
        thread.join().unwrap();
        assert_eq!(count.0.load(SeqCst), 1);
        assert_eq!(take(&cell).unwrap().unwrap(), 7);
    });
}

/// A time limit that passes while the function asks for its token: the function
/// finds it cancelled, then or the next time.
#[test]
fn loom_a_time_limit_is_not_overlooked_by_who_asks() {
    loom::model(|| {
        let cell = Arc::new(Model::queued(6));
        assert!(cell.hold(None));
        let theirs = cell.clone();
        let thread = loom::thread::spawn(move || theirs.token(CancelToken::new));
        let known = cell.wish();
        assert!(cell.resolve(Err(TaskError::cancelled("too long"))).is_ok());
        if let Some(known) = known {
            known.cancel();
        }
        assert!(thread.join().unwrap().is_cancelled());
        assert!(cell.token(CancelToken::new).is_cancelled());
        assert!(take(&cell).unwrap().is_err());
    });
}
