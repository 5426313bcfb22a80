//! Models of what jobs tell their ledger. Run as those of the cell are.

use super::ledger;
use super::table::block;
use crate::cell::Cell;
use crate::control::CancelOutcome;
use crate::error::TaskError;
use loom::sync::Arc;
use std::sync::atomic::Ordering::Acquire;

type Model = Cell<u8, u32>;

fn withdrawn() -> usize {
    block(0).withdrawn.load(Acquire)
}

fn admitted() -> usize {
    block(0).admitted.load(Acquire)
}

fn cancel(cell: &Model) -> bool {
    cell.cancel(|| TaskError::cancelled("by the model")) == CancelOutcome::BeforeStart
}

/// As a job without a time limit is run, or with one.
fn run(cell: &Model, limited: bool) {
    if !cell.hold(None) {
        return;
    }
    // SAFETY: `hold` gave the right to the input.
    assert!(unsafe { cell.take_input() }.is_some());
    if limited {
        let _ = cell.resolve(Ok(7));
        cell.leave();
    } else {
        cell.resolve_alone(Ok(7), None);
    }
}

/// Whoever takes the job out of the queue and whoever cancels it agree who it was, and
/// who sees the task cancelled finds it counted.
#[test]
fn loom_a_queued_job_is_taken_or_counted_as_withdrawn() {
    loom::model(|| {
        let cell = Arc::new(Model::queued(6));
        assert!(cell.enter(0));
        let theirs = cell.clone();
        let thread = loom::thread::spawn(move || {
            let taken = theirs.exit();
            if !taken {
                return (false, 0);
            }
            // What was taken out is no business of the queue's any more.
            (true, usize::from(theirs.hold(None)))
        });
        let cancelled = cancel(&cell);
        let counted = withdrawn();
        let (taken, held) = thread.join().unwrap();
        assert_eq!(withdrawn(), usize::from(!taken));
        assert_eq!(cancelled, held == 0);
        assert!(taken || counted == 1);
    });
}

#[test]
fn loom_a_queued_job_is_begun_or_counted_as_withdrawn() {
    loom::model(|| {
        let cell = Arc::new(Model::queued(6));
        assert!(cell.enter(0));
        let theirs = cell.clone();
        let thread = loom::thread::spawn(move || theirs.hold(None));
        let cancelled = cancel(&cell);
        assert_eq!(cancelled, !thread.join().unwrap());
        assert_eq!(withdrawn(), usize::from(cancelled));
    });
}

/// The queue's side puts it in while the owner cancels.
#[test]
fn loom_a_job_that_is_cancelled_as_it_comes_is_counted_once() {
    loom::model(|| {
        let cell = Arc::new(Model::queued(6));
        let theirs = cell.clone();
        let thread = loom::thread::spawn(move || {
            if !theirs.enter(0) {
                ledger::withdraw(0);
            }
        });
        assert!(cancel(&cell));
        thread.join().unwrap();
        assert_eq!(withdrawn(), 1);
    });
}

#[test]
fn loom_an_admitted_job_leaves_once() {
    for limited in [false, true] {
        loom::model(move || {
            let cell = Arc::new(Model::queued(6));
            assert!(ledger::count(0, 1) && !ledger::count(0, 1));
            let theirs = cell.clone();
            let thread = loom::thread::spawn(move || cancel(&theirs));
            if !cell.admit(0) {
                ledger::leave(0);
            }
            run(&cell, limited);
            thread.join().unwrap();
            assert_eq!(admitted(), 0);
        });
    }
}

/// A limit resolves the job while its function runs: it leaves at the end of that.
#[test]
fn loom_a_job_that_expires_leaves_with_its_function() {
    loom::model(|| {
        let cell = Arc::new(Model::queued(6));
        assert!(ledger::count(0, 1) && cell.admit(0) && cell.hold(None));
        // The limit is armed when the function has its argument.
        // SAFETY: `hold` gave the right to the input.
        assert!(unsafe { cell.take_input() }.is_some());
        let theirs = cell.clone();
        let thread = loom::thread::spawn(move || {
            let _ = theirs.resolve_early(Err(TaskError::cancelled("too long")));
        });
        let won = cell.resolve(Ok(7)).is_ok();
        assert!(won || admitted() == 1);
        cell.leave();
        assert_eq!(admitted(), 0);
        thread.join().unwrap();
        assert_eq!(admitted(), 0);
    });
}

/// Who sees the task done finds its place free.
#[test]
fn loom_a_job_leaves_before_it_is_done() {
    loom::model(|| {
        let cell = Arc::new(Model::queued(6));
        assert!(ledger::count(0, 1) && cell.admit(0));
        let theirs = cell.clone();
        let thread = loom::thread::spawn(move || run(&theirs, false));
        // SAFETY: this is the owner's thread.
        if unsafe { cell.take_output() }.is_some() {
            assert!(ledger::count(0, 1));
        }
        thread.join().unwrap();
    });
}

#[test]
fn loom_a_bound_is_exact() {
    loom::model(|| {
        assert!(ledger::count(0, 2));
        let threads: Vec<_> = (0..2)
            .map(|_| loom::thread::spawn(|| ledger::count(0, 2)))
            .collect();
        let admitted = threads.into_iter().map(|t| t.join().unwrap());
        assert_eq!(admitted.filter(|admitted| *admitted).count(), 1);
    });
}
