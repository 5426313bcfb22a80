//! What a supervisor has in hand when it loses its role is not lost, and neither is what
//! it was about to say.

mod common;

use common::{LONG, finish, pool};
use executor_core::conformance::{Gate, pass};
use executor_core::{CancelOutcome, Executor as _, ExecutorExt as _, Shutdown};
use pool_process::{ProcessPool, Transport};
use serde::{Deserialize, Serialize, Serializer};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

pool_process::test_worker!();

#[test]
fn each_who_waits_for_the_end_of_a_pool_is_told_though_a_callback_blocks() {
    init_test_worker();
    let pool = pool(1);
    let mut gate = Gate::new();
    let task = pool.submit(pass, gate.ticket(0));
    gate.arrival();
    let (tell, told) = channel();
    let (open, opened) = channel::<()>();
    let first = pool.shutdown(Shutdown::drain());
    first.add_done_callback(move |_| {
        tell.send(()).unwrap();
        let _ = opened.recv_timeout(LONG);
    });
    let second = pool.shutdown(Shutdown::drain());
    gate.open();
    told.recv_timeout(LONG).unwrap();
    finish(second).unwrap();
    open.send(()).unwrap();
    finish(first).unwrap();
    finish(task).unwrap();
}

fn length(bytes: Vec<u8>) -> usize {
    bytes.len()
}

/// It was kept back, so the worker never hears of it.
#[test]
fn a_worker_whose_last_job_is_cancelled_before_it_is_sent_is_idle() {
    init_test_worker();
    let pool = ProcessPool::builder()
        .max_workers(1)
        .transport(Transport::Messages)
        .build()
        .unwrap();
    let mut gate = Gate::new();
    // All come while the worker starts; the first two are sent to it, and then a third.
    let first = pool.submit(double, 1);
    let second = pool.submit(pass, gate.ticket(0));
    let third = pool.submit(length, vec![0; 100_000]);
    let last = pool.submit(double, 2);
    finish(first).unwrap();
    gate.arrival();
    assert_eq!(third.cancel(), CancelOutcome::BeforeStart);
    gate.open();
    finish(second).unwrap();
    assert_eq!(finish(last).unwrap(), 4);
}

fn double(n: u64) -> u64 {
    2 * n
}

static ENCODED: AtomicUsize = AtomicUsize::new(0);

/// A value that counts how often it is encoded.
#[derive(Deserialize)]
struct Counted(());

impl Serialize for Counted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ENCODED.fetch_add(1, Ordering::Relaxed);
        serializer.serialize_newtype_struct("Counted", &self.0)
    }
}

fn count(_: Counted) {}

/// Not again either when it has to wait for a large argument, or is taken to another worker.
#[test]
fn a_job_is_encoded_once() {
    init_test_worker();
    let pool = pool(1);
    let first = pool.submit(double, 1);
    let large = pool.submit(length, vec![0; 64 << 20]);
    let tasks: Vec<_> = (0..4).map(|_| pool.submit(count, Counted(()))).collect();
    finish(first).unwrap();
    assert_eq!(finish(large).unwrap(), 64 << 20);
    for task in tasks {
        finish(task).unwrap();
    }
    assert_eq!(ENCODED.load(Ordering::Relaxed), 4);
}
