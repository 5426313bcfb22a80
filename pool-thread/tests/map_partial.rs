//! map on a thread pool: what is finished leaves its chunk, whatever the others do.

mod common;

use common::{LONG, pool};
use executor_core::{ExecutorExt as _, TaskError};
use futures::{Stream, StreamExt as _, executor::block_on};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// Which input stops at the gate; `None` opens it. A function of `map` captures nothing.
struct Gate(Mutex<Option<u64>>, Condvar);

impl Gate {
    const fn open() -> Self {
        Self(Mutex::new(None), Condvar::new())
    }

    fn set(&self, input: Option<u64>) {
        *self.0.lock().unwrap() = input;
        self.1.notify_all();
    }

    fn pass(&self, input: u64) -> u64 {
        let stops = |at: &mut Option<u64>| *at == Some(input);
        let waited = self
            .1
            .wait_timeout_while(self.0.lock().unwrap(), LONG, stops);
        assert!(!waited.unwrap().1.timed_out(), "the gate is opened");
        input
    }
}

/// Reads a stream on a thread of its own.
fn read<S>(make: impl FnOnce() -> S + Send + 'static) -> Receiver<Result<u64, TaskError>>
where
    S: Stream<Item = Result<u64, TaskError>>,
{
    let (tell, told) = channel();
    std::thread::spawn(move || {
        block_on(make().for_each(|item| {
            let _ = tell.send(item);
            std::future::ready(())
        }));
    });
    told
}

fn next(items: &Receiver<Result<u64, TaskError>>) -> Result<u64, TaskError> {
    items.recv_timeout(LONG).expect("an item in time")
}

#[test]
fn a_result_does_not_wait_for_the_rest_of_its_chunk() {
    static GATE: Gate = Gate::open();
    for unordered in [false, true] {
        GATE.set(Some(5));
        let items = read(move || {
            let pool = Box::leak(Box::new(pool(2)));
            let stream = pool.map(|n| GATE.pass(n), 0..8).chunks(8);
            if unordered {
                stream.unordered()
            } else {
                stream
            }
        });
        for n in 0..5 {
            assert_eq!(next(&items).unwrap(), n);
        }
        GATE.set(None);
        for n in 5..8 {
            assert_eq!(next(&items).unwrap(), n);
        }
    }
}

/// Where Python gives 22 of 23, and all of 1,000 but the one that hangs.
#[test]
fn a_limit_of_the_stream_loses_nothing_that_is_finished() {
    static GATE: Gate = Gate::open();
    let pool = pool(3);
    for inputs in [23, 1001] {
        GATE.set(Some(inputs - 1));
        let mut limit = Duration::from_millis(100);
        let (came, error) = loop {
            let stream = pool.map(|n| GATE.pass(n), 0..inputs).timeout(limit);
            let items: Vec<_> = block_on(stream.collect());
            let came: Vec<_> = items.iter().flatten().copied().collect();
            if came.len() as u64 == inputs - 1 || limit > Duration::from_secs(30) {
                break (came, items.into_iter().find_map(Result::err));
            }
            // This machine is slow, and the pool has a thread less: it hangs.
            GATE.set(None);
            GATE.set(Some(inputs - 1));
            limit *= 2;
        };
        assert!(came.into_iter().eq(0..inputs - 1));
        assert!(error.unwrap().is_timed_out());
        GATE.set(None);
    }
}

/// The others of a chunk are run elsewhere, since nobody has begun them.
#[test]
fn an_input_that_exceeds_its_limit_fails_alone() {
    static GATE: Gate = Gate::open();
    for (unordered, chunk) in [(false, 10), (true, 10), (false, 1), (true, 1), (false, 3)] {
        let mut limit = Duration::from_millis(60);
        loop {
            GATE.set(Some(4));
            let pool = pool(2);
            let stream = pool.map(|n| GATE.pass(n), 0..10).chunks(chunk);
            let stream = stream.input_timeout(limit);
            let mut items: Vec<_> = match unordered {
                false => block_on(stream.collect()),
                true => block_on(stream.unordered().collect()),
            };
            GATE.set(None);
            items.sort_by_key(|item| *item.as_ref().unwrap_or(&4));
            let good: Vec<_> = items.iter().flatten().copied().collect();
            if good.len() < 9 && limit < Duration::from_secs(30) {
                // This machine has stopped a thread for so long.
                limit *= 2;
                continue;
            }
            assert_eq!(good, [0, 1, 2, 3, 5, 6, 7, 8, 9], "{chunk} {unordered}");
            let error = items[4].as_ref().unwrap_err();
            let said = format!("its limit of {limit:?} passed");
            assert!(
                error.is_timed_out() && error.to_string().contains(&said),
                "{error}"
            );
            break;
        }
    }
}
