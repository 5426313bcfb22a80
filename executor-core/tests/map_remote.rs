//! map over jobs that cross in bytes: what has left a chunk stays, and a chunk whose
//! worker is lost costs its neighbours nothing.

mod gate;
mod remote;

use executor_core::conformance::Canary;
use executor_core::{ExecutorExt as _, TaskError, TaskErrorKind};
use futures::executor::block_on;
use futures::{Stream, StreamExt as _};
use gate::Gate;
use remote::{Remote, die, hang, is_dead};
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;
use test_support::reading::next;

/// Which inputs were begun.
static BEGUN: Mutex<Vec<u64>> = Mutex::new(Vec::new());

/// How often each of these was begun.
fn begun(inputs: &[u64]) -> Vec<usize> {
    let begun = BEGUN.lock().unwrap();
    let count = |input| begun.iter().filter(|n| *n == input).count();
    inputs.iter().map(count).collect()
}

/// 13 and 14 kill.
fn kills(n: u64) -> u64 {
    if !is_dead() {
        BEGUN.lock().unwrap().push(n);
        if n == 13 || n == 14 {
            die();
        }
        assert!(n != 2, "two");
    }
    2 * n
}

type Item = Result<u64, TaskError>;

/// Each input with the kind of its error.
fn outcomes(items: Vec<Item>) -> Vec<Result<u64, TaskErrorKind>> {
    let kind = |error: TaskError| error.kind();
    items.into_iter().map(|item| item.map_err(kind)).collect()
}

fn expected(inputs: std::ops::Range<u64>) -> Vec<Result<u64, TaskErrorKind>> {
    let one = |n| match n {
        2 => Err(TaskErrorKind::Panicked),
        13 | 14 => Err(TaskErrorKind::WorkerLost),
        n => Ok(2 * n),
    };
    inputs.map(one).collect()
}

/// Sends each item on as it comes.
fn forward(mut stream: impl Stream<Item = Item> + Unpin, tell: &Sender<Item>) {
    while let Some(item) = block_on(stream.next()) {
        tell.send(item).unwrap();
    }
}

fn collect(stream: impl Stream<Item = Item> + Unpin) -> Vec<Item> {
    block_on(stream.collect())
}

#[test]
fn results_leave_a_running_job() {
    static GATE: Gate = Gate::new();
    let at_three = |n: u64| {
        if n == 3 {
            GATE.pass();
        }
        assert!(n != 1, "one");
        2 * n
    };
    for unordered in [false, true] {
        GATE.reset();
        let (tell, items) = channel();
        let reading = std::thread::spawn(move || {
            let remote = Remote::new(true);
            let stream = remote.map(at_three, 0..6).chunks(6);
            forward(
                if unordered {
                    stream.unordered()
                } else {
                    stream
                },
                &tell,
            );
            remote.refused()
        });
        let early = outcomes(next(&items, 3));
        assert_eq!(early, [Ok(0), Err(TaskErrorKind::Panicked), Ok(4)]);
        GATE.open();
        assert_eq!(outcomes(next(&items, 3)), [Ok(6), Ok(8), Ok(10)]);
        assert!(reading.join().unwrap().is_empty());
    }
}

#[test]
fn without_a_sink_all_comes_at_the_end() {
    let remote = Remote::new(false);
    for chunk in [1, 2, 5, 40] {
        let items = collect(remote.map(kills, 0..12).chunks(chunk));
        assert_eq!(outcomes(items), expected(0..12));
    }
    let items = collect(remote.map(kills, 0..12));
    assert_eq!(outcomes(items), expected(0..12));
}

/// Nothing leaves early from a chunk that ends within a beat, however many there are.
#[test]
fn short_chunks_send_few_parts() {
    let remote = Remote::new(true);
    let items = collect(remote.map(|n: u64| n, 0..4_000).chunks(4));
    assert!(items.into_iter().map(Result::unwrap).eq(0..4_000));
    // Of 1,000. Where the machine stops one for a while, what is finished leaves.
    assert!(remote.parts() < 100, "{}", remote.parts());
    assert!(remote.refused().is_empty());
}

