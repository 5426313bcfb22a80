//! Payloads of every size, in both directions at the same time.

mod common;

use common::{finish, pool};
use executor_core::ExecutorExt as _;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

pool_process::test_worker!();

fn echo(bytes: ByteBuf) -> ByteBuf {
    bytes
}

fn bytes(len: usize) -> ByteBuf {
    let pattern: Vec<u8> = (0..253).collect();
    let mut bytes = pattern.repeat(len.div_ceil(253));
    bytes.truncate(len);
    ByteBuf::from(bytes)
}

/// Around every border that there is: what fits a slot, a prefetch, a packet.
#[test]
fn every_size_arrives_whole() {
    init_test_worker();
    let pool = pool(1);
    for border in [0, 100, 112, 32 * 1024, 208 * 1024, 212_448, 1 << 20] {
        for len in border.max(20) - 20..border + 3 {
            let task = pool.submit(echo, bytes(len));
            assert!(finish(task).unwrap() == bytes(len), "{len} bytes");
        }
    }
}

/// Large arguments wait behind large results: neither side may block on the
/// other.
#[test]
fn large_payloads_cross_each_other() {
    init_test_worker();
    for workers in [1, 3] {
        let pool = pool(workers);
        let tasks: Vec<_> = (0..60)
            .map(|n| match n % 3 {
                0 => pool.submit(echo, bytes(3 << 20)),
                1 => pool.submit(echo, bytes(20_000)),
                _ => pool.submit(echo, bytes(1)),
            })
            .collect();
        for (n, task) in tasks.into_iter().enumerate() {
            let len = [3 << 20, 20_000, 1][n % 3];
            assert!(finish(task).unwrap() == bytes(len), "{n}");
        }
    }
}

/// pebble test_process_pool_stop_large_data: cancelling in the middle of a large
/// write, in either direction, leaves the pool whole.
#[test]
fn cancelling_amid_large_payloads_leaves_the_pool_whole() {
    init_test_worker();
    let pool = pool(2);
    for round in 0..10 {
        let tasks: Vec<_> = (0..8).map(|_| pool.submit(echo, bytes(2 << 20))).collect();
        for (n, task) in tasks.iter().enumerate() {
            if n % 2 == round % 2 {
                task.cancel();
            }
        }
        for task in tasks {
            match finish(task) {
                Ok(echoed) => assert_eq!(echoed.len(), 2 << 20),
                Err(error) => assert!(error.is_cancelled(), "{error}"),
            }
        }
    }
    assert_eq!(finish(pool.submit(echo, bytes(5))).unwrap(), bytes(5));
}

/// Cannot be encoded where it says so.
#[derive(Deserialize)]
struct Stubborn;

impl Serialize for Stubborn {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("it stays here"))
    }
}

/// A result that fits into a slot, of an argument that does not.
fn pid_after(text: String) -> (u32, String) {
    (std::process::id(), text[160..].to_owned())
}

/// A job that is refused takes a place like any other: what stood there before
/// must not be taken for its argument, wherever in the round that is.
#[test]
fn a_job_that_cannot_be_encoded_harms_none_that_come_after() {
    init_test_worker();
    let pool = pool(1);
    let text = |n: usize| format!("{n:0>200}");
    let pid = finish(pool.submit(|_: ()| std::process::id(), ())).unwrap();
    for round in 0..3 {
        // More than a worker has places for, with arguments that go by the pipe.
        for n in 0..700 {
            let task = pool.submit(pid_after, text(n));
            let expected = (pid, text(n)[160..].to_owned());
            assert_eq!(finish(task).unwrap(), expected, "round {round}");
        }
        let refused = pool.submit(|_: Stubborn| 1, Stubborn);
        assert!(finish(refused).unwrap_err().is_encode());
        for n in 0..3 {
            let task = pool.submit(pid_after, text(n));
            let expected = (pid, text(n)[160..].to_owned());
            assert_eq!(finish(task).unwrap(), expected, "after round {round}");
        }
    }
}
