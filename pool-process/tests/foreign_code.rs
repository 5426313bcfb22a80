//! Code of the user's that does not come back: `Deserialize`, callbacks, wakers. It costs
//! its own task alone. `slow_to_encode` has the same for `Serialize`.

mod common;
mod latch;

use common::{LONG, finish, pool};
use executor_core::conformance::{Gate, pass};
use executor_core::{Executor as _, ExecutorExt as _, Shutdown, Task};
use latch::{Latch, block, double, give, others_are_done};
use pool_process::{ProcessPool, Transport};
use serde::{Deserialize, Deserializer, Serialize};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::task::{Context, Poll, Wake};
use std::time::{Duration, Instant};

pool_process::test_worker!();

fn crash(ticket: (u16, u64)) {
    pass(ticket);
    std::process::abort();
}

#[test]
fn a_result_that_is_slow_to_decode_holds_up_nobody() {
    init_test_worker();
    let pool = pool(1);
    let latch = Latch::new();
    let key = latch.key;
    let slow = pool.submit(give, key);
    latch.wait_until_somebody_blocks();
    others_are_done(&pool);
    assert!(!slow.is_done());
    latch.open();
    assert_eq!(finish(slow).unwrap().0, key);
}

struct Blocking(u64);

impl Wake for Blocking {
    fn wake(self: Arc<Self>) {
        block(self.0);
    }
}

#[test]
fn a_waker_that_blocks_holds_up_nobody() {
    init_test_worker();
    let pool = pool(1);
    let (latch, gate) = (Latch::new(), Gate::new());
    let waker = Arc::new(Blocking(latch.key)).into();
    let mut context = Context::from_waker(&waker);
    // Its result is not there before it is asked for.
    let mut task = pin!(pool.submit(pass, gate.ticket(0)));
    assert!(matches!(task.as_mut().poll(&mut context), Poll::Pending));
    drop(gate);
    latch.wait_until_somebody_blocks();
    others_are_done(&pool);
    latch.open();
}

/// The retry idiom, and a callback that waits for a job of its own batch.
#[test]
fn a_callback_may_submit_again_and_wait() {
    init_test_worker();
    let pool = pool(1);
    let (tell, told) = channel();
    for n in 0..20 {
        let (again, tell) = (pool.clone(), tell.clone());
        let first = pool.submit(double, n);
        first.add_done_callback(move |outcome| {
            let n = *outcome.unwrap();
            let second = again.submit(double, n);
            let third = again.submit(double, n + 1);
            tell.send((finish(third), finish(second))).unwrap();
        });
        first.detach();
    }
    for _ in 0..20 {
        let (third, second) = told.recv_timeout(LONG).unwrap();
        assert_eq!(third.unwrap(), second.unwrap() + 2);
    }
}

/// A result that takes its time, and is no reason to take over.
#[derive(Serialize)]
struct Costly(u64);

impl<'de> Deserialize<'de> for Costly {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let start = Instant::now();
        while start.elapsed() < Duration::from_micros(50) {
            std::hint::spin_loop();
        }
        u64::deserialize(deserializer).map(Self)
    }
}

fn costly(n: u64) -> Costly {
    Costly(n)
}

/// However many results come after theirs.
#[test]
fn who_waits_is_told_before_all_others_are_done() {
    const MANY: u64 = 20_000;
    init_test_worker();
    for way in [Transport::SharedMemory, Transport::Messages] {
        let pool = ProcessPool::builder().max_workers(2).transport(way);
        let pool = pool.build().unwrap();
        finish(pool.warm_up()).unwrap();
        let (tell, told) = channel();
        let (waited, called) = (pool.submit(double, 4), pool.submit(double, 5));
        let waits = tell.clone();
        std::thread::spawn(move || {
            finish(waited).unwrap();
            waits.send(()).unwrap();
        });
        called.add_done_callback(move |_| tell.send(()).unwrap());
        let others: Vec<_> = (0..MANY).map(|n| pool.submit(costly, n)).collect();
        for _ in 0..2 {
            told.recv_timeout(LONG).unwrap();
        }
        let done = others.iter().filter(|task| task.is_done()).count();
        assert!(done < others.len() * 3 / 4, "{way:?}: {done} were done");
        finish(pool.shutdown(Shutdown::kill())).unwrap();
    }
}