/// One crash costs its neighbours nothing, wherever it is in its chunk.
#[test]
fn a_lost_chunk_is_run_again_until_the_guilty_input_is_alone() {
    for parts in [true, false] {
        for unordered in [false, true] {
            for chunk in [None, Some(1), Some(2), Some(7), Some(20)] {
                let remote = Remote::new(parts);
                BEGUN.lock().unwrap().clear();
                let stream = remote.map(kills, 0..20).retries(2);
                let stream = match chunk {
                    Some(chunk) => stream.chunks(chunk),
                    None => stream,
                };
                let mut items = match unordered {
                    false => collect(stream),
                    true => collect(stream.unordered()),
                };
                let lost: Vec<_> = items.iter().filter_map(|it| it.as_ref().err()).collect();
                let attempts = |error: &&TaskError| error.lost_worker().map(|it| it.attempt());
                let attempts: Vec<_> = lost.iter().filter_map(attempts).collect();
                assert_eq!(attempts, [3, 3], "alone, it is tried so often");
                if unordered {
                    let key = |item: &Item| match item {
                        Ok(value) => *value,
                        Err(error) if error.is_panicked() => 4,
                        Err(_) => 27,
                    };
                    items.sort_by_key(key);
                }
                assert_eq!(outcomes(items), expected(0..20), "{chunk:?}");
                assert!(remote.deaths() >= 6 && remote.deaths() <= 24);
                assert!(begun(&[13, 14]).iter().all(|times| *times >= 3));
            }
        }
    }
}

/// Doubles its input, but for one, which its worker dies of once the gate is open.
fn double_or_die_at(fatal: u64, gate: &Gate, n: u64) -> u64 {
    if !is_dead() {
        BEGUN.lock().unwrap().push(n);
        if n == fatal {
            gate.pass();
            die();
        }
    }
    2 * n
}

/// What has left is not run again, and the first that has not left is the suspect.
#[test]
fn what_has_left_a_lost_chunk_is_not_run_again() {
    static GATE: Gate = Gate::new();
    let killer = |n| double_or_die_at(5, &GATE, n);
    let (tell, told) = channel();
    let reading = std::thread::spawn(move || {
        let remote = Remote::new(true);
        BEGUN.lock().unwrap().clear();
        forward(remote.map(killer, 0..8).chunks(8).retries(1), &tell);
        (remote.deaths(), begun(&[0, 4, 5, 6, 7]))
    });
    assert_eq!(outcomes(next(&told, 5)), [0, 2, 4, 6, 8].map(Ok));
    GATE.open();
    let last = outcomes(next(&told, 3));
    assert_eq!(last, [Err(TaskErrorKind::WorkerLost), Ok(12), Ok(14)]);
    assert_eq!(reading.join().unwrap(), (3, vec![1, 1, 3, 1, 1]));
}

/// Nobody has said that an input may run twice.
#[test]
fn without_retries_the_unfinished_inputs_fail_and_those_that_left_are_kept() {
    static GATE: Gate = Gate::new();
    let killer = |n| double_or_die_at(2, &GATE, n);
    let (tell, told) = channel();
    let reading = std::thread::spawn(move || {
        let remote = Remote::new(true);
        BEGUN.lock().unwrap().clear();
        forward(remote.map(killer, 0..6).chunks(4), &tell);
        begun(&[0, 1, 2, 3, 4, 5])
    });
    assert_eq!(outcomes(next(&told, 2)), [Ok(0), Ok(2)]);
    GATE.open();
    let lost = Err(TaskErrorKind::WorkerLost);
    assert_eq!(outcomes(next(&told, 4)), [lost, lost, Ok(8), Ok(10)]);
    assert_eq!(reading.join().unwrap(), [1, 1, 1, 0, 1, 1]);
}

/// 9 hangs.
fn hangs(n: u64) -> u64 {
    if n == 9 && !is_dead() {
        hang();
    }
    2 * n
}

/// A limit that a function which does not hang keeps: where `right` finds otherwise,
/// this machine has stopped it for so long.
fn with_a_limit(
    make: impl Fn(Duration) -> Vec<Item>,
    right: impl Fn(&[Item]) -> bool,
) -> Vec<Item> {
    let mut limit = Duration::from_millis(60);
    loop {
        let items = make(limit);
        if right(&items) || limit > Duration::from_secs(20) {
            return items;
        }
        limit *= 2;
    }
}

fn good(items: &[Item]) -> Vec<u64> {
    items.iter().flatten().copied().collect()
}

#[test]
fn an_input_that_hangs_ends_by_its_own_limit_and_its_neighbours_have_their_results() {
    for unordered in [false, true] {
        for chunk in [None, Some(1), Some(5), Some(16)] {
            let make = |limit| {
                let remote = Remote::new(true);
                let stream = remote.map(hangs, 0..16).retries(1).input_timeout(limit);
                let stream = match chunk {
                    Some(chunk) => stream.chunks(chunk),
                    None => stream,
                };
                match unordered {
                    false => collect(stream),
                    true => collect(stream.unordered()),
                }
            };
            let mut items = with_a_limit(make, |items| good(items).len() == 15);
            items.sort_by_key(|item| *item.as_ref().unwrap_or(&18));
            let error = items[9].as_ref().unwrap_err();
            assert!(error.is_timed_out(), "{error}");
            assert!(!error.to_string().contains("others"), "{error}");
            let others = (0..16).filter(|n| *n != 9).map(|n| 2 * n);
            assert!(good(&items).into_iter().eq(others));
        }
    }
}

