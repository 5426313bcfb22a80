//! map: CPython's `executor.py::ExecutorTest::test_map*` and `test_free_reference`,
//! where the test says which job runs when.

mod manual;

use executor_core::conformance::Canary;
use executor_core::{Executor, ExecutorExt as _, Inline};
use futures::executor::block_on;
use futures::{Stream, StreamExt as _};
use manual::{Manual, item, poll};
use std::cell::Cell;
use std::task::Poll;

static INLINE: Inline = Inline::new();

fn double(n: u64) -> u64 {
    2 * n
}

fn values(stream: impl Stream<Item = Result<u64, executor_core::TaskError>>) -> Vec<u64> {
    block_on(stream.map(Result::unwrap).collect())
}

/// CPython: executor.py::test_map
#[test]
fn results_come_in_the_order_of_the_inputs_whoever_is_done_first() {
    let executor = Manual::default();
    let mut stream = executor.map(double, 0..3);
    assert!(poll(&mut stream).is_pending());
    executor.run(2);
    executor.run(1);
    assert!(poll(&mut stream).is_pending());
    executor.run(0);
    assert_eq!([(); 3].map(|()| item(&mut stream).unwrap()), [0, 2, 4]);
    assert!(matches!(poll(&mut stream), Poll::Ready(None)));
    assert!(matches!(poll(&mut stream), Poll::Ready(None)));
}

/// CPython: executor.py::test_map_buffersize, test_process_pool.py::test_map_chunksize
#[test]
fn any_buffer_and_chunk_give_the_same() {
    let serial: Vec<_> = (0..40).map(double).collect();
    for buffered in [1, 2, 3, 39, 40, 41, 1000] {
        for chunk in [1, 3, 6, 40, 50] {
            let stream = || INLINE.map(double, 0..40).buffered(buffered).chunks(chunk);
            assert_eq!(values(stream()), serial);
            let mut unordered = values(stream().unordered());
            unordered.sort_unstable();
            assert_eq!(unordered, serial);
        }
    }
}

/// CPython: executor.py::test_map_exception: also inside a chunk.
#[test]
fn an_error_stands_in_its_place_and_the_stream_goes_on() {
    let not_two = |n: u64| {
        assert!(n != 2, "two");
        n
    };
    for chunk in [1, 2, 3, 5] {
        let results: Vec<_> = block_on(INLINE.map(not_two, 0..5).chunks(chunk).collect());
        let error = results[2].as_ref().unwrap_err();
        assert!(error.is_panicked() && error.to_string().contains("two"));
        let good: Vec<_> = results.iter().flatten().copied().collect();
        assert_eq!(good, [0, 1, 3, 4], "chunks({chunk})");
    }
}

/// What ends a whole job fails each input of its chunk, and no other.
#[test]
fn a_lost_job_fails_the_inputs_of_its_chunk() {
    for unordered in [false, true] {
        let executor = Manual::default();
        let stream = executor.map(double, 0..6).chunks(2);
        let mut stream = if unordered {
            stream.unordered()
        } else {
            stream
        };
        assert!(poll(&mut stream).is_pending());
        executor.run(0);
        executor.lose(1);
        executor.run(2);
        let results: Vec<_> = block_on(stream.map(Result::ok).collect());
        assert_eq!(results, [Some(0), Some(2), None, None, Some(8), Some(10)]);
    }
}

/// CPython: executor.py::test_map_buffersize_when_buffer_is_full
#[test]
fn exactly_so_many_inputs_are_read_before_the_first_result_and_one_for_each() {
    for unordered in [false, true] {
        let executor = Manual::default();
        let read = Cell::new(0);
        let inputs = (0..).inspect(|_| read.set(read.get() + 1));
        let stream = executor.map(double, inputs).buffered(4);
        let mut stream = if unordered {
            stream.unordered()
        } else {
            stream
        };
        assert_eq!(read.get(), 0, "nothing before it is polled");
        for n in 0..10 {
            assert!(poll(&mut stream).is_pending());
            assert_eq!((read.get(), executor.submitted()), (n + 4, n + 4));
            executor.run(n);
            assert_eq!(item(&mut stream).unwrap(), 2 * n as u64);
            assert_eq!(read.get(), n + 4);
        }
    }
}

/// The same with chunks: a buffer that is no multiple of them is filled up, and read
/// on when a whole chunk has been yielded.
#[test]
fn chunks_are_read_exactly_so_far_ahead() {
    for unordered in [false, true] {
        let executor = Manual::default();
        let read = Cell::new(0);
        let inputs = (0..).inspect(|_| read.set(read.get() + 1));
        let stream = executor.map(double, inputs).buffered(5).chunks(2);
        let mut stream = if unordered {
            stream.unordered()
        } else {
            stream
        };
        assert!(poll(&mut stream).is_pending());
        assert_eq!(
            (read.get(), executor.submitted()),
            (5, 3),
            "two, two and one"
        );
        executor.run(0);
        assert_eq!(item(&mut stream).unwrap(), 0);
        assert_eq!(item(&mut stream).unwrap(), 2);
        assert_eq!(read.get(), 5);
        assert!(poll(&mut stream).is_pending());
        assert_eq!((read.get(), executor.submitted()), (7, 4));
    }
}

