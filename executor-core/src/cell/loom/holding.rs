//! Models of who holds a job, and of who looks for it meanwhile.

use super::*;
use crate::control::Control;

/// A holder that cannot stop anything, and expects to be asked with its ticket.
struct Busy(u64);

impl Control for Busy {
    fn cancel(&self, ticket: u64) -> CancelOutcome {
        assert_eq!(ticket, self.0);
        CancelOutcome::TooLate
    }

    fn is_running(&self, ticket: u64) -> bool {
        assert_eq!(ticket, self.0);
        true
    }
}

fn hold(cell: &Model, ticket: u64) -> bool {
    cell.hold(Some((std::sync::Arc::new(Busy(ticket)), ticket)))
}

fn complete(cell: &Model, resolve: fn(&Model, Result<u32, TaskError>)) {
    // SAFETY: the model holds the job, which gives the right to the input.
    if unsafe { cell.take_input() }.is_some() {
        resolve(cell, Ok(7));
    }
}

fn resolve_alone(cell: &Model, outcome: Result<u32, TaskError>) {
    cell.resolve_alone(outcome, None);
}

#[test]
fn loom_a_holder_is_asked_while_it_holds_the_job() {
    for resolve in [resolve_alone, |cell: &Model, outcome| {
        assert!(cell.resolve(outcome).is_ok());
    }] {
        loom::model(move || {
            let cell = Arc::new(Model::queued(6));
            let theirs = cell.clone();
            let thread = loom::thread::spawn(move || {
                if hold(&theirs, 1) {
                    complete(&theirs, resolve);
                }
            });
            let _ = cell.is_running();
            let outcome = cell.cancel(|| TaskError::cancelled("by the model"));
            thread.join().unwrap();
            let error = take(&cell).unwrap().err();
            assert_eq!(error.is_some(), outcome == CancelOutcome::BeforeStart);
        });
    }
}

#[test]
fn loom_a_holder_is_replaced_while_somebody_asks_for_it() {
    model(
        |cell| {
            let _ = cell.is_running();
        },
        |cell| {
            assert!(hold(cell, 1) && cell.release() && hold(cell, 2));
            complete(cell, resolve_alone);
        },
    );
}

/// As `Job::encode` does: what its time in the queue, or whoever cancels it, could not do
/// meanwhile is made up for.
#[test]
fn loom_a_job_that_is_encoded_is_cancelled_or_expires() {
    let cancel: fn(&Model) = |cell| {
        let outcome = cell.cancel(|| TaskError::cancelled("by the model"));
        assert!(outcome.took_effect());
    };
    let expire: fn(&Model) = |cell| cell.expire_in_queue(|| TaskError::cancelled("late"));
    for (end, is_time) in [(cancel, false), (expire, true)] {
        loom::model(move || {
            let cell = Arc::new(Model::queued(6));
            let theirs = cell.clone();
            let thread = loom::thread::spawn(move || end(&theirs));
            if cell.hold_to_encode() {
                // SAFETY: the model holds the job and shares it with nobody.
                unsafe { cell.with_input_mut(|input| *input.expect("it is there") += 1) };
                assert!(cell.release());
                if cell.is_wished_away() {
                    cell.refuse(|| TaskError::cancelled("before it started"));
                }
            }
            thread.join().unwrap();
            if is_time {
                // The time is over by now.
                expire(&cell);
            }
            assert!(!hold(&cell, 1));
            assert!(take(&cell).is_some_and(|outcome| outcome.is_err()));
        });
    }
}

#[test]
fn loom_a_waiter_and_who_asks_for_the_holder_do_not_harm_each_other() {
    model(
        |cell| {
            let count = std::sync::Arc::new(Count::default());
            let registered = cell.wake_when_done(&Waker::from(count.clone()));
            let _ = cell.is_running();
            if !registered {
                assert!(take(cell).is_some());
            }
        },
        |cell| {
            assert!(hold(cell, 1));
            complete(cell, resolve_alone);
        },
    );
}
