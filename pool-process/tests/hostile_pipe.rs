//! A worker that does with its pipes what it likes.

mod common;
mod intruder;

use common::{finish, is_alive};
use executor_core::conformance::{Gate, pass};
use executor_core::{
    Bytes, CancelOutcome, DeathCause, ExecutorExt as _, TaskError, TaskErrorKind, WorkerExit,
};
use intruder::{DONE, Intruder, LOOT, enter, lurk, park, shared};
use pool_process::ProcessPool;
use serde::{Deserialize, Serialize};
use std::sync::atomic::Ordering::SeqCst;

pool_process::test_worker!();

const CAPACITY: u64 = (1 << 20) + (64 << 10);

// The counters.
const ARGUMENTS_READ: usize = 1;
const RESULTS_WRITTEN: usize = 2;
const RESULTS_READ: usize = 3;

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Attack {
    /// More is in the pipe than it holds.
    Overfull(u64),
    /// Less is in the pipe than was ever read.
    Backwards,
    /// The result is done, and not all there.
    Short,
    /// It is as long as no result may be.
    TooLong(u64),
    /// It gets shorter while it is read.
    Shrinking,
    /// More is in the pipe than was announced.
    Unannounced,
    /// A part of it, and the end.
    Half,
    /// A part of it, and that a great deal more is to come.
    Promise(u64),
    /// Bells without end.
    Bells,
}

fn attack((ticket, attack): ((u16, u64), Attack)) -> u64 {
    let intruder = enter(ticket);
    let (slot, seq) = intruder.mine();
    let written = intruder.counter(RESULTS_WRITTEN);
    let before = written.load(SeqCst);
    match attack {
        Attack::Overfull(more) => {
            intruder.announce(slot, 100);
            written.store(before + CAPACITY + more, SeqCst);
        }
        Attack::Backwards => {
            intruder.announce(slot, 100);
            written.store(before.wrapping_sub(1), SeqCst);
        }
        Attack::Short => {
            intruder.announce(slot, 100);
            intruder.word(slot).store(seq << 3 | DONE, SeqCst);
        }
        Attack::TooLong(len) => {
            intruder.announce(slot, len);
            written.store(before + 1, SeqCst);
        }
        Attack::Shrinking => {
            part(&intruder, slot, before);
            intruder.announce(slot, 10);
        }
        Attack::Unannounced => {
            intruder.announce(slot, 0);
            written.store(before + 50, SeqCst);
            intruder.wake_parent();
        }
        Attack::Half => {
            part(&intruder, slot, before);
            std::process::exit(3);
        }
        Attack::Promise(len) => {
            intruder.announce(slot, len);
            written.store(before + 50, SeqCst);
        }
        Attack::Bells => lurk(move || intruder.wake_parent()),
    }
    park()
}

/// Has the parent read a part of a result.
fn part(intruder: &Intruder, slot: usize, before: u64) {
    intruder.announce(slot, 1000);
    intruder.counter(RESULTS_WRITTEN).store(before + 50, SeqCst);
    intruder.wake_parent();
    while intruder.counter(RESULTS_READ).load(SeqCst) < before + 50 {
        std::thread::yield_now();
    }
}

fn double(n: u64) -> u64 {
    2 * n
}

/// Has one of two workers attacked, while jobs wait behind and another runs.
fn withstand(pool: &ProcessPool, what: Attack) -> TaskError {
    let mut gate = Gate::new();
    let attacker = pool.submit(attack, (gate.ticket(1), what));
    let behind: Vec<_> = (0..40).map(|n| pool.submit(double, n)).collect();
    assert_eq!(gate.arrival(), 1);
    let spared = pool.submit(pass, gate.ticket(2));
    gate.open();
    let error = finish(attacker).unwrap_err();
    for (n, task) in (0..).zip(behind) {
        assert_eq!(finish(task).unwrap(), 2 * n, "{what:?}");
    }
    assert_eq!(gate.arrival(), 2);
    assert!(spared.is_running());
    gate.open();
    assert_eq!(finish(spared).unwrap(), 2, "{what:?}");
    error
}

#[test]
fn what_cannot_be_true_of_a_pipe_costs_the_job_and_nobody_else() {
    init_test_worker();
    let lies = [
        Attack::Overfull(1),
        Attack::Overfull(u64::MAX / 2),
        Attack::Backwards,
        Attack::Short,
        Attack::TooLong((16 << 30) + 1),
        Attack::TooLong((1 << 55) - 1),
        Attack::Shrinking,
        Attack::Unannounced,
    ];
    std::thread::scope(|scope| {
        for lie in lies {
            scope.spawn(move || {
                let error = withstand(&shared(2), lie);
                assert_eq!(error.kind(), TaskErrorKind::WorkerLost, "{lie:?}: {error}");
                let lost = error.lost_worker().unwrap();
                let found = (lost.exit(), lost.cause());
                let caught = (WorkerExit::Signal(9), DeathCause::Misbehaved);
                assert_eq!(found, caught, "{lie:?}");
                assert!(!is_alive(lost.pid()));
            });
        }
    });
}

#[test]
fn a_part_of_a_result_is_no_result() {
    init_test_worker();
    let error = withstand(&shared(2), Attack::Half);
    let lost = error.lost_worker().unwrap();
    let by_itself = (WorkerExit::Code(3), DeathCause::Exit);
    assert_eq!((lost.exit(), lost.cause()), by_itself);
}

/// Has the only worker attacked, and cancels that.
fn cancelled(what: Attack) {
    let pool = shared(1);
    let mut gate = Gate::new();
    let attacker = pool.submit(attack, (gate.ticket(0), what));
    gate.arrival();
    gate.open();
    let behind = pool.submit(double, 4);
    assert_eq!(attacker.cancel(), CancelOutcome::Killed);
    assert!(finish(attacker).unwrap_err().is_cancelled());
    assert_eq!(finish(behind).unwrap(), 8);
}

/// What is announced and might come is waited for, at no cost: the job can still
/// be cancelled.
#[test]
fn a_promise_costs_nothing() {
    init_test_worker();
    cancelled(Attack::Promise(8 << 30));
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak: u64 = peak.unwrap().trim_end_matches("kB").trim().parse().unwrap();
    assert!(peak < 1 << 20, "{peak} KiB");
}

#[test]
fn bells_without_end_harm_nobody() {
    init_test_worker();
    cancelled(Attack::Bells);
}

/// Says that it has read what was never written.
fn read_ahead((ticket, lie): ((u16, u64), u64)) -> u64 {
    let intruder = enter(ticket);
    lurk(move || intruder.counter(ARGUMENTS_READ).store(lie, SeqCst));
    LOOT
}

#[test]
fn an_argument_that_is_misread_is_moved() {
    init_test_worker();
    for lie in [CAPACITY * 100, u64::MAX] {
        let pool = shared(1);
        let mut gate = Gate::new();
        let attacker = pool.submit(read_ahead, (gate.ticket(0), lie));
        gate.arrival();
        gate.open();
        assert_eq!(finish(attacker).unwrap(), LOOT);
        let bytes = Bytes::from(vec![5; 8 << 20]);
        let echoed = finish(pool.submit(|bytes: Bytes| bytes, bytes.clone()));
        assert!(echoed.unwrap() == bytes, "{lie}");
    }
}
