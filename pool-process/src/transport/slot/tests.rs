//! Slots in the hands of one thread; see `models/` for two.

use super::*;

fn slot() -> Slot {
    // SAFETY: a slot is nothing but atomic integers.
    unsafe { std::mem::zeroed() }
}

fn post(slot: &Slot, seq: u64) {
    let order = Order {
        offset: -5,
        limited: true,
        len: 3,
        piped: None,
    };
    slot.post(seq, order, b"abc");
    assert_eq!(slot.order(), order);
}

#[test]
fn a_job_goes_through_and_its_result_is_read_on_the_other_side() {
    let slot = slot();
    post(&slot, 77);
    assert_eq!(slot.look(77), Sight::Queued);
    assert!(slot.claim(77, Some(9)));
    assert_eq!((slot.look(77), slot.began()), (Sight::Running, 9));
    let mut argument = b"x".to_vec();
    slot.read_argument(3, &mut argument);
    assert_eq!(argument, b"xabc");
    slot.write(3, b"thirteen byte");
    assert!(slot.end(77));
    assert_eq!(slot.look(77), Sight::Done);
    let outcome = slot.result();
    assert_eq!((outcome.kind, outcome.piped, outcome.len), (3, false, 13));
    let mut result = Vec::new();
    assert_eq!(slot.read(13, &mut result), Some(13));
    assert_eq!(result, b"thirteen byte");
    assert_eq!(slot.look(78), Sight::Nonsense);
}

#[test]
fn what_is_taken_back_does_not_run_and_what_runs_is_not_taken_back() {
    let slot = slot();
    post(&slot, 1);
    assert!(slot.take_back(1));
    assert!(!slot.claim(1, None));
    assert_eq!(slot.look(1), Sight::Acked);
    post(&slot, 2);
    assert!(!slot.claim(1, None), "a stale view");
    assert!(slot.claim(2, None));
    assert!(!slot.take_back(2));
}

#[test]
fn a_condemned_worker_learns_it_at_the_end_of_its_job() {
    let slot = slot();
    post(&slot, 1);
    assert!(!slot.condemn(1), "it does not run yet");
    assert!(slot.claim(1, None));
    assert!(slot.condemn(1));
    assert!(!slot.end(1));
    post(&slot, 2);
    assert!(slot.claim(2, None) && slot.end(2));
    assert!(!slot.condemn(2), "it has ended");
}

#[test]
fn a_length_that_cannot_be_is_refused() {
    let slot = slot();
    for len in [INLINE as u64 + 1, u64::MAX] {
        assert!(slot.read(len, &mut Vec::new()).is_none());
    }
    let outcome = Outcome {
        kind: 255,
        piped: true,
        len: (1 << 55) - 1,
    };
    slot.announce(outcome);
    assert_eq!(slot.result(), outcome);
}
