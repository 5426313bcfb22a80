//! What a supervisor has in hand when it loses its role is not lost, and neither is what
//! it was about to say.

mod common;
mod latch;

use common::{LONG, eventually, finish, pool};
use executor_core::conformance::{Gate, pass};
use executor_core::{CancelOutcome, Executor as _, ExecutorExt as _, Shutdown};
use latch::{Latch, SlowOut, double, others_are_done};
use pool_process::{ProcessPool, Transport};
use serde::{Deserialize, Serialize, Serializer};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

pool_process::test_worker!();

fn seven(_: SlowOut) -> u64 {
    7
}

fn take_long(_: SlowOut) {
    std::thread::sleep(Duration::from_secs(1));
}

#[test]
fn a_pool_does_not_end_while_a_job_is_being_encoded() {
    init_test_worker();
    let pool = pool(1);
    let latch = Latch::new();
    let task = pool.submit(seven, SlowOut(latch.key));
    latch.wait_until_somebody_blocks();
    others_are_done(&pool);
    let mut end = pool.shutdown(Shutdown::drain());
    // Long enough for the worker to go.
    assert!(end.wait_timeout(Duration::from_millis(500)).is_none());
    latch.open();
    assert_eq!(finish(task).unwrap(), 7);
    finish(end).unwrap();
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

/// The next supervisor has noted it as idle before.
#[test]
fn a_worker_that_a_former_supervisor_has_given_a_job_is_not_idle() {
    init_test_worker();
    let pool = ProcessPool::builder()
        .max_workers(1)
        .idle_timeout(Duration::from_millis(300))
        .build()
        .unwrap();
    let latch = Latch::new();
    let task = pool.submit(take_long, SlowOut(latch.key));
    latch.wait_until_somebody_blocks();
    others_are_done(&pool);
    latch.open();
    let (before, mut most) = (threads(), 0);
    eventually("it is done", || {
        most = most.max(threads());
        task.is_done()
    });
    assert!(most < before + 25, "{most} threads, {before} before");
    finish(task).unwrap();
}

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

/// It was packed and kept back, so the worker never hears of it.
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

#[test]
fn a_job_is_not_encoded_in_vain_while_a_large_argument_is_fed() {
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
    let encoded = ENCODED.load(Ordering::Relaxed);
    assert!(encoded <= 6, "four jobs were encoded {encoded} times");
}
