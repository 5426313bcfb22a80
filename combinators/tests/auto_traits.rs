//! Facts about types: what may cross threads, what may move while it is polled.

use combinators::{
    AsCompleted, AsCompletedTimeout, Gather, GatherSettled, Limit, LimitedGather,
    LimitedGatherSettled, ReturnWhen, Shield, Sleep, TaskGroup, TaskGroupError, Timeout,
    TimeoutScope, Wait, WaitFor, Waited, WithTaskGroup,
};
use executor_core::Task;
use std::cell::Cell;

fn is_send<T: Send>() {}
fn is_unpin<T: Unpin>() {}
fn is_debug<T: std::fmt::Debug>() {}

/// `Send`, but neither `Sync` nor `Debug`, and pinned for good.
#[allow(dead_code, reason = "only its auto traits are looked at")]
struct Awkward(Cell<u8>, std::marker::PhantomPinned);

#[test]
fn what_is_returned_is_send_unpin_and_debug_whatever_the_value_is() {
    macro_rules! check {
        ($($type:ty),+) => {$(
            is_send::<$type>();
            is_unpin::<$type>();
            is_debug::<$type>();
        )+};
    }
    check!(
        Gather<Vec<Task<Awkward>>>,
        Gather<(Task<Awkward>, Task<u8>)>,
        GatherSettled<Vec<Task<Awkward>>>,
        GatherSettled<(Task<Awkward>,)>,
        Limit,
        LimitedGather<std::vec::IntoIter<Awkward>, Awkward>,
        LimitedGatherSettled<std::vec::IntoIter<Awkward>, Awkward>,
        Wait<Awkward>,
        Waited<Awkward>,
        AsCompleted<Awkward>,
        AsCompletedTimeout<Awkward>,
        WaitFor<Awkward>,
        Shield<Awkward>,
        Timeout<Awkward>,
        WithTaskGroup<Awkward, Awkward>,
        Sleep,
        ReturnWhen
    );
}

#[test]
fn handles_are_shared_between_threads() {
    fn is_shared<T: Clone + Send + Sync + Unpin + std::fmt::Debug>() {}
    is_shared::<TimeoutScope>();
    is_shared::<TaskGroup>();
    is_shared::<TaskGroupError>();
}

#[test]
fn all_completed_is_the_default() {
    assert_eq!(ReturnWhen::default(), ReturnWhen::AllCompleted);
}
