//! A worker that writes to its board what it likes.

mod common;
mod intruder;

use common::{eventually, finish, is_alive, pool};
use executor_core::conformance::{Gate, pass};
use executor_core::{DeathCause, ExecutorExt as _, TaskErrorKind, WorkerExit};
use intruder::{CLAIMED, DONE, Intruder, LOOT, QUEUED, SENT, VALUE, enter, lurk, park, wired};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

pool_process::test_worker!();

/// What is written to the attacker's own slot.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Claim {
    /// This state.
    State(u64),
    /// The state of some other job.
    Stranger,
    /// That there is a result, of this length.
    Length(u32),
    /// That the result was sent.
    Sent,
}

fn claim((ticket, claim): ((u16, u64), Claim)) -> u64 {
    let intruder = enter(ticket);
    let (slot, seq) = intruder.mine();
    let word = intruder.word(slot);
    let done = |kind: u32, len: u32| {
        let head = u64::from(kind) << 56 | u64::from(len);
        intruder.head(slot).store(head, SeqCst);
        word.store(seq << 3 | DONE, SeqCst);
    };
    // No bell: that the board is wrong has to be noticed all the same.
    match claim {
        Claim::State(state) => word.store(seq << 3 | state, SeqCst),
        Claim::Stranger => word.store((seq + 1) << 3 | CLAIMED, SeqCst),
        Claim::Length(len) => done(VALUE, len),
        Claim::Sent => done(SENT, 0),
    }
    park()
}

fn double(n: u64) -> u64 {
    2 * n
}

#[test]
fn what_cannot_be_true_costs_the_job_and_nobody_else() {
    init_test_worker();
    let lies = [
        Claim::State(0),
        Claim::State(4),
        Claim::State(5),
        Claim::State(6),
        Claim::State(7),
        Claim::Stranger,
        Claim::Length(89),
        Claim::Length(u32::MAX),
        Claim::Sent,
    ];
    std::thread::scope(|scope| {
        for lie in lies {
            scope.spawn(move || withstand(lie));
        }
    });
}

fn withstand(lie: Claim) {
    let pool = pool(2);
    let mut gate = Gate::new();
    let spared = pool.submit(pass, gate.ticket(0));
    assert_eq!(gate.arrival(), 0);
    let attacker = pool.submit(claim, (gate.ticket(1), lie));
    assert_eq!(gate.arrival(), 1);
    let behind: Vec<_> = (0..40).map(|n| pool.submit(double, n)).collect();
    gate.open_for(1);
    let error = finish(attacker).unwrap_err();
    assert_eq!(error.kind(), TaskErrorKind::WorkerLost, "{lie:?}: {error}");
    let lost = error.lost_worker().unwrap();
    let found = (lost.exit(), lost.cause());
    let expected = (WorkerExit::Signal(9), DeathCause::Misbehaved);
    assert_eq!(found, expected, "{lie:?}");
    for (n, task) in (0..).zip(behind) {
        assert_eq!(finish(task).unwrap(), 2 * n, "{lie:?}");
    }
    assert!(spared.is_running() && !is_alive(lost.pid()));
    gate.open();
    assert_eq!(finish(spared).unwrap(), 0);
}

/// The first time, it says that it has not begun.
fn deny((ticket, file): ((u16, u64), PathBuf)) -> u64 {
    if std::fs::File::create_new(file).is_ok() {
        let intruder = enter(ticket);
        let (slot, seq) = intruder.mine();
        intruder.word(slot).store(seq << 3 | QUEUED, SeqCst);
        // Bells are no excuse.
        lurk(move || {
            intruder.ring();
            intruder::pause(20);
        });
        park()
    }
    LOOT
}

#[test]
fn a_job_that_never_begins_is_moved_whatever_else_is_heard() {
    init_test_worker();
    let directory = tempfile::tempdir().unwrap();
    let pool = pool(1);
    let mut gate = Gate::new();
    let file = directory.path().join("been here");
    let attacker = pool.submit(deny, (gate.ticket(0), file));
    gate.arrival();
    gate.open();
    let behind = pool.submit(double, 4);
    assert_eq!(finish(attacker).unwrap(), LOOT);
    assert_eq!(finish(behind).unwrap(), 8);
}

/// Says again and again that it began just now.
fn young(ticket: (u16, u64)) -> u64 {
    let intruder = enter(ticket);
    let (slot, _) = intruder.mine();
    loop {
        intruder.began(slot).store(u64::MAX >> 1, SeqCst);
    }
}

