//! A worker that writes to its wire what it likes: each attack costs the job that
//! made it, and nobody else.

mod common;
mod intruder;

use common::{finish, is_alive};
use executor_core::conformance::{Gate, pass};
use executor_core::{
    CancelOutcome, DeathCause, ExecutorExt as _, TaskError, TaskErrorKind, WorkerExit,
};
use intruder::{BELL, Head, Intruder, LOOT, QUEUED, SENT, VALUE, enter, head_about, park, wired};
use pool_process::ProcessPool;
use serde::{Deserialize, Serialize};

pool_process::test_worker!();

/// What is written to the wire.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Attack {
    /// So often this byte.
    Garbage(u8, usize),
    /// The first bytes of a head, and the end.
    HalfAHead,
    /// A head and the first bytes of a result, and the end.
    HalfAResult,
    /// A head that announces so much.
    Oversized(u64),
    /// A result for another slot or another job, by so much.
    Mistaken { slot: u32, seq: u64 },
    /// Its own result, under this kind.
    Unheard(u32),
    /// Its own result, twice.
    Duplicate,
    /// The result of a job whose turn it is not.
    OutOfTurn,
    /// Its own result, and that of a job that has not begun.
    NotBegun,
    /// Bells without end.
    Bells,
    /// Closes the wire, and lives on.
    Closed,
}

fn attack((ticket, attack): ((u16, u64), Attack)) -> u64 {
    let intruder = enter(ticket);
    let mine = intruder.mine();
    let head = head_about(mine, VALUE);
    match attack {
        Attack::Garbage(byte, len) => intruder.write(&vec![byte; len]),
        Attack::HalfAHead => {
            intruder.write(&[0; 10]);
            std::process::exit(3);
        }
        Attack::HalfAResult => {
            let len = 1000;
            intruder.send(Head { len, ..head }, &[7; 10]);
            std::process::exit(3);
        }
        Attack::Oversized(len) => intruder.send(Head { len, ..head }, &[7; 5000]),
        Attack::Mistaken { slot, seq } => {
            let slot = head.slot.wrapping_add(slot);
            let seq = head.seq.wrapping_add(seq);
            intruder.send(Head { slot, seq, ..head }, &[7]);
        }
        Attack::Unheard(kind) => intruder.send(Head { kind, ..head }, &[7]),
        Attack::Duplicate => {
            intruder.result(mine);
            intruder.result(mine);
        }
        Attack::OutOfTurn => intruder.result(behind(&intruder)),
        Attack::NotBegun => {
            let behind = behind(&intruder);
            intruder.result(mine);
            intruder.result(behind);
        }
        Attack::Bells => loop {
            intruder.ring();
        },
        Attack::Closed => intruder.close(),
    }
    park()
}

/// The next job that this worker has.
fn behind(intruder: &Intruder) -> (usize, u64) {
    let queued = intruder.slots(QUEUED);
    *queued.first().expect("there are jobs behind this one")
}

fn double(n: u64) -> u64 {
    2 * n
}

/// Has one of two workers attacked, while jobs wait behind and another runs. Says
/// what came of the attacker.
fn withstand(pool: &ProcessPool, what: &Attack) -> Result<u64, TaskError> {
    let mut gate = Gate::new();
    let attacker = pool.submit(attack, (gate.ticket(1), what.clone()));
    let behind: Vec<_> = (0..40).map(|n| pool.submit(double, n)).collect();
    assert_eq!(gate.arrival(), 1);
    let spared = pool.submit(pass, gate.ticket(2));
    gate.open();
    let outcome = finish(attacker);
    for (n, task) in (0..).zip(behind) {
        assert_eq!(finish(task).unwrap(), 2 * n, "{what:?}");
    }
    assert_eq!(gate.arrival(), 2);
    assert!(spared.is_running());
    gate.open();
    assert_eq!(finish(spared).unwrap(), 2, "{what:?}");
    outcome
}

fn lost(what: &Attack) -> (WorkerExit, DeathCause) {
    let pool = wired(2);
    let error = withstand(&pool, what).unwrap_err();
    assert_eq!(error.kind(), TaskErrorKind::WorkerLost, "{what:?}: {error}");
    let lost = error.lost_worker().unwrap();
    assert!(lost.had_started(), "{what:?}: {error}");
    assert!(!is_alive(lost.pid()) && !pool.worker_pids().contains(&lost.pid()));
    (lost.exit(), lost.cause())
}

/// Tries several at the same time: some take seconds to be found out.
fn each<T: Sync>(all: &[T], withstand: impl Fn(&T) + Sync) {
    std::thread::scope(|scope| {
        for one in all {
            scope.spawn(|| withstand(one));
        }
    });
}

