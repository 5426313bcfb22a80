//! Payloads of every size, in both directions at the same time.

mod common;

use common::{finish, pool};
use executor_core::{Bytes, ExecutorExt as _};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::collections::VecDeque;

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

/// What a pipe holds.
const PIPE: usize = (1 << 20) + (64 << 10);

/// Around every border that there is: what fits a slot, a prefetch, a packet.
#[test]
fn every_size_arrives_whole() {
    init_test_worker();
    let pool = pool(1);
    for border in [0, 100, 112, 32 * 1024, 208 * 1024, 212_448, 1 << 20, PIPE] {
        for len in border.max(20) - 20..border + 3 {
            let task = pool.submit(echo, bytes(len));
            assert!(finish(task).unwrap() == bytes(len), "{len} bytes");
        }
    }
}

fn raw(bytes: Bytes) -> Bytes {
    bytes
}

fn vector(bytes: Vec<u8>) -> Vec<u8> {
    bytes
}

fn amid((before, bytes, after): (u8, Bytes, String)) -> (u8, Bytes, String) {
    (before, bytes, after)
}

/// Bytes stand there as they are, as a part of something else with their length, and
/// the memory of large ones is used again: by none that would show what it held.
#[test]
fn bytes_of_every_size_arrive_whole_alone_and_amid_others() {
    init_test_worker();
    let pool = pool(1);
    let step = 64 << 10;
    let borders = [0, 88, step, 256 << 10, 1 << 20, PIPE, 2 * PIPE, 4 << 20];
    let around = borders
        .into_iter()
        .flat_map(|n: usize| n.saturating_sub(1)..n + 2);
    for len in around.chain([8_388_593, 1_299_709, 524_287, 3]) {
        let bytes = bytes(len).into_vec();
        let alone = pool.submit(raw, Bytes::from(bytes.clone()));
        let listed = pool.submit(vector, bytes.clone());
        let parts = (1, Bytes::from(bytes.clone()), "after".to_owned());
        let parts = pool.submit(amid, parts);
        assert!(*finish(alone).unwrap() == *bytes, "{len} bytes");
        assert!(finish(listed).unwrap() == bytes, "{len} bytes");
        let (before, amid, after) = finish(parts).unwrap();
        assert!(*amid == *bytes, "{len} bytes");
        assert_eq!((before, after.as_str()), (1, "after"), "{len} bytes");
    }
}

/// What a process of this number has in memory, in MiB.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.unwrap().trim_end_matches("kB").trim();
    kibibytes.parse::<u64>().unwrap() / 1024
}

/// A thousand times 4 MiB, of which no more than a dozen are in flight.
#[test]
fn many_large_payloads_take_bounded_memory() {
    init_test_worker();
    let pool = pool(3);
    let mut peak = 0;
    let mut tasks = VecDeque::new();
    for n in 0..1000_usize {
        tasks.push_back(pool.submit(raw, vec![n as u8; 4 << 20].into()));
        if tasks.len() == 12 {
            let echoed = finish(tasks.pop_front().unwrap()).unwrap();
            assert!(echoed.len() == 4 << 20 && echoed.iter().all(|&byte| byte == (n - 11) as u8));
            if n % 50 == 0 {
                let workers: u64 = pool.worker_pids().into_iter().map(resident).sum();
                peak = peak.max(resident(std::process::id()) + workers);
            }
        }
    }
    // Here a dozen arguments and results, a few in each worker, and what is kept.
    assert!(peak < 1000, "{peak} MiB");
}

/// Longer than 32 bits can say.
#[test]
#[ignore = "takes 13 GB of memory"]
fn more_than_four_gibibytes_arrive_whole() {
    init_test_worker();
    let pool = pool(1);
    let len = (4 << 30) + 5;
    let mut large = vec![0; len];
    (large[1 << 31], large[len - 1]) = (1, 2);
    let echoed = finish(pool.submit(raw, Bytes::from(large))).unwrap();
    assert_eq!(
        (echoed.len(), echoed[1 << 31], echoed[len - 1]),
        (len, 1, 2)
    );
    assert!(echoed[..1 << 31].iter().all(|&byte| byte == 0));
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