/// Without retries inputs go one by one, or else fail together, and the error says so.
#[test]
fn a_limit_without_retries_takes_no_neighbour_along_unless_a_chunk_was_asked_for() {
    let one_by_one = |limit| collect(Remote::new(true).map(hangs, 0..16).input_timeout(limit));
    let items = with_a_limit(one_by_one, |items| good(items).len() == 15);
    assert_eq!(good(&items).len(), 15);
    assert!(items[9].as_ref().unwrap_err().is_timed_out());

    let in_chunks = |limit| {
        let remote = Remote::new(true);
        collect(remote.map(hangs, 0..16).chunks(8).input_timeout(limit))
    };
    let items = with_a_limit(in_chunks, |items| good(items).len() == 9);
    assert_eq!(good(&items).len(), 9, "those before it have left");
    for item in items.iter().skip(9) {
        let error = item.as_ref().unwrap_err();
        let text = error.to_string();
        assert!(error.is_timed_out(), "{text}");
        assert!(
            text.contains("or one of the 6 others of its chunk"),
            "{text}"
        );
    }
}

/// The stream's own limit while a chunk is searched, and a stream that is dropped then.
#[test]
fn a_search_ends_with_the_stream() {
    let always = |n: u64| {
        if !is_dead() {
            die();
        }
        n
    };
    let remote = Remote::new(true);
    let stream = remote.map(always, 0..1000).chunks(500).retries(u32::MAX);
    let items = collect(stream.timeout(Duration::from_millis(50)));
    assert_eq!(items.len(), 1);
    assert!(items[0].as_ref().unwrap_err().is_timed_out());

    let mut stream = remote.map(kills, 13..40).chunks(27).retries(1);
    let first = block_on(stream.next()).unwrap();
    assert!(first.unwrap_err().is_worker_lost());
    drop(stream);
    // The worker is there for others.
    assert_eq!(remote.submit(|n: u64| n + 1, 1).wait().unwrap(), 2);
}

/// Inputs that are given back and submitted again are dropped once, like all others.
#[test]
fn inputs_of_a_lost_chunk_are_dropped() {
    let ticket = |n| (300, n);
    let killer = |canary: Canary| {
        let n = canary.ticket().1;
        if n == 3 && !is_dead() {
            die();
        }
        n
    };
    for retries in [0, 1] {
        let remote = Remote::new(true);
        let inputs = (0..6).map(|n| Canary::new((300 + retries, n)));
        let items: Vec<_> = block_on(
            remote
                .map(killer, inputs)
                .chunks(6)
                .retries(retries.into())
                .collect(),
        );
        assert_eq!(items.len(), 6);
        assert!(items[3].as_ref().unwrap_err().is_worker_lost());
        let (group, n) = (retries, 5);
        assert!(Canary::is_dropped((300 + group, n)) && Canary::is_dropped(ticket(0)));
    }
}

/// A result that cannot be encoded costs the others of its chunk nothing.
#[test]
fn a_result_that_cannot_be_encoded_fails_by_itself() {
    #[derive(Debug)]
    struct Picky(u64);
    impl serde::Serialize for Picky {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self.0 {
                3 => Err(serde::ser::Error::custom("three")),
                4 => panic!("four"),
                n => n.serialize(serializer),
            }
        }
    }
    impl<'de> serde::Deserialize<'de> for Picky {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            u64::deserialize(deserializer).map(Self)
        }
    }
    for parts in [false, true] {
        let remote = Remote::new(parts);
        let items: Vec<_> = block_on(remote.map(Picky, 0..6).chunks(6).collect());
        assert!(items[3].as_ref().unwrap_err().is_encode());
        assert!(items[3].as_ref().unwrap_err().to_string().contains("Picky"));
        assert!(items[4].as_ref().unwrap_err().is_panicked());
        let whole: Vec<_> = items.iter().flatten().map(|picky| picky.0).collect();
        assert_eq!(whole, [0, 1, 2, 5]);
    }
}

/// Large results leave without the pulse, before the list of what has to leave is full.
#[test]
fn large_results_leave_as_well() {
    let large = |n: usize| vec![n; 3000];
    for parts in [false, true] {
        let remote = Remote::new(parts);
        let items: Vec<_> = block_on(remote.map(large, 0..40).chunks(20).collect());
        for (n, item) in items.into_iter().enumerate() {
            assert_eq!(item.unwrap(), vec![n; 3000]);
        }
        assert_eq!(remote.parts() > 0, parts);
        assert!(remote.refused().is_empty());
    }
}
