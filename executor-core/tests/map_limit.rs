//! map with a limit: CPython's `Executor.map(…, timeout=…)`.

mod manual;

use executor_core::{ExecutorExt as _, Inline};
use futures::StreamExt as _;
use futures::executor::block_on;
use manual::{Manual, item, poll};
use std::cell::Cell;
use std::task::Poll;
use std::time::{Duration, Instant};

const NEVER: Duration = Duration::from_secs(3600);

fn double(n: u64) -> u64 {
    2 * n
}

/// Passes the time until a limit that counts from before this call has passed.
fn outlast(limit: Duration) {
    let start = Instant::now();
    while start.elapsed() <= limit {
        std::thread::yield_now();
    }
}

/// CPython: executor.py::test_map_timeout
#[test]
fn what_is_done_comes_first_then_one_error_and_the_end() {
    for (unordered, chunk) in [(false, 1), (true, 1), (false, 2), (true, 2)] {
        let mut limit = Duration::from_millis(20);
        let executor = loop {
            let executor = Manual::default();
            let stream = executor.map(double, 0..).buffered(6).chunks(chunk);
            let stream = if unordered {
                stream.unordered()
            } else {
                stream
            };
            let mut stream = stream.timeout(limit);
            if poll(&mut stream).is_ready() {
                // Nothing was submitted before it passed: this machine is slow.
                limit *= 2;
                continue;
            }
            executor.run(0);
            outlast(limit);
            let before = executor.submitted();
            for n in 0..chunk as u64 {
                assert_eq!(item(&mut stream).unwrap(), 2 * n, "done is done");
            }
            let error = item(&mut stream).unwrap_err();
            assert!(error.is_timed_out(), "{error}");
            let unfinished = format!("{} inputs were unfinished", 6 - chunk);
            assert!(error.to_string().contains(&unfinished), "{error}");
            assert!(error.to_string().contains("not read"), "{error}");
            assert_eq!(executor.submitted(), before, "no input is read any more");
            assert_eq!(executor.queued(), 0, "what was submitted is cancelled");
            assert!(matches!(poll(&mut stream), Poll::Ready(None)));
            drop(stream);
            break executor;
        };
        assert_eq!(executor.submitted(), 6 / chunk);
    }
}

/// Nobody resolves anything: the limit itself wakes the reader.
#[test]
fn the_reader_is_woken_by_the_limit() {
    for unordered in [false, true] {
        let executor = Manual::default();
        let stream = executor
            .map(double, 0..3)
            .timeout(Duration::from_millis(10));
        let stream = if unordered {
            stream.unordered()
        } else {
            stream
        };
        let items: Vec<_> = block_on(stream.collect());
        assert_eq!(items.len(), 1);
        assert!(items[0].as_ref().unwrap_err().is_timed_out());
        assert_eq!(executor.queued(), 0);
    }
}

#[test]
fn it_counts_from_the_call_of_map() {
    let limit = Duration::from_millis(1);
    let executor = Manual::default();
    let stream = executor.map(double, 0..3);
    outlast(limit);
    let items: Vec<_> = block_on(stream.timeout(limit).collect());
    assert_eq!((items.len(), executor.submitted()), (1, 0));
    let error = items[0].as_ref().unwrap_err().to_string();
    assert!(error.contains("0 inputs were unfinished"), "{error}");
    assert!(error.contains("not read"), "{error}");
}

#[test]
fn a_limit_of_zero_passes_at_once() {
    let inline = Inline::new();
    let items: Vec<_> = block_on(inline.map(double, 0..).timeout(Duration::ZERO).collect());
    assert_eq!(items.len(), 1);
    assert!(items[0].as_ref().unwrap_err().is_timed_out());
    let nothing = inline.map(double, []).timeout(Duration::ZERO);
    assert!(
        block_on(nothing.collect::<Vec<_>>()).is_empty(),
        "nothing was missed"
    );
}

#[test]
fn an_endless_stream_ends_with_it() {
    let inline = Inline::new();
    let endless = inline.map(double, 0..).timeout(Duration::from_millis(5));
    let last = block_on(endless.fold(None, async |_, item| Some(item)));
    assert!(last.unwrap().unwrap_err().is_timed_out());
}

/// All is done in time, and is read late: that is no failure.
#[test]
fn what_was_done_in_time_may_be_read_at_any_time() {
    for (unordered, buffered) in [(false, 3), (true, 3), (false, 9), (true, 9)] {
        let mut limit = Duration::from_millis(20);
        loop {
            let executor = Manual::default();
            let stream = executor.map(double, 0..3).buffered(buffered).timeout(limit);
            let mut stream = if unordered {
                stream.unordered()
            } else {
                stream
            };
            if poll(&mut stream).is_ready() {
                limit *= 2;
                continue;
            }
            (0..3).for_each(|n| executor.run(n));
            outlast(limit);
            let values: Vec<_> = block_on(stream.map(Result::unwrap).collect());
            assert_eq!(values, [0, 2, 4]);
            break;
        }
    }
}

#[test]
fn one_that_does_not_pass_changes_nothing() {
    for limit in [NEVER, Duration::MAX] {
        let executor = Manual::default();
        let mut stream = executor.map(double, 0..2).timeout(limit);
        assert!(poll(&mut stream).is_pending());
        executor.run(1);
        assert!(poll(&mut stream).is_pending());
        executor.run(0);
        let values: Vec<_> = block_on(stream.map(Result::unwrap).collect());
        assert_eq!(values, [0, 2]);
    }
}

/// An iterator that would block is not asked for another input when the limit has
/// passed, and one that has some loses none.
#[test]
fn nothing_is_read_when_it_has_passed() {
    let limit = Duration::from_millis(1);
    let inputs = std::iter::from_fn(|| -> Option<u64> { panic!("it was read") });
    let executor = Manual::default();
    let stream = executor.map(double, inputs);
    outlast(limit);
    let items: Vec<_> = block_on(stream.timeout(limit).collect());
    let error = items[0].as_ref().unwrap_err().to_string();
    assert!(error.contains("others may be unread"), "{error}");

    let mut inputs = 0..3;
    let stream = executor.map(double, inputs.by_ref());
    outlast(limit);
    let items: Vec<_> = block_on(stream.timeout(limit).collect());
    let error = items[0].as_ref().unwrap_err().to_string();
    assert!(error.contains("others were not read"), "{error}");
    assert_eq!(inputs, 0..3);
}

/// Each input takes its time, so that no more of them can be read than there is time for.
#[test]
fn inputs_that_come_slowly_are_not_read_beyond_the_limit() {
    let (each, limit) = (Duration::from_millis(10), Duration::from_millis(100));
    for chunk in [None, Some(1), Some(16)] {
        let read = Cell::new(0_u64);
        let inputs = std::iter::repeat_with(|| {
            std::thread::sleep(each);
            read.replace(read.get() + 1)
        });
        let executor = Manual::default();
        let map = executor.map(double, inputs).buffered(64);
        let map = match chunk {
            Some(chunk) => map.chunks(chunk),
            None => map,
        };
        let mut stream = map.timeout(limit);
        let error = block_on(stream.next()).unwrap().unwrap_err();
        assert!(error.is_timed_out(), "{error}");
        assert!(read.get() <= 11, "{chunk:?}: {} were read", read.get());
        let what = format!("{} inputs were unfinished", read.get());
        assert!(error.to_string().contains(&what), "{error}");
        assert!(block_on(stream.next()).is_none());
    }
}
