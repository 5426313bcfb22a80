//! Models of what a worker and its parent do to the same memory: every
//! interleaving of the two, and of the memory's own freedoms.
//!
//! ```console
//! RUSTFLAGS="--cfg loom" cargo test --release
//! ```

#![cfg(all(test, loom))]
#![allow(dead_code, reason = "the files are used as they are")]

#[path = "../../src/supervisor/attention.rs"]
mod attention;
#[path = "../../src/transport/bell.rs"]
mod bell;
#[path = "../../src/supervisor/role.rs"]
mod role;
#[path = "../../src/transport/slot.rs"]
mod slot;
mod looking;
mod supervising;

use bell::Bell;
use loom::sync::Arc;
use loom::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use loom::sync::atomic::{AtomicBool, AtomicU64, fence};
use slot::{Order, Sight, Slot};

const SEQ: u64 = 5;
/// The next job with the same slot.
const NEXT: u64 = SEQ + 64;

fn order(len: usize) -> Order {
    Order {
        offset: -8,
        limited: false,
        len: len as u64,
        piped: None,
    }
}

/// A posted job, a worker in a thread of its own, and the parent.
fn model<W: 'static, P: 'static>(
    worker: fn(&Slot) -> W,
    parent: fn(&Slot) -> P,
    check: fn(&Slot, W, P),
) {
    loom::model(move || {
        let slot = Arc::new(Slot::new());
        slot.post(SEQ, order(3), b"abc");
        let theirs = slot.clone();
        let thread = loom::thread::spawn(move || worker(&theirs));
        let parents = parent(&slot);
        let workers = thread.join().unwrap();
        check(&slot, workers, parents);
    });
}

/// What the worker does with a job: true if it ran it.
fn run(slot: &Slot) -> bool {
    if !slot.claim(SEQ, None) {
        return false;
    }
    let order = slot.order();
    let mut argument = Vec::new();
    slot.read_argument(order.len, &mut argument);
    assert_eq!((order.offset, argument.as_slice()), (-8, &b"abc"[..]));
    slot.write(1, b"result");
    true
}

fn assert_result(slot: &Slot) {
    let outcome = slot.result();
    assert_eq!((outcome.kind, outcome.piped), (1, false));
    let mut result = Vec::new();
                assert_eq!(slot.read(outcome.len, &mut result), Some(6));
                assert_eq!(result, b"result");
}

#[test]
fn loom_a_job_is_either_taken_back_or_run() {
    model(
        |slot| run(slot) && slot.end(SEQ),
        |slot| slot.take_back(SEQ),
        |slot, ran, taken| {
            assert_ne!(ran, taken);
            let expected = if ran { Sight::Done } else { Sight::Acked };
            assert_eq!(slot.look(SEQ), expected);
        },
    );
}

#[test]
fn loom_a_kill_is_known_before_anything_else_begins() {
    model(
        |slot| run(slot) && slot.end(SEQ),
        |slot| slot.condemn(SEQ),
        // The worker goes on to the next job only if nobody is about to kill it.
        |slot, goes_on, condemned| {
            assert_ne!(goes_on, condemned);
            let expected = if goes_on { Sight::Done } else { Sight::Condemned };
            assert_eq!(slot.look(SEQ), expected);
        },
    );
}

#[test]
fn loom_a_job_that_is_cancelled_is_either_removed_or_killed_for_or_done() {
    model(
        |slot| run(slot) && slot.end(SEQ),
        |slot| (slot.take_back(SEQ), slot.condemn(SEQ)),
        |slot, goes_on, (taken, condemned)| {
            assert!(!(taken && condemned));
            assert!(!goes_on || !taken && !condemned);
            if !taken && !condemned {
                assert_eq!(slot.look(SEQ), Sight::Done);
            }
        },
    );
}

#[test]
fn loom_what_is_done_has_its_result() {
    model(
        |slot| run(slot) && slot.end(SEQ),
        |slot| {
            if slot.look(SEQ) == Sight::Done {
                assert_result(slot);
            }
        },
        |slot, ran, ()| {
            assert!(ran);
            assert_result(slot);
        },
    );
}

#[test]
fn loom_a_slot_is_used_again_and_nobody_takes_one_job_for_another() {
    loom::model(|| {
        let slot = Arc::new(Slot::new());
        slot.post(SEQ, order(1), b"x");
        assert!(slot.take_back(SEQ));
        let theirs = slot.clone();
        let worker = loom::thread::spawn(move || {
            if theirs.claim(SEQ, None) {
                panic!("it was taken back");
            }
            theirs.claim(NEXT, None)
        });
        if slot.look(SEQ) == Sight::Acked {
            slot.post(NEXT, order(0), b"");
            assert!(!slot.take_back(SEQ));
        }
        let claimed = worker.join().unwrap();
        let now = slot.look(NEXT);
        assert_eq!(claimed, now == Sight::Running);
    });
}

/// Who sleeps is rung for, whatever the order of things.
#[test]
fn loom_no_wake_up_is_lost() {
    loom::model(|| {
        let bell = Arc::new((Bell::new(), AtomicBool::new(false)));
        let theirs = bell.clone();
        let other = loom::thread::spawn(move || {
            theirs.1.store(true, Relaxed);
            theirs.0.must_ring()
        });
        bell.0.announce();
        let sleeps = !bell.1.load(Relaxed);
        let rung = other.join().unwrap();
        assert!(rung || !sleeps);
    });
}

/// A pipe that holds one byte, of which `pipe.rs` has the whole: the reader looks
/// whether anybody sleeps only if the pipe was full before it read, and that is enough.
#[test]
fn loom_who_waits_for_room_in_a_pipe_is_woken() {
    const CAPACITY: u64 = 1;
    loom::model(|| {
        let pipe = Arc::new((Bell::new(), AtomicU64::new(0), AtomicU64::new(0)));
        let theirs = pipe.clone();
        let reader = loom::thread::spawn(move || {
            let (bell, written, read) = &*theirs;
            if written.load(Acquire) == 0 {
                return None;
            }
            read.store(1, Release);
            fence(SeqCst);
            Some(written.load(Acquire) >= CAPACITY && bell.must_ring())
        });
        let (bell, written, read) = &*pipe;
        written.store(1, Release);
        let is_full = || CAPACITY - (1 - read.load(Acquire)) == 0;
        let sleeps = is_full() && {
            bell.announce();
            is_full()
        };
        // One that has read nothing does so later.
        if let Some(rung) = reader.join().unwrap() {
            assert!(rung || !sleeps);
        }
    });
}

/// Two who ring wake a sleeper once.
#[test]
fn loom_a_sleeper_is_woken_by_one() {
    loom::model(|| {
        let bell = Arc::new(Bell::new());
        bell.announce();
        let theirs = bell.clone();
        let other = loom::thread::spawn(move || theirs.must_ring());
        let mine = bell.must_ring();
        assert_ne!(mine, other.join().unwrap());
    });
}
