//! That nothing piles up in a token that lives long.

use super::*;
use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Waker};

#[test]
fn children_and_futures_take_themselves_off() {
    let root = CancelToken::new();
    let kept = root.child();
    for _ in 0..100 {
        let child = root.child();
        let mut waits = pin!(root.cancelled());
        let mut context = Context::from_waker(Waker::noop());
        assert!(waits.as_mut().poll(&mut context).is_pending());
        assert!(waits.as_mut().poll(&mut context).is_pending());
        assert_eq!(root.0.counts(), (1, 2), "polled twice, it is there once");
        drop(child);
    }
    assert_eq!(root.0.counts(), (0, 1));
    drop(kept);
    assert_eq!(root.0.counts(), (0, 0));
    let child = root.child();
    root.cancel();
    assert_eq!(root.0.counts(), (0, 0));
    assert!(child.is_cancelled() && root.child().is_cancelled());
    assert_eq!(root.0.counts(), (0, 0), "a late child is not kept");
}

/// A grandchild is reached although nobody has the child any more, and a long chain
/// is cancelled and dropped without recursion.
#[test]
fn a_chain_holds_however_long_it_is() {
    let root = CancelToken::new();
    let mut last = root.child();
    for _ in 0..20_000 {
        last = last.child();
    }
    root.cancel();
    assert!(last.is_cancelled());
    drop(last);
    let mut last = CancelToken::new();
    for _ in 0..20_000 {
        last = last.child();
    }
    drop(last);
}

/// Both find all flags set when they return, whoever came first.
#[test]
fn whoever_cancels_finds_all_below_marked() {
    for _ in 0..20 {
        let root = CancelToken::new();
        let branches: Vec<_> = (0..50).map(|_| root.child()).collect();
        let leaves = branches
            .iter()
            .flat_map(|branch| (0..200).map(|_| branch.child()));
        let leaves: Vec<_> = leaves.collect();
        let start = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    start.wait();
                    root.cancel();
                    assert!(leaves.iter().all(CancelToken::is_cancelled));
                });
            }
        });
    }
}
