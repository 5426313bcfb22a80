//! What a chunk of a map has finished leaves its worker at once.

mod common;

use common::finish;
use executor_core::conformance::{Gate, pass};
use executor_core::{Bytes, ExecutorExt as _, TaskError, TaskErrorKind};
use pool_process::{ProcessPool, Transport};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};
use test_support::reading::{next, read, rest};

pool_process::test_worker!();

const WAYS: [Transport; 2] = [Transport::SharedMemory, Transport::Messages];

/// Kept for good: a stream borrows its pool, and is read on a thread of its own.
fn pool(way: Transport, workers: usize) -> &'static ProcessPool {
    let builder = ProcessPool::builder().transport(way);
    let pool = builder.max_workers(workers).build().expect("it is built");
    Box::leak(Box::new(pool))
}

fn hang() -> ! {
    loop {
        std::thread::park();
    }
}

/// The last of so many hangs.
fn last_hangs((n, count): (u64, u64)) -> u64 {
    if n + 1 == count {
        hang();
    }
    2 * n
}

fn all_but_the_last(count: u64, chunk: Option<usize>) {
    let whole = [(false, true), (true, true), (false, false), (true, false)];
    for way in WAYS {
        for (unordered, whole) in whole {
            let pool = pool(way, 2);
            // The limit of the stream is not to be that of starting workers.
            finish(pool.warm_up()).unwrap();
            let inputs = (0..count).map(move |n| (n, count));
            let items = read(move || {
                let mut stream = pool.map(last_hangs, inputs);
                // What all of them may take, or each.
                stream = match whole {
                    true => stream.timeout(Duration::from_secs(2)),
                    false => stream.input_timeout(Duration::from_millis(500)),
                };
                if let Some(chunk) = chunk {
                    stream = stream.chunks(chunk);
                }
                if unordered {
                    stream = stream.unordered();
                }
                stream
            });
            let (good, bad): (Vec<_>, Vec<_>) = rest(&items).into_iter().partition(Result::is_ok);
            let mut good: Vec<u64> = good.into_iter().map(Result::unwrap).collect();
            good.sort_unstable();
            let expected: Vec<u64> = (0..count - 1).map(|n| 2 * n).collect();
            assert_eq!(good, expected, "{way:?} {chunk:?} {unordered}");
            assert_eq!(bad.len(), 1);
            assert!(bad[0].as_ref().unwrap_err().is_timed_out(), "{bad:?}");
        }
    }
}

#[test]
fn an_input_that_hangs_takes_no_other_of_its_chunk_along() {
    init_test_worker();
    all_but_the_last(23, None);
    all_but_the_last(23, Some(23));
}

#[test]
fn a_thousand_results_come_although_the_last_input_hangs() {
    init_test_worker();
    all_but_the_last(1001, None);
}

/// Waits at the gate, at one of the inputs.
fn at_the_gate((port, at, n): (u16, u64, u64)) -> u64 {
    if n == at {
        pass((port, n));
    }
    n
}

#[test]
fn first_results_are_there_while_a_later_input_waits() {
    init_test_worker();
    for way in WAYS {
        for unordered in [false, true] {
            let mut gate = Gate::new();
            let (port, _) = gate.ticket(0);
            let pool = pool(way, 1);
            let items = read(move || {
                let stream = pool.map(at_the_gate, (0..10).map(move |n| (port, 7, n)));
                let stream = stream.chunks(10);
                if unordered {
                    stream.unordered()
                } else {
                    stream
                }
            });
            assert_eq!(gate.arrival(), 7);
            let early: Vec<u64> = next(&items, 7).into_iter().map(Result::unwrap).collect();
            assert_eq!(early, Vec::from_iter(0..7), "{way:?}");
            gate.open();
            let late: Vec<u64> = rest(&items).into_iter().map(Result::unwrap).collect();
            assert_eq!(late, [7, 8, 9], "{way:?}");
        }
    }
}

fn one_crashes(n: u64) -> u64 {
    if n == 13 {
        std::process::exit(3);
    }
    n
}

#[test]
fn a_crash_costs_the_guilty_input_alone() {
    init_test_worker();
    for way in WAYS {
        let pool = pool(way, 2);
        let stream = move || pool.map(one_crashes, 0..40).chunks(20).retries(1);
        let all = rest(&read(stream));
        assert_eq!(all.len(), 40);
        for (n, result) in (0..).zip(all) {
            match result {
                Ok(result) => assert_eq!(result, n),
                Err(error) => assert!(n == 13 && error.is_worker_lost(), "{n}: {error}"),
            }
        }
    }
}

fn spin((n, micros, len): (u64, u64, usize)) -> (u64, Bytes) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_micros(micros) {
        std::hint::spin_loop();
    }
    (n, vec![n as u8; len].into())
}

/// Many parts, of several jobs one after another, next to ends that are seen early.
#[test]
fn results_come_once_and_in_order_however_they_are_cut() {
    init_test_worker();
    for way in WAYS {
        for (micros, len) in [(0, 0), (300, 10), (100, 5000), (0, 100_000)] {
            let pool = pool(way, 2);
            let inputs = (0..300).map(move |n| (n, micros, len));
            let all = rest(&read(move || pool.map(spin, inputs).chunks(7)));
            assert_eq!(all.len(), 300);
            for (n, result) in (0..).zip(all) {
                let (number, bytes) = result.unwrap();
                assert!(
                    number == n && bytes[..] == vec![n as u8; len],
                    "{way:?} {n}"
                );
            }
        }
    }
}