/// Each is too short for another thread to take over.
#[test]
fn many_slow_callbacks_hold_up_no_other_job() {
    const MANY: usize = 500;
    static CALLED: AtomicUsize = AtomicUsize::new(0);
    init_test_worker();
    let pool = pool(1);
    let mut gate = Gate::new();
    let first = pool.submit(pass, gate.ticket(0));
    gate.arrival();
    let tasks: Vec<_> = (0..MANY).map(|n| pool.submit(double, n as u64)).collect();
    for task in &tasks {
        task.add_done_callback(|_| {
            CALLED.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(4));
        });
    }
    gate.open();
    common::eventually("they are called", || CALLED.load(Ordering::SeqCst) > 0);
    others_are_done(&pool);
    let called = CALLED.load(Ordering::SeqCst);
    assert!(called < MANY, "the others waited for all callbacks");
    finish(first).unwrap();
    for task in tasks {
        finish(task).unwrap();
    }
}

#[test]
fn blocked_callbacks_about_lost_workers_stop_no_start() {
    init_test_worker();
    let pool = pool(2);
    let (mut latches, mut gate) = (Vec::new(), Gate::new());
    let tasks: Vec<Task<()>> = (0..6)
        .map(|n| {
            let latch = Latch::new();
            let (key, task) = (latch.key, pool.submit(crash, gate.ticket(n)));
            task.add_done_callback(move |_| block(key));
            latches.push(latch);
            task
        })
        .collect();
    // None crashes before its callback is there.
    for _ in 0..6 {
        gate.arrival();
        gate.open();
    }
    latches.iter().for_each(Latch::wait_until_somebody_blocks);
    others_are_done(&pool);
    drop(latches);
    for task in tasks {
        assert!(finish(task).unwrap_err().is_worker_lost());
    }
}

#[test]
fn a_shutdown_with_a_deadline_reports_though_a_callback_blocks() {
    init_test_worker();
    let soon = Duration::from_millis(200);
    for how in [
        Shutdown::kill(),
        Shutdown::kill().within(soon),
        Shutdown::drain().within(soon),
        Shutdown::cancel_pending().within(soon),
    ] {
        let pool = pool(1);
        let (latch, gate) = (Latch::new(), Gate::new());
        let key = latch.key;
        let task = pool.submit(pass, gate.ticket(7));
        task.add_done_callback(move |_| block(key));
        drop(gate);
        latch.wait_until_somebody_blocks();
        let start = Instant::now();
        finish(pool.shutdown(how)).unwrap();
        assert!(start.elapsed() < Duration::from_secs(20), "{how:?}");
        assert_eq!(pool.worker_pids(), []);
        latch.open();
        assert_eq!(finish(task).unwrap(), 7);
    }
}

/// Cancelled jobs are resolved one by one: one whose callback blocks does not keep the
/// others, nor the kill.
#[test]
fn a_cancelled_job_whose_callback_blocks_holds_up_no_shutdown() {
    init_test_worker();
    let pool = pool(1);
    let (decoded, callback) = (Latch::new(), Latch::new());
    let (held, key) = (decoded.key, callback.key);
    let running = pool.submit(give, held);
    decoded.wait_until_somebody_blocks();
    let queued: Vec<_> = (0..10).map(|n| pool.submit(crash_never, n)).collect();
    queued[0].add_done_callback(move |_| block(key));
    let report = finish(pool.shutdown(Shutdown::kill())).unwrap();
    assert!(report.cancelled <= 10, "{report:?}");
    drop((callback, decoded));
    for task in queued {
        assert!(finish(task).unwrap_err().is_cancelled());
    }
    assert_eq!(finish(running).unwrap().0, held);
}

fn crash_never(_: u64) {
    // It runs for longer than the test, unless it is killed.
    std::thread::sleep(LONG);
}

/// The signals that a thread of this process blocks, as its children inherit them.
fn blocked_signals() -> String {
    let output = std::process::Command::new("cat")
        .arg("/proc/self/status")
        .output()
        .unwrap();
    let status = String::from_utf8(output.stdout).unwrap();
    let line = status.lines().find(|line| line.starts_with("SigBlk"));
    line.unwrap().to_owned()
}

#[test]
fn what_a_callback_starts_can_be_interrupted() {
    init_test_worker();
    let pool = pool(1);
    let (tell, told) = channel();
    let gate = Gate::new();
    pool.submit(pass, gate.ticket(0))
        .add_done_callback(move |_| tell.send(blocked_signals()).unwrap());
    drop(gate);
    assert_eq!(told.recv_timeout(LONG).unwrap(), blocked_signals());
}
