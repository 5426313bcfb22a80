//! A worker that sends parts of results that there are none of.

mod common;
mod intruder;

use common::finish;
use executor_core::conformance::Gate;
use executor_core::{DeathCause, ExecutorExt as _, TaskError};
use intruder::{Head, LOOT, PART, by, enter, head_about, park};
use pool_process::{ProcessPool, Transport};
use serde::{Deserialize, Serialize};
use std::sync::atomic::Ordering::SeqCst;

pool_process::test_worker!();

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Attack {
    /// A part for another slot or another job, by so much.
    Mistaken { slot: u32, seq: u64 },
    /// A part of its own result, which has none.
    Own,
    /// Something else over a wire that is for parts.
    Unheard(u32),
    /// It says that it has sent so many.
    Counted(u64),
}

fn attack((ticket, attack): ((u16, u64), Attack)) -> u64 {
    let intruder = enter(ticket);
    let head = head_about(intruder.mine(), PART);
    match attack {
        Attack::Mistaken { slot, seq } => {
            let slot = head.slot.wrapping_add(slot);
            let seq = head.seq.wrapping_add(seq);
            intruder.send(Head { slot, seq, ..head }, &[7]);
        }
        Attack::Own => intruder.send(head, &[7]),
        Attack::Unheard(kind) => intruder.send(Head { kind, ..head }, &[7]),
        Attack::Counted(parts) => {
            intruder.parts().store(parts, SeqCst);
            return LOOT;
        }
    }
    park()
}

fn double(n: u64) -> u64 {
    2 * n
}

/// Has the only worker attacked, while jobs wait behind.
fn withstand(pool: &ProcessPool, what: Attack) -> Result<u64, TaskError> {
    let mut gate = Gate::new();
    let attacker = pool.submit(attack, (gate.ticket(1), what));
    let behind: Vec<_> = (0..40).map(|n| pool.submit(double, n)).collect();
    assert_eq!(gate.arrival(), 1);
    gate.open();
    let outcome = finish(attacker);
    for (n, task) in (0..).zip(behind) {
        assert_eq!(finish(task).unwrap(), 2 * n, "{what:?}");
    }
    outcome
}

fn is_caught(way: Transport, what: Attack) {
    let error = withstand(&by(way, 1), what).unwrap_err();
    let lost = error.lost_worker().unwrap_or_else(|| panic!("{error}"));
    assert_eq!(lost.cause(), DeathCause::Misbehaved, "{way:?} {what:?}");
}

#[test]
fn a_part_of_what_has_none_costs_the_worker() {
    init_test_worker();
    for way in [Transport::SharedMemory, Transport::Messages] {
        for (slot, seq) in [(0, 1), (1, 1), (0, u64::MAX), (40, 0), (u32::MAX / 2, 0)] {
            is_caught(way, Attack::Mistaken { slot, seq });
        }
        is_caught(way, Attack::Own);
    }
}

#[test]
fn where_all_goes_through_shared_memory_nothing_but_parts_is_heard() {
    init_test_worker();
    for kind in [0, 3, 4, 9, u32::MAX] {
        is_caught(Transport::SharedMemory, Attack::Unheard(kind));
    }
}

#[test]
fn parts_that_were_counted_and_not_sent_are_not_waited_for() {
    init_test_worker();
    for way in [Transport::SharedMemory, Transport::Messages] {
        for parts in [1, 1 << 40, u64::MAX] {
            let result = withstand(&by(way, 1), Attack::Counted(parts));
            assert_eq!(result.unwrap(), LOOT, "{way:?} {parts}");
        }
    }
}