// ----- what the user's `Deserialize` does -----

/// Where results are decoded, in this process.
static DECODING: Mutex<Decoding> = Mutex::new(Decoding {
    held: false,
    arrived: false,
});
static CHANGED: Condvar = Condvar::new();
/// A test has it.
static ALONE: Mutex<()> = Mutex::new(());

struct Decoding {
    held: bool,
    arrived: bool,
}

/// The first is held up where it is decoded; 100 cannot be decoded, 101 panics.
#[derive(Debug, PartialEq)]
struct Held(u64);

impl Serialize for Held {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Held {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let n = u64::deserialize(deserializer)?;
        if n == 0 {
            let mut decoding = DECODING.lock().unwrap();
            decoding.arrived = true;
            CHANGED.notify_all();
            let opened = CHANGED.wait_timeout_while(decoding, common::LONG, |its| its.held);
            assert!(!opened.unwrap().1.timed_out(), "nobody lets it go");
        }
        assert!(n != 101, "no such value");
        match n {
            100 => Err(D::Error::custom("not this one")),
            _ => Ok(Self(n)),
        }
    }
}

fn hold() {
    *DECODING.lock().unwrap() = Decoding {
        held: true,
        arrived: false,
    };
}

fn await_decoding() {
    let decoding = DECODING.lock().unwrap();
    let arrived = CHANGED.wait_timeout_while(decoding, common::LONG, |its| !its.arrived);
    assert!(!arrived.unwrap().1.timed_out(), "nothing is decoded");
}

fn let_go() {
    DECODING.lock().unwrap().held = false;
    CHANGED.notify_all();
}

fn pass_each(ticket: (u16, u64)) -> Held {
    Held(pass(ticket))
}

#[test]
fn a_part_that_is_slow_to_decode_holds_up_nobody_else_and_keeps_its_place() {
    init_test_worker();
    let _alone = ALONE
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    for way in WAYS {
        hold();
        let mut gate = Gate::new();
        let (port, _) = gate.ticket(0);
        let pool = pool(way, 1);
        let inputs = (0..5).map(move |n| (port, n));
        let items = read(move || pool.map(pass_each, inputs).chunks(5));
        // Each leaves by itself, while the first is being decoded.
        for n in 0..5 {
            assert_eq!(gate.arrival(), n);
            if n == 1 {
                await_decoding();
            }
            gate.open();
        }
        // The same worker has ended that job by now.
        for n in 0..100 {
            assert_eq!(finish(pool.submit(last_hangs, (n, 1000))).unwrap(), 2 * n);
        }
        let_go();
        let all: Vec<_> = rest(&items).into_iter().map(Result::unwrap).collect();
        assert_eq!(all, Vec::from_iter((0..5).map(Held)), "{way:?}");
    }
}

/// The limit of the job passes while a part of it is decoded.
#[test]
fn the_end_of_a_job_waits_for_its_parts() {
    init_test_worker();
    let _alone = ALONE
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    for way in WAYS {
        hold();
        let pool = pool(way, 1);
        let items = read(move || {
            let inputs = (0..3).map(|n| (n, 3));
            let stream = pool.map(|input| Held(last_hangs(input)), inputs);
            stream.chunks(3).input_timeout(Duration::from_millis(500))
        });
        await_decoding();
        // The worker that hangs is killed at the limit, and another is there.
        assert_eq!(finish(pool.submit(last_hangs, (4, 1000))).unwrap(), 8);
        let_go();
        let all = rest(&items);
        let good: Vec<_> = all.iter().flatten().collect();
        assert_eq!(good, [&Held(0), &Held(2)], "{way:?}: {all:?}");
        assert!(all[2].as_ref().unwrap_err().is_timed_out(), "{all:?}");
    }
}

/// This one is there, and this one cannot be decoded; then it waits.
fn garbled((ticket, n): ((u16, u64), u64)) -> Held {
    if n == 2 {
        pass(ticket);
    }
    Held(n)
}

fn outcome(pool: &'static ProcessPool, bad: u64) -> Vec<Result<Held, TaskError>> {
    let gate = Gate::new();
    let ticket = gate.ticket(9);
    let inputs = [1, bad, 2, 3].map(|n| (ticket, n));
    let items = read(move || pool.map(garbled, inputs).chunks(4));
    // Nobody opens the gate, and perhaps it is not even reached: the job ends all the same.
    rest(&items)
}

#[test]
fn a_part_that_cannot_be_decoded_fails_its_job_alone() {
    init_test_worker();
    for way in WAYS {
        for bad in [100, 101] {
            let pool = pool(way, 2);
            let all = outcome(pool, bad);
            assert_eq!(all.len(), 4);
            assert_eq!(all[0].as_ref().unwrap(), &Held(1));
            for error in all[1..].iter().map(|result| result.as_ref().unwrap_err()) {
                assert_eq!(error.kind(), TaskErrorKind::Decode, "{way:?}: {error}");
                let why = ["was refused by its own", "no such value"][bad as usize - 100];
                assert!(error.to_string().contains(why), "{error}");
            }
            assert_eq!(finish(pool.submit(last_hangs, (4, 1000))).unwrap(), 8);
        }
    }
}