const CAUGHT: (WorkerExit, DeathCause) = (WorkerExit::Signal(9), DeathCause::Misbehaved);

#[test]
fn garbage_is_no_result() {
    init_test_worker();
    each(&[0, 0x01, 0x7f, 0xff], |&byte| {
        assert_eq!(lost(&Attack::Garbage(byte, 100_000)), CAUGHT, "{byte}");
    });
}

#[test]
fn what_is_cut_off_is_no_result() {
    init_test_worker();
    for what in [Attack::HalfAHead, Attack::HalfAResult] {
        let by_itself = (WorkerExit::Code(3), DeathCause::Exit);
        assert_eq!(lost(&what), by_itself, "{what:?}");
    }
}

#[test]
fn what_is_too_large_is_refused_before_it_comes() {
    init_test_worker();
    each(&[(16 << 30) + 1, 1 << 45, u64::MAX], |&len| {
        assert_eq!(lost(&Attack::Oversized(len)), CAUGHT, "{len}");
    });
}

/// What is announced and might come is waited for, at no cost: the job can still
/// be cancelled.
#[test]
fn a_promise_costs_nothing() {
    init_test_worker();
    let pool = wired(1);
    let mut gate = Gate::new();
    let promise = (gate.ticket(0), Attack::Oversized(8 << 30));
    let attacker = pool.submit(attack, promise);
    gate.arrival();
    gate.open();
    let behind = pool.submit(double, 4);
    assert_eq!(attacker.cancel(), CancelOutcome::Killed);
    assert!(finish(attacker).unwrap_err().is_cancelled());
    assert_eq!(finish(behind).unwrap(), 8);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak: u64 = peak.unwrap().trim_end_matches("kB").trim().parse().unwrap();
    assert!(peak < 1 << 20, "{peak} KiB");
}

#[test]
fn a_result_for_a_job_that_it_does_not_have_is_refused() {
    init_test_worker();
    for (slot, seq) in [(0, 1), (0, u64::MAX), (40, 0), (u32::MAX / 2, 0)] {
        let what = Attack::Mistaken { slot, seq };
        assert_eq!(lost(&what), CAUGHT, "{what:?}");
    }
}

#[test]
fn a_result_of_no_known_kind_fails_its_own_job() {
    init_test_worker();
    each(&[SENT, BELL + 1, BELL + 2, 1000, u32::MAX], |&kind| {
        let pool = wired(2);
        let error = withstand(&pool, &Attack::Unheard(kind)).unwrap_err();
        assert_eq!(error.kind(), TaskErrorKind::Decode, "{kind}: {error}");
    });
}

#[test]
fn a_second_result_is_refused_and_the_first_stays() {
    init_test_worker();
    let pool = wired(2);
    for _ in 0..5 {
        assert_eq!(withstand(&pool, &Attack::Duplicate).unwrap(), LOOT);
    }
}

#[test]
fn a_result_out_of_turn_is_refused() {
    init_test_worker();
    let what = Attack::OutOfTurn;
    // On one worker, so that jobs are certainly behind the attacker.
    let pool = wired(1);
    let error = one_worker(&pool, &what).unwrap_err();
    assert_eq!(error.lost_worker().unwrap().cause(), DeathCause::Misbehaved);
}

#[test]
fn a_result_of_a_job_that_has_not_begun_is_refused_and_the_job_moves() {
    init_test_worker();
    let pool = wired(1);
    assert_eq!(one_worker(&pool, &Attack::NotBegun).unwrap(), LOOT);
}

/// Has the only worker attacked, with jobs behind that it was sent already.
fn one_worker(pool: &ProcessPool, what: &Attack) -> Result<u64, TaskError> {
    let mut gate = Gate::new();
    // While this one runs, all the others wait, and are sent together.
    let first = pool.submit(pass, gate.ticket(0));
    assert_eq!(gate.arrival(), 0);
    let attacker = pool.submit(attack, (gate.ticket(1), what.clone()));
    let behind: Vec<_> = (0..40).map(|n| pool.submit(double, n)).collect();
    gate.open();
    assert_eq!(gate.arrival(), 1);
    gate.open();
    assert_eq!(finish(first).unwrap(), 0);
    let outcome = finish(attacker);
    for (n, task) in (0..).zip(behind) {
        assert_eq!(finish(task).unwrap(), 2 * n);
    }
    outcome
}

#[test]
fn a_flood_of_bells_is_ended() {
    init_test_worker();
    assert_eq!(lost(&Attack::Bells), CAUGHT);
}

#[test]
fn closing_the_wire_while_alive_is_the_end() {
    init_test_worker();
    assert_eq!(lost(&Attack::Closed), CAUGHT);
}
