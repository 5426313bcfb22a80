//! A panic costs its own task and nobody else anything.

mod common;

use common::{Gate, finish, pool};
use std::panic::panic_any;
use std::sync::mpsc::channel;
use std::thread;

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a bomb went off");
    }
}

#[test]
fn a_panic_comes_back_with_message_and_place() {
    let pool = pool(1);
    let error = finish(pool.spawn(|| -> u8 { panic!("number {}", 7) })).unwrap_err();
    assert!(error.is_panicked());
    let report = error.panic_report().expect("it says what happened");
    assert_eq!(report.message(), "number 7");
    assert!(report.location().unwrap().contains("panics.rs:"));
}

#[test]
fn the_thread_survives_every_kind_of_panic() {
    let pool = pool(1);
    let id = || thread::current().id();
    let first = finish(pool.spawn(id)).unwrap();

    assert!(finish(pool.spawn(|| panic!("text"))).is_err());
    assert!(finish(pool.spawn(|| panic_any(7_u8))).is_err());
    assert!(finish(pool.spawn(|| panic_any(Bomb))).is_err());
    let bomb = Bomb;
    // Its drop at the end of the closure is a panic of the function.
    assert!(finish(pool.spawn(move || drop(bomb))).is_err());
    // A result nobody takes.
    pool.spawn(|| Bomb).detach();
    // A queued job that is cancelled drops its captures on this thread.
    let gate = Gate::new();
    let ticket = gate.ticket();
    let blocked = pool.spawn(move || ticket.pass(1));
    assert_eq!(gate.arrival(), 1);
    let bomb = Bomb;
    let cancelled = pool.spawn(move || {
        let _whole = &bomb;
    });
    assert!(cancelled.cancel().took_effect());
    blocked.add_done_callback(|_| panic!("a callback"));
    gate.open();
    assert_eq!(finish(blocked).unwrap(), 1);

    assert_eq!(finish(pool.spawn(id)).unwrap(), first);
    assert_eq!(pool.workers(), 1);
}

#[test]
fn a_panic_leaves_the_other_workers_alone() {
    let pool = pool(2);
    let gate = Gate::new();
    let ticket = gate.ticket();
    let other = pool.spawn(move || ticket.pass(1));
    assert_eq!(gate.arrival(), 1);
    for n in 0..50 {
        let error = finish(pool.spawn(move || -> u8 { panic!("{n}") })).unwrap_err();
        assert_eq!(error.panic_report().unwrap().message(), n.to_string());
    }
    assert!(other.is_running());
    gate.open();
    assert_eq!(finish(other).unwrap(), 1);
    assert_eq!(pool.workers(), 2);
}

#[test]
fn a_job_that_submits_while_it_unwinds_is_served() {
    struct Submits(pool_thread::ThreadPool, std::sync::mpsc::Sender<u8>);
    impl Drop for Submits {
        fn drop(&mut self) {
            let tell = self.1.clone();
            self.0.spawn(move || tell.send(1).unwrap()).detach();
        }
    }
    let pool = pool(2);
    let (tell, told) = channel();
    let submits = Submits(pool.clone(), tell);
    let task = pool.spawn(move || {
        let _submits = &submits;
        panic!("on purpose");
    });
    let outcome: Result<(), _> = finish(task);
    assert!(outcome.unwrap_err().is_panicked());
    assert_eq!(told.recv_timeout(common::LONG), Ok(1));
}