#[test]
fn a_time_limit_is_kept_whatever_the_worker_says() {
    init_test_worker();
    let pool = pool(1);
    let mut gate = Gate::new();
    let limited = pool.task(young, gate.ticket(0));
    let limited = limited.timeout(Duration::from_millis(200)).submit();
    gate.arrival();
    gate.open();
    let error = finish(limited).unwrap_err();
    assert_eq!(error.kind(), TaskErrorKind::TimedOut, "{error}");
}

/// Holds the bell, so that nothing which is done is ever announced.
fn mute(ticket: (u16, u64)) -> u64 {
    let intruder = enter(ticket);
    lurk(move || intruder.bell().store(1, SeqCst));
    LOOT
}

#[test]
fn what_is_done_is_found_without_a_bell() {
    init_test_worker();
    let pool = pool(1);
    let mut gate = Gate::new();
    let attacker = pool.submit(mute, gate.ticket(0));
    gate.arrival();
    let behind: Vec<_> = (0..40).map(|n| pool.submit(double, n)).collect();
    gate.open();
    assert_eq!(finish(attacker).unwrap(), LOOT);
    for (n, task) in (0..).zip(behind) {
        assert_eq!(finish(task).unwrap(), 2 * n);
    }
}

/// Fills the whole board with nonsense, again and again, and rings.
fn scribble(ticket: (u16, u64)) -> String {
    let intruder = enter(ticket);
    let mut n = 1_u64;
    lurk(move || {
        for _ in 0..100 {
            n = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Some of it nearly right: this number, one of the states.
            let value = if n & 64 == 0 { n } else { n >> 56 };
            intruder.any(n >> 33).store(value, SeqCst);
        }
        intruder.ring();
    });
    park()
}

#[test]
fn a_board_full_of_nonsense_ends_its_worker_alone() {
    init_test_worker();
    let pool = pool(2);
    let mut gate = Gate::new();
    let spared = pool.submit(pass, gate.ticket(0));
    assert_eq!(gate.arrival(), 0);
    for _ in 0..10 {
        let attacker = pool.submit(scribble, gate.ticket(1));
        assert_eq!(gate.arrival(), 1);
        gate.open_for(1);
        // What it wrote may even be read as a result, but hardly as text.
        let error = finish(attacker).unwrap_err();
        let kinds = [TaskErrorKind::WorkerLost, TaskErrorKind::Decode];
        assert!(kinds.contains(&error.kind()), "{error}");
        let behind: Vec<_> = (0..20).map(|n| pool.submit(double, n)).collect();
        for (n, task) in (0..).zip(behind) {
            // It may still be there, and spoil a job more.
            match finish(task) {
                Ok(result) => assert_eq!(result, 2 * n),
                Err(error) => assert!(kinds.contains(&error.kind()), "{error}"),
            }
        }
    }
    assert!(spared.is_running());
    gate.open();
    assert_eq!(finish(spared).unwrap(), 0);
    let workers = pool.worker_pids();
    drop(pool);
    eventually("the workers are gone", || {
        !workers.iter().any(|pid| is_alive(*pid))
    });
}

/// Says of every job that it is done, and has read none.
fn pretend(ticket: (u16, u64)) -> u64 {
    let intruder = enter(ticket);
    let mine = intruder.mine();
    intruder.forge(mine);
    intruder.ring();
    lurk(move || {
        for job in intruder.slots(QUEUED) {
            intruder.forge(job);
            Intruder::ring(&intruder);
        }
    });
    park()
}

/// It is sent more and more, until nothing more fits into its channel.
#[test]
fn a_worker_that_pretends_to_work_is_found_out_when_it_is_full() {
    init_test_worker();
    let pool = wired(1);
    let mut gate = Gate::new();
    let attacker = pool.submit(pretend, gate.ticket(0));
    gate.arrival();
    gate.open();
    assert_eq!(finish(attacker).unwrap(), LOOT);
    let mut honest = 0;
    for n in 100..5000 {
        match finish(pool.submit(double, n)) {
            Ok(LOOT) => {}
            Ok(result) => {
                assert_eq!(result, 2 * n);
                honest += 1;
            }
            Err(error) => assert_eq!(error.kind(), TaskErrorKind::WorkerLost, "{error}"),
        }
        if honest == 10 {
            return;
        }
    }
    panic!("it went on for ever");
}
