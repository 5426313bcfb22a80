//! map, where what it is given or makes panics: the inputs, their drop, the drop of
//! results. A second panic while one unwinds would end the process.

mod manual;

use executor_core::ExecutorExt as _;
use futures::StreamExt as _;
use futures::executor::block_on;
use manual::{Manual, item, poll};
use serde::{Deserialize, Serialize};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::Poll;

#[derive(Serialize, Deserialize)]
struct Bomb(u8);

static DROPPED: AtomicU8 = AtomicU8::new(0);

impl Drop for Bomb {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Ordering::SeqCst);
        panic!("bomb {}", self.0);
    }
}

/// Runs `f`, in which so many bombs are dropped, and none is left out.
fn bombs<R>(f: impl FnOnce() -> R) -> (R, u8) {
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap();
    let before = DROPPED.load(Ordering::SeqCst);
    let result = f();
    (result, DROPPED.load(Ordering::SeqCst) - before)
}

#[test]
fn results_that_nobody_wants_are_dropped_one_by_one() {
    for (chunk, jobs) in [(1, 4), (4, 1)] {
        let ((), dropped) = bombs(|| {
            let executor = Manual::default();
            let mut stream = executor.map(Bomb, 1..=4).chunks(chunk).buffered(4);
            assert!(poll(&mut stream).is_pending());
            (0..jobs).for_each(|job| executor.run(job));
            let Ok(first) = item(&mut stream) else {
                panic!("no result");
            };
            std::mem::forget(first);
            drop(stream);
        });
        assert_eq!(dropped, 3);
        // Nor where they were not fetched at all.
        let ((), dropped) = bombs(|| {
            let executor = Manual::default();
            let mut stream = executor.map(Bomb, 1..=4).chunks(chunk).buffered(4);
            assert!(poll(&mut stream).is_pending());
            (0..jobs).for_each(|job| executor.run(job));
            drop(stream);
        });
        assert_eq!(dropped, 4);
    }
}

#[test]
fn so_are_inputs_that_were_not_used() {
    for chunk in [1, 2] {
        let ((), dropped) = bombs(|| {
            let executor = Manual::default();
            let inputs = (0..4).map(Bomb);
            let stream = executor.map(std::mem::forget::<Bomb>, inputs);
            let mut stream = stream.chunks(chunk).buffered(4);
            assert!(poll(&mut stream).is_pending());
            drop(stream);
        });
        assert_eq!(dropped, 4);
    }
}

/// What had been read is not lost: it is submitted when the stream is asked again.
#[test]
fn an_iterator_that_panics_costs_no_input() {
    for chunk in [1, 4] {
        let executor = Manual::default();
        let inputs = (0..6).inspect(|n| {
            static ONCE: [AtomicU8; 5] = [const { AtomicU8::new(0) }; 5];
            let first = ONCE[chunk].fetch_add(1, Ordering::SeqCst);
            assert!(*n != 2 || first != 2, "the iterator");
        });
        let mut stream = executor.map(|n: u8| n, inputs).chunks(chunk).buffered(8);
        let panics = catch_unwind(AssertUnwindSafe(|| poll(&mut stream)));
        assert!(panics.is_err());
        assert!(poll(&mut stream).is_pending());
        (0..executor.submitted()).for_each(|job| executor.run(job));
        let values: Vec<_> = block_on(stream.by_ref().map(Result::unwrap).collect());
        assert_eq!(values, [0, 1, 3, 4, 5], "2 was the iterator's to lose");
        assert!(matches!(poll(&mut stream), Poll::Ready(None)));
    }
    // Or is dropped with the stream.
    let ((), dropped) = bombs(|| {
        let executor = Manual::default();
        let inputs = (0..3).map(|n| match n {
            2 => panic!("the iterator"),
            n => Bomb(n),
        });
        let stream = executor.map(std::mem::forget::<Bomb>, inputs);
        let mut stream = stream.chunks(4).buffered(4);
        let panics = catch_unwind(AssertUnwindSafe(|| poll(&mut stream).is_pending()));
        assert!(panics.is_err());
        drop(stream);
    });
    assert_eq!(dropped, 2);
}
