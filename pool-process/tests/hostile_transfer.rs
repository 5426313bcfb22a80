//! A worker that moves a large payload, but hardly: a byte now and then.

mod common;
mod intruder;

use common::{finish, is_alive};
use executor_core::conformance::Gate;
use executor_core::{
    Bytes, CancelOutcome, DeathCause, Executor as _, ExecutorExt as _, Shutdown, Task,
    TaskErrorKind, WorkerExit,
};
use intruder::{Head, Intruder, LOOT, VALUE, enter, lurk, park, pause, shared, wired};
use pool_process::ProcessPool;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

pool_process::test_worker!();

const ARGUMENTS_WRITTEN: usize = 0;
const ARGUMENTS_READ: usize = 1;
const RESULTS_WRITTEN: usize = 2;

/// Says that it is done, and from then on reads a byte now and then.
fn sip(ticket: (u16, u64)) -> u64 {
    let intruder = enter(ticket);
    intruder.forge(intruder.mine());
    intruder.wake_parent();
    lurk(move || {
        let read = intruder.counter(ARGUMENTS_READ);
        // No more than there is: that would be found out.
        if read.load(SeqCst) < intruder.counter(ARGUMENTS_WRITTEN).load(SeqCst) {
            read.fetch_add(1, SeqCst);
            intruder.wake_parent();
        }
        pause(5);
    });
    park()
}

fn echo(bytes: Bytes) -> Bytes {
    bytes
}

/// The function has not begun, so that it has a time limit changes nothing.
#[test]
fn an_argument_that_is_read_byte_by_byte_is_moved() {
    init_test_worker();
    for limit in [None, Some(Duration::from_secs(3600))] {
        let pool = shared(1);
        let mut gate = Gate::new();
        let attacker = pool.submit(sip, gate.ticket(0));
        gate.arrival();
        gate.open();
        assert_eq!(finish(attacker).unwrap(), LOOT);
        let pids = pool.worker_pids();
        let bytes = Bytes::from(vec![5; 8 << 20]);
        let task = pool.task(echo, bytes.clone());
        let task = match limit {
            Some(limit) => task.timeout(limit),
            None => task,
        };
        assert!(finish(task.submit()).unwrap() == bytes);
        assert!(pids.into_iter().all(|pid| !is_alive(pid)));
    }
}

/// Sends a byte of a result now and then.
fn drip((ticket, by_message): ((u16, u64), bool)) -> Bytes {
    let intruder = enter(ticket);
    let (slot, seq) = intruder.mine();
    match by_message {
        true => drip_over_the_wire(&intruder, slot, seq),
        false => intruder.announce(slot, 1 << 30),
    }
    loop {
        intruder.counter(RESULTS_WRITTEN).fetch_add(1, SeqCst);
        intruder.wake_parent();
        pause(5);
    }
}

fn drip_over_the_wire(intruder: &Intruder, slot: usize, seq: u64) -> ! {
    let (len, slot, kind) = (1 << 30, slot as u32, VALUE);
    let head = Head {
        len,
        slot,
        kind,
        seq,
    };
    intruder.send(head, &[]);
    loop {
        intruder.write(&[0]);
        pause(5);
    }
}

/// The worker that drips, and has begun to.
fn dripping(pool: &ProcessPool, by_message: bool, limit: Option<Duration>) -> Task<Bytes> {
    let mut gate = Gate::new();
    let task = pool.task(drip, (gate.ticket(0), by_message));
    let task = match limit {
        Some(limit) => task.timeout(limit),
        None => task,
    };
    let task = task.submit();
    gate.arrival();
    gate.open();
    task
}

/// With a time limit too, since the function says that it has ended. By message that
/// is not even said: then it is the limit that ends it.
#[test]
fn a_result_that_comes_byte_by_byte_does_not_come_for_ever() {
    init_test_worker();
    for limit in [None, Some(Duration::from_secs(1))] {
        let pool = shared(1);
        let task = dripping(&pool, false, limit);
        let behind = pool.submit(echo, Bytes::from("behind".to_owned()));
        let error = finish(task).unwrap_err();
        let lost = error.lost_worker().unwrap();
        let found = (lost.exit(), lost.cause());
        assert_eq!(found, (WorkerExit::Signal(9), DeathCause::Misbehaved));
        assert_eq!(&*finish(behind).unwrap(), b"behind");
    }
    for (limit, kind) in [
        (None, TaskErrorKind::WorkerLost),
        (Some(Duration::from_secs(1)), TaskErrorKind::TimedOut),
    ] {
        let pool = wired(1);
        let error = finish(dripping(&pool, true, limit)).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
}

#[test]
fn a_result_on_its_way_can_be_cancelled() {
    init_test_worker();
    for by_message in [false, true] {
        let pool = if by_message { wired(1) } else { shared(1) };
        let task = dripping(&pool, by_message, None);
        assert_eq!(task.cancel(), CancelOutcome::Killed);
        assert!(finish(task).unwrap_err().is_cancelled());
    }
}

#[test]
fn a_shutdown_does_not_wait_for_a_result_on_its_way() {
    init_test_worker();
    for by_message in [false, true] {
        let pool = if by_message { wired(1) } else { shared(1) };
        let task = dripping(&pool, by_message, None);
        finish(pool.shutdown(Shutdown::kill())).unwrap();
        assert!(finish(task).unwrap_err().is_cancelled());
    }
}

/// Ends at once, and takes longer than its limit to send what it has.
fn linger(ticket: (u16, u64)) -> Bytes {
    let intruder = enter(ticket);
    let (slot, seq) = intruder.mine();
    let written = intruder.counter(RESULTS_WRITTEN);
    intruder.announce(slot, 1000);
    written.fetch_add(50, SeqCst);
    intruder.wake_parent();
    pause(2000);
    written.fetch_add(950, SeqCst);
    intruder.word(slot).store(seq << 3 | intruder::DONE, SeqCst);
    intruder.wake_parent();
    park()
}

/// The limit is for the function, and that has ended.
#[test]
fn a_result_on_its_way_is_not_late() {
    init_test_worker();
    let pool = shared(1);
    let mut gate = Gate::new();
    let task = pool.task(linger, gate.ticket(0));
    let task = task.timeout(Duration::from_secs(1)).submit();
    gate.arrival();
    gate.open();
    assert_eq!(finish(task).unwrap().len(), 1000);
}
