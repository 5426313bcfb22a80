//! map in the order of completion, where the test says which job runs when.

mod manual;

use executor_core::ExecutorExt as _;
use manual::{Manual, item, poll};
use std::task::Poll;

fn double(n: u64) -> u64 {
    2 * n
}

#[test]
fn unordered_yields_whatever_is_done_first() {
    let executor = Manual::default();
    let mut stream = executor.map(double, 0..).buffered(3).unordered();
    assert!(poll(&mut stream).is_pending());
    executor.run(2);
    executor.run(1);
    assert_eq!(item(&mut stream).unwrap(), 4);
    // The two that take their places are done before the first that was read.
    assert_eq!(item(&mut stream).unwrap(), 2);
    assert!(poll(&mut stream).is_pending());
    assert_eq!(executor.submitted(), 5);
    for n in 3..50 {
        executor.run(n);
        assert_eq!(item(&mut stream).unwrap(), 2 * n as u64);
        assert!(poll(&mut stream).is_pending());
        assert_eq!(executor.queued(), 3, "one that is slow holds up nobody");
    }
    executor.run(0);
    assert_eq!(item(&mut stream).unwrap(), 0);
}

#[test]
fn the_results_of_a_chunk_come_together() {
    let executor = Manual::default();
    let mut stream = executor.map(double, 0..6).chunks(2).unordered();
    assert!(poll(&mut stream).is_pending());
    [2, 0, 1].into_iter().for_each(|n| executor.run(n));
    let values = [(); 6].map(|()| item(&mut stream).unwrap());
    assert_eq!(values, [8, 10, 0, 2, 4, 6]);
    assert!(matches!(poll(&mut stream), Poll::Ready(None)));
}

#[test]
fn it_may_become_unordered_while_jobs_are_under_way() {
    let executor = Manual::default();
    let mut stream = executor.map(double, 0..4).buffered(3);
    assert!(poll(&mut stream).is_pending());
    executor.run(1);
    assert!(poll(&mut stream).is_pending());
    let mut stream = stream.unordered();
    assert_eq!(item(&mut stream).unwrap(), 2);
    executor.run(2);
    executor.run(0);
    assert_eq!([(); 2].map(|()| item(&mut stream).unwrap()), [4, 0]);
    executor.run(3);
    assert_eq!(item(&mut stream).unwrap(), 6);
    assert!(matches!(poll(&mut stream), Poll::Ready(None)));
}
