//! Rules about `map`.

use super::{DEADLINE, Gate, Subject, finish, pass, visit};
use crate::ext::ExecutorExt as _;
use futures_core::Stream;
use std::cell::Cell;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

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

/// An unordered map yields each result once, whatever the buffer and the chunks.
pub fn map_unordered_yields_each_once(subject: &dyn Subject) {
    let executor = subject.start(3);
    for (buffered, chunk) in [(1, 1), (4, 1), (5, 3), (100, 7), (64, 64)] {
        let stream = executor
            .map(not_seven, 0..50)
            .buffered(buffered)
            .chunks(chunk)
            .unordered();
        let (mut squares, mut errors) = (Vec::new(), 0);
        iterate(stream, |item| {
            match item {
                Ok(square) => squares.push(square),
                Err(error) => errors += usize::from(error.to_string().contains("seven")),
            }
            true
        });
        squares.sort_unstable();
        let expected = (0..50).filter(|&n| n != 7).map(|n| n * n);
        assert!(squares.into_iter().eq(expected) && errors == 1);
    }
}

fn pass_or_visit(ticket: (u16, u64)) -> u64 {
    match ticket.1 {
        0 => pass(ticket),
        _ => visit(ticket),
    }
}

/// In an unordered map, an input that takes long holds up no other.
pub fn map_unordered_holds_up_nobody(subject: &dyn Subject) {
    if subject.runs_inline() {
        return;
    }
    let executor = subject.start(2);
    let mut gate = Gate::new();
    let inputs: Vec<_> = (0..20).map(|n| gate.ticket(n)).collect();
    let stream = executor.map(pass_or_visit, inputs).buffered(3).unordered();
    let mut yielded = Vec::new();
    iterate(stream, |item| {
        yielded.push(item.unwrap());
        if yielded.len() == 19 {
            while gate.arrival() != 0 {}
            gate.open();
        }
        true
    });
    assert_eq!(
        yielded.pop(),
        Some(0),
        "it was held until the others were done"
    );
    yielded.sort_unstable();
    assert!(yielded.into_iter().eq(1..20));
}

/// A limit ends a map with one error, and takes back what was not begun.
pub fn map_with_a_limit_ends_with_one_error(subject: &dyn Subject) {
    if subject.runs_inline() {
        return;
    }
    let executor = subject.start(1);
    let mut gate = Gate::new();
    let inputs: Vec<_> = [0, 0, 1].map(|n| gate.ticket(n)).into();
    let stream = executor
        .map(pass_or_visit, inputs)
        .timeout(Duration::from_millis(300));
    let mut items = 0;
    iterate(stream, |item| {
        let error = item.unwrap_err();
        assert!(error.is_timed_out(), "{error}");
        assert!(error.to_string().contains("unfinished"), "{error}");
        items += 1;
        true
    });
    assert_eq!(items, 1);
    gate.open();
    let last = executor.submit(visit, gate.ticket(2));
    // The first may have arrived, and is let go in that case.
    let mut begun = 0;
    loop {
        match gate.arrival() {
            2 => break,
            n => assert_eq!((n, begun), (0, 0), "what was queued has begun"),
        }
        begun += 1;
        gate.open();
    }
    assert_eq!(finish(last).unwrap(), 2);
}

/// Dropping a map cancels what it has submitted.
pub fn map_dropped_cancels_what_is_queued(subject: &dyn Subject) {
    if subject.runs_inline() {
        return;
    }
    let executor = subject.start(1);
    let mut gate = Gate::new();
    let first = executor.submit(pass, gate.ticket(0));
    assert_eq!(gate.arrival(), 0);
    let inputs: Vec<_> = (1..4).map(|n| gate.ticket(n)).collect();
    let mut stream = executor.map(visit, inputs);
    let polled = pin!(&mut stream).poll_next(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending(), "the one worker is held");
    drop(stream);
    gate.open();
    assert_eq!(finish(first).unwrap(), 0);
    let last = executor.submit(visit, gate.ticket(9));
    assert_eq!(gate.arrival(), 9, "what was cancelled has run");
    assert_eq!(finish(last).unwrap(), 9);
}
