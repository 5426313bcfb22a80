//! A worker that is stopped, or reads nothing, or never comes to an end with what
//! it says.

mod common;
mod intruder;

use common::{eventually, finish, is_alive, pool};
use executor_core::conformance::{Gate, pass};
use executor_core::{DeathCause, ExecutorExt as _, TaskErrorKind, WorkerExit};
use intruder::{Head, LOOT, VALUE, enter, keep, park, wired};
use pool_process::ProcessPool;
use serde_bytes::ByteBuf;

pool_process::test_worker!();

fn double(n: u64) -> u64 {
    2 * n
}

fn echo(bytes: ByteBuf) -> ByteBuf {
    bytes
}

/// Sends SIGSTOP, and waits until it has arrived.
fn stop(pid: u32) {
    let number = rustix::process::Pid::from_raw(pid as i32).unwrap();
    rustix::process::kill_process(number, rustix::process::Signal::STOP).unwrap();
    eventually("it is stopped", || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit_once(") ").unwrap().1.starts_with('T')
    });
}

/// A pool with one worker, which is idle.
fn idle() -> (ProcessPool, u32) {
    let pool = pool(1);
    let pid = finish(pool.submit(|()| std::process::id(), ())).unwrap();
    (pool, pid)
}

#[test]
fn a_job_that_a_stopped_worker_does_not_begin_is_moved() {
    init_test_worker();
    let (pool, pid) = idle();
    stop(pid);
    let tasks: Vec<_> = (0..40).map(|n| pool.submit(double, n)).collect();
    for (n, task) in (0..).zip(tasks) {
        assert_eq!(finish(task).unwrap(), 2 * n);
    }
    assert!(!is_alive(pid));
}

#[test]
fn a_job_whose_worker_is_stopped_is_lost_and_those_behind_are_moved() {
    init_test_worker();
    let pool = pool(2);
    let mut gate = Gate::new();
    let spared = pool.submit(pass, gate.ticket(0));
    assert_eq!(gate.arrival(), 0);
    let others = pool.worker_pids();
    let stopped = pool.submit(pass, gate.ticket(1));
    assert_eq!(gate.arrival(), 1);
    let mut pids = pool.worker_pids();
    pids.retain(|pid| !others.contains(pid));
    let behind: Vec<_> = (0..40).map(|n| pool.submit(double, n)).collect();
    assert_eq!(pids.len(), 1);
    stop(pids[0]);
    let error = finish(stopped).unwrap_err();
    let lost = error.lost_worker().unwrap();
    assert_eq!(lost.pid(), pids[0]);
    let found = (lost.exit(), lost.cause());
    assert_eq!(found, (WorkerExit::Signal(9), DeathCause::Misbehaved));
    for (n, task) in (0..).zip(behind) {
        assert_eq!(finish(task).unwrap(), 2 * n);
    }
    assert!(spared.is_running());
    gate.open();
    assert_eq!(finish(spared).unwrap(), 0);
}

#[test]
fn a_large_argument_that_a_stopped_worker_does_not_read_is_moved() {
    init_test_worker();
    let (pool, pid) = idle();
    stop(pid);
    let bytes = ByteBuf::from(vec![5; 64 << 20]);
    let echoed = finish(pool.submit(echo, bytes.clone())).unwrap();
    assert!(echoed == bytes, "{} bytes", echoed.len());
    assert!(!is_alive(pid));
}

/// Says that it is done, and reads nothing from then on.
fn deaf(ticket: (u16, u64)) -> u64 {
    let intruder = enter(ticket);
    intruder.result(intruder.mine());
    park()
}

#[test]
fn a_large_argument_that_nobody_reads_is_moved() {
    init_test_worker();
    let pool = wired(1);
    let mut gate = Gate::new();
    let attacker = pool.submit(deaf, gate.ticket(0));
    gate.arrival();
    gate.open();
    assert_eq!(finish(attacker).unwrap(), LOOT);
    let bytes = ByteBuf::from(vec![5; 64 << 20]);
    let echoed = finish(pool.submit(echo, bytes.clone())).unwrap();
    assert!(echoed == bytes, "{} bytes", echoed.len());
}

/// Says that it is done, and then begins to say something that has no end.
fn drip((ticket, first): ((u16, u64), usize)) -> u64 {
    let intruder = enter(ticket);
    let (slot, seq) = intruder.mine();
    intruder.result((slot, seq));
    let _wire = keep(&intruder);
    let head = Head {
        len: 1 << 30,
        slot: 0,
        kind: VALUE,
        seq,
    };
    let mut bytes = head.len.to_le_bytes().to_vec();
    bytes.extend([0; 16]);
    intruder.write(&bytes[..first]);
    loop {
        intruder.write(&[0]);
        intruder::pause(5);
    }
}

/// From within the head, and from within the result. The jobs behind wait in
/// vain, and are moved.
#[test]
fn a_message_without_end_is_no_excuse() {
    init_test_worker();
    for first in [1, 24] {
        let pool = wired(1);
        let mut gate = Gate::new();
        let waiting = pool.submit(pass, gate.ticket(0));
        assert_eq!(gate.arrival(), 0);
        let attacker = pool.submit(drip, (gate.ticket(1), first));
        let behind: Vec<_> = (0..40).map(|n| pool.submit(double, n)).collect();
        gate.open();
        assert_eq!(gate.arrival(), 1);
        gate.open();
        assert_eq!(finish(waiting).unwrap(), 0);
        assert_eq!(finish(attacker).unwrap(), LOOT);
        for (n, task) in (0..).zip(behind) {
            assert_eq!(finish(task).unwrap(), 2 * n, "{first}");
        }
    }
}

/// What dies with a job that is moved has not begun: it does not count as an
/// attempt.
#[test]
fn a_move_is_no_attempt() {
    init_test_worker();
    let (pool, pid) = idle();
    stop(pid);
    let doomed = pool.task(|()| std::process::exit(3), ());
    let doomed: executor_core::Task<()> = doomed.retries(1).submit();
    let error = finish(doomed).unwrap_err();
    assert_eq!(error.kind(), TaskErrorKind::WorkerLost);
    let lost = error.lost_worker().unwrap();
    assert_eq!(
        (lost.attempt(), lost.is_quarantined()),
        (2, true),
        "{error}"
    );
    assert_eq!(lost.exit(), WorkerExit::Code(3));
}
