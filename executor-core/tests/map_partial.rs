//! map: what is finished leaves its chunk, whatever the others do. On threads;
//! `map_remote.rs` has the same for other processes.

mod gate;

use executor_core::conformance::Canary;
use executor_core::{ExecutorExt as _, TaskError};
use futures::StreamExt as _;
use futures::executor::block_on;
use gate::{Gate, ThreadPerJob};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use test_support::reading::{next, read};

static THREADS: ThreadPerJob = ThreadPerJob;

/// The results of others in the chunk come while one is at the gate.
#[test]
fn a_result_does_not_wait_for_the_rest_of_its_chunk() {
    static GATE: Gate = Gate::new();
    let at_seven = |n: u64| {
        if n == 7 {
            GATE.pass();
        }
        2 * n
    };
    for unordered in [false, true] {
        GATE.reset();
        let items = read(move || {
            let stream = THREADS.map(at_seven, 0..10).chunks(10);
            if unordered {
                stream.unordered()
            } else {
                stream
            }
        });
        let early: Vec<u64> = next(&items, 7).into_iter().map(Result::unwrap).collect();
        assert_eq!(early, [0, 2, 4, 6, 8, 10, 12]);
        GATE.open();
        let late: Vec<u64> = next(&items, 3).into_iter().map(Result::unwrap).collect();
        assert_eq!(late, [14, 16, 18]);
        assert!(items.recv_timeout(gate::DEADLINE).is_err(), "it has ended");
    }
}

static LAST: AtomicUsize = AtomicUsize::new(0);
static LAST_GATE: Gate = Gate::new();

fn last_hangs(n: usize) -> usize {
    if n == LAST.load(SeqCst) {
        LAST_GATE.pass();
    }
    n
}

/// With 22 and 1,000 inputs before the one that hangs, 20 and 852 used to come.
#[test]
fn all_that_is_finished_comes_although_the_last_input_hangs() {
    for (unordered, inputs) in [(false, 23), (true, 23), (false, 1001), (true, 1001)] {
        LAST_GATE.reset();
        LAST.store(inputs - 1, SeqCst);
        let items = read(move || {
            let stream = THREADS.map(last_hangs, 0..inputs);
            if unordered {
                stream.unordered()
            } else {
                stream
            }
        });
        let early = next(&items, inputs - 1).into_iter().map(Result::unwrap);
        let mut early: Vec<_> = early.collect();
        early.sort_unstable();
        assert_eq!(early, (0..inputs - 1).collect::<Vec<_>>());

        // The same with a limit, which does not let go of the gate.
        let mut limit = Duration::from_millis(100);
        let (came, error) = loop {
            let stream = THREADS.map(last_hangs, 0..inputs);
            let stream = if unordered {
                stream.unordered()
            } else {
                stream
            };
            let items: Vec<_> = block_on(stream.timeout(limit).collect());
            let came: Vec<_> = items.iter().flatten().copied().collect();
            if came.len() == inputs - 1 || limit > Duration::from_secs(30) {
                break (came, items.into_iter().find_map(Result::err).unwrap());
            }
            // This machine is slow.
            limit *= 2;
        };
        assert_eq!(came.len(), inputs - 1);
        assert!(
            error.to_string().contains("1 inputs were unfinished"),
            "{error}"
        );
        LAST_GATE.open();
        assert_eq!(next(&items, 1)[0].as_ref().unwrap(), &(inputs - 1));
    }
}

/// A function that has become slow tells of each result by itself.
#[test]
fn each_result_of_a_slow_function_comes_when_it_is_finished() {
    static GATES: [Gate; 4] = [const { Gate::new() }; 4];
    let wait = |n: usize| {
        GATES[n].pass();
        n
    };
    let items = read(move || THREADS.map(wait, 0..4).chunks(4));
    for (n, gate) in GATES.iter().enumerate() {
        gate.await_arrivals(1);
        assert!(items.try_recv().is_err());
        gate.open();
        assert_eq!(next(&items, 1)[0].as_ref().unwrap(), &n);
    }
}

