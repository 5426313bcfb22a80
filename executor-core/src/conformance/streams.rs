//! Rules about `map`.

use super::{DEADLINE, Subject};
use crate::ext::ExecutorExt as _;
use futures_core::Stream;
use std::cell::Cell;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The items of a stream, each within the deadline.
fn iterate<S: Stream>(stream: S, mut each: impl FnMut(S::Item) -> bool) {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut stream = pin!(stream);
    let mut since = Instant::now();
    loop {
        match stream.as_mut().poll_next(&mut context) {
            Poll::Ready(Some(item)) => {
                if !each(item) {
                    return;
                }
                since = Instant::now();
            }
            Poll::Ready(None) => return,
            Poll::Pending => {
                assert!(since.elapsed() < DEADLINE, "no item within {DEADLINE:?}");
                std::thread::park_timeout(DEADLINE);
            }
        }
    }
}

fn not_seven(n: u64) -> u64 {
    assert!(n != 7, "seven");
    n * n
}

/// Results come in the order of the inputs, an error in its own place, whatever
/// the buffer and the chunks; a chunk keeps its good items.
pub fn map_keeps_order_and_places_of_errors(subject: &dyn Subject) {
    let executor = subject.start(3);
    for (buffered, chunk) in [(1, 1), (4, 1), (5, 3), (100, 7), (3, 40), (64, 64)] {
        let stream = executor
            .map(not_seven, 0..50)
            .buffered(buffered)
            .chunks(chunk);
        let mut next = 0;
        iterate(stream, |item| {
            match item {
                Ok(square) => assert_eq!(square, next * next),
                Err(error) => assert!(next == 7 && error.to_string().contains("seven")),
            }
            next += 1;
            true
        });
        assert_eq!(next, 50, "buffered({buffered}).chunks({chunk})");
    }
    iterate(executor.map(not_seven, []), |_| panic!("no input, no item"));
}

/// An endless input is read exactly as far ahead as was asked for.
pub fn map_reads_no_further_ahead_than_asked(subject: &dyn Subject) {
    let executor = subject.start(2);
    for chunk in [1, 4] {
        let read = Cell::new(0);
        let inputs = (8..).inspect(|_| read.set(read.get() + 1));
        let stream = executor.map(not_seven, inputs).buffered(8).chunks(chunk);
        let mut yielded = 0;
        iterate(stream, |item| {
            assert!(item.is_ok());
            assert!(read.get() <= yielded + 8, "{} read", read.get());
            yielded += 1;
            yielded < 30
        });
        assert!(read.get() >= 30);
    }
}

/// A buffer or a chunk of zero could never yield: it is an error, not a hang.
pub fn map_rejects_zero(subject: &dyn Subject) {
    let executor = subject.start(1);
    let inputs = || 8..20;
    for stream in [
        executor.map(not_seven, inputs()).buffered(0),
        executor.map(not_seven, inputs()).chunks(0),
    ] {
        let mut items = 0;
        iterate(stream, |item| {
            let error = item.unwrap_err();
            assert!(error.is_rejected());
            assert!(error.to_string().contains("greater than 0"), "{error}");
            items += 1;
            true
        });
        assert_eq!(items, 1);
    }
}