/// CPython: executor.py::test_map_buffersize_on_infinite_iterable,
/// test_map_buffersize_on_multiple_infinite_iterables
#[test]
fn endless_inputs_are_read_lazily() {
    let add = |(a, b): (u64, u64)| a + b;
    let pairs = || (0..).zip(100..);
    for chunk in [1, 2] {
        let stream = || INLINE.map(add, pairs()).buffered(2).chunks(chunk);
        assert_eq!(values(stream().take(3)), [100, 102, 104]);
        assert_eq!(values(stream().unordered().take(3)), [100, 102, 104]);
    }
}

/// CPython: executor.py::test_map_buffersize_on_empty_iterable
#[test]
fn without_inputs_it_ends() {
    for (buffered, chunk) in [(1, 1), (7, 3)] {
        let stream = || INLINE.map(double, []).buffered(buffered).chunks(chunk);
        assert!(values(stream()).is_empty());
        assert!(values(stream().unordered()).is_empty());
    }
}

/// CPython: executor.py::test_map_buffersize_value_validation
#[test]
fn a_buffer_or_chunk_of_zero_is_refused_before_any_input_is_read() {
    let untouched = || std::iter::from_fn(|| -> Option<u64> { panic!("it is not read") });
    for stream in [
        INLINE.map(double, untouched()).buffered(0),
        INLINE.map(double, untouched()).chunks(0),
        INLINE.map(double, untouched()).buffered(0).unordered(),
    ] {
        let items: Vec<_> = block_on(stream.collect());
        assert_eq!(items.len(), 1);
        let error = items[0].as_ref().unwrap_err();
        assert!(error.is_rejected());
        assert!(error.to_string().contains("greater than 0"), "{error}");
    }
}

/// CPython: executor.py::test_free_reference
#[test]
fn a_result_that_was_yielded_is_not_kept() {
    for (mode, (unordered, chunk)) in [(false, 1), (true, 1), (false, 3), (true, 3)]
        .into_iter()
        .enumerate()
    {
        let ticket = |n| (u16::try_from(mode).unwrap(), n);
        let canaries = (0..6).map(|n| Canary::new(ticket(n)));
        let stream = INLINE.map(|canary: Canary| canary, canaries).chunks(chunk);
        let mut stream = if unordered {
            stream.unordered()
        } else {
            stream
        };
        for n in 0..6 {
            let canary = item(&mut stream).unwrap();
            assert_eq!(canary.ticket(), ticket(n));
            assert!(!Canary::is_dropped(ticket(n)));
            drop(canary);
            assert!(Canary::is_dropped(ticket(n)));
        }
    }
}

/// CPython: test_process_pool.py::test_ressources_gced_in_workers
#[test]
fn an_input_that_was_used_is_not_kept() {
    let ticket = |n| (100, n);
    let executor = Manual::default();
    let use_up = |canary: Canary| canary.ticket().1;
    let mut stream = executor.map(use_up, (0..3).map(|n| Canary::new(ticket(n))));
    assert!(poll(&mut stream).is_pending());
    executor.run(1);
    let dropped = [0, 1, 2].map(|n| Canary::is_dropped(ticket(n)));
    assert_eq!(dropped, [false, true, false]);
}

#[test]
fn dropping_it_cancels_what_it_has_submitted() {
    for (unordered, chunk) in [(false, 1), (true, 1), (false, 2), (true, 2)] {
        let executor = Manual::default();
        let stream = executor.map(double, 0..).buffered(6).chunks(chunk);
        let mut stream = if unordered {
            stream.unordered()
        } else {
            stream
        };
        assert!(poll(&mut stream).is_pending());
        assert_eq!(executor.queued(), 6 / chunk);
        executor.run(0);
        drop(stream);
        assert_eq!(executor.queued(), 0);
    }
}

/// Results pass from other threads to the reader, who sleeps in between.
#[test]
fn no_result_is_slept_through() {
    struct ThreadPerJob;
    impl Executor for ThreadPerJob {
        fn execute(&self, job: executor_core::Job) {
            std::thread::spawn(move || job.run());
        }
        fn shutdown(
            &self,
            _: executor_core::Shutdown,
        ) -> executor_core::Task<executor_core::ShutdownReport> {
            executor_core::Task::ready("shutdown", Ok(Default::default()))
        }
        fn concurrency(&self) -> usize {
            4
        }
    }
    for chunk in [1, 3] {
        let stream = || ThreadPerJob.map(double, 0..200).buffered(8).chunks(chunk);
        assert!(values(stream()).into_iter().eq((0..200).map(double)));
        let mut unordered = values(stream().unordered());
        unordered.sort_unstable();
        assert!(unordered.into_iter().eq((0..200).map(double)));
    }
}