#[test]
fn a_panic_leaves_a_running_chunk_in_its_place() {
    static GATE: Gate = Gate::new();
    let odd_ones = |n: u64| {
        assert!(n % 2 == 1, "{n} is even");
        if n == 5 {
            GATE.pass();
        }
        n
    };
    let items = read(move || THREADS.map(odd_ones, 0..8).chunks(8));
    let seen = |items: Vec<Result<u64, TaskError>>| -> Vec<_> {
        let seen = |item: Result<u64, TaskError>| {
            item.map_err(|error| {
                assert!(error.is_panicked() && error.task_id().is_some());
                error.to_string().contains("is even")
            })
        };
        items.into_iter().map(seen).collect()
    };
    let even = Err(true);
    assert_eq!(seen(next(&items, 5)), [even, Ok(1), even, Ok(3), even]);
    GATE.open();
    assert_eq!(seen(next(&items, 3)), [Ok(5), even, Ok(7)]);
}

/// Chunks that are under way when the stream becomes unordered tell it all the same.
#[test]
fn a_stream_may_become_unordered_while_its_chunks_run() {
    static GATES: [Gate; 2] = [const { Gate::new() }; 2];
    let second_of_each = |n: usize| {
        if n % 2 == 1 {
            GATES[n / 2].pass();
        }
        n
    };
    let items = read(move || {
        let mut stream = THREADS.map(second_of_each, 0..4).chunks(2);
        let first = block_on(stream.next()).unwrap();
        // Now the second of the first is awaited.
        GATES[1].await_arrivals(1);
        futures::stream::iter([first]).chain(stream.unordered())
    });
    let first: Vec<usize> = next(&items, 2).into_iter().map(Result::unwrap).collect();
    assert_eq!(first, [0, 2]);
    for gate in [1, 0] {
        GATES[gate].open();
        assert_eq!(*next(&items, 1)[0].as_ref().unwrap(), 2 * gate + 1);
    }
}

/// What nobody has fetched goes with the stream, and the chunk begins no other input.
#[test]
fn a_dropped_stream_ends_its_chunk_at_the_input_at_hand() {
    static GATE: Gate = Gate::new();
    static BEGUN: AtomicUsize = AtomicUsize::new(0);
    let ticket = |n| (200, n);
    let at_three = |canary: Canary| {
        BEGUN.fetch_add(1, SeqCst);
        if canary.ticket().1 == 3 {
            GATE.pass();
        }
        canary
    };
    let inputs = (0..9).map(|n| Canary::new((200, n)));
    let mut stream = THREADS.map(at_three, inputs).chunks(9);
    let first = block_on(stream.next()).unwrap().unwrap();
    assert_eq!(first.ticket(), ticket(0));
    GATE.await_arrivals(1);
    drop(stream);
    assert!(!Canary::is_dropped(ticket(0)));
    GATE.open();
    let start = std::time::Instant::now();
    while !(1..9).all(|n| Canary::is_dropped(ticket(n))) {
        assert!(start.elapsed() < gate::DEADLINE, "all are dropped");
        std::thread::yield_now();
    }
    assert_eq!(BEGUN.load(SeqCst), 4);
}

/// A waker that never returns keeps nobody else from his results.
#[test]
fn a_waker_that_blocks_holds_up_no_other_stream() {
    use futures::Stream as _;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::task::{Context, Wake, Waker};
    static STUCK: Gate = Gate::new();
    static GATE: Gate = Gate::new();
    struct Blocking;
    impl Wake for Blocking {
        fn wake(self: Arc<Self>) {
            STUCK.pass();
        }
    }
    let second = |n: u64| {
        if n % 2 == 1 {
            GATE.pass();
        }
        n
    };
    let mut stream = THREADS.map(second, 1..3).chunks(2);
    let waker = Waker::from(Arc::new(Blocking));
    let poll = Pin::new(&mut stream).poll_next(&mut Context::from_waker(&waker));
    assert!(poll.is_pending());
    let mut stuck = THREADS.map(second, 0..2).chunks(2);
    let poll = Pin::new(&mut stuck).poll_next(&mut Context::from_waker(&waker));
    if poll.is_pending() {
        STUCK.await_arrivals(1);
    }
    for _ in 0..3 {
        let items = read(move || THREADS.map(second, 0..2).chunks(2));
        assert_eq!(next(&items, 1)[0].as_ref().unwrap(), &0);
    }
    STUCK.open();
    GATE.open();
}
