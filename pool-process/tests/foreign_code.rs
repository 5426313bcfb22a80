//! Code of the user's that does not come back: `Serialize`, `Deserialize`, callbacks,
//! wakers, drops. It costs its own task alone.

mod common;

use common::{LONG, eventually, finish, pool};
use executor_core::{CancelOutcome, Executor as _, ExecutorExt as _, Shutdown, Task};
use pool_process::{ProcessPool, Transport};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake};
use std::time::{Duration, Instant};

pool_process::test_worker!();

/// Places in this process where code blocks until the test lets it go.
#[derive(Default)]
struct Blocks {
    waiting: Mutex<HashMap<u64, Receiver<()>>>,
    arrived: AtomicUsize,
}

static BLOCKS: Mutex<Option<Arc<Blocks>>> = Mutex::new(None);
static NEXT: AtomicU64 = AtomicU64::new(1);

fn blocks() -> Arc<Blocks> {
    BLOCKS.lock().unwrap().get_or_insert_default().clone()
}

/// A key, and what lets go whoever blocks with it.
fn block() -> (u64, Sender<()>) {
    let key = NEXT.fetch_add(1, Ordering::Relaxed);
    let (open, opened) = channel();
    blocks().waiting.lock().unwrap().insert(key, opened);
    (key, open)
}

/// Blocks, if this is the process that made the key. Only the first time.
fn pass(key: u64) {
    let opened = blocks().waiting.lock().unwrap().remove(&key);
    if let Some(opened) = opened {
        blocks().arrived.fetch_add(1, Ordering::SeqCst);
        // An end without a word lets it go as well.
        let _ = opened.recv_timeout(LONG);
    }
}

/// Whether anybody blocks, or did, with that key.
fn is_there(key: u64) -> bool {
    !blocks().waiting.lock().unwrap().contains_key(&key)
}

/// A value that blocks in the parent while it is encoded.
struct SlowOut(u64);
/// One that blocks in the parent while it is decoded.
struct SlowIn(u64);

impl Serialize for SlowOut {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        pass(self.0);
        self.0.serialize(serializer)
    }
}
impl<'de> Deserialize<'de> for SlowOut {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::deserialize(deserializer).map(Self)
    }
}
impl Serialize for SlowIn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
impl<'de> Deserialize<'de> for SlowIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = u64::deserialize(deserializer)?;
        pass(key);
        Ok(Self(key))
    }
}

fn double(n: u64) -> u64 {
    2 * n
}

fn take(slow: SlowOut) -> u64 {
    slow.0
}

fn give(key: u64) -> SlowIn {
    SlowIn(key)
}

fn crash(_: SlowOut) {
    std::process::abort();
}

/// Jobs that come meanwhile are done.
fn others_are_done(pool: &ProcessPool) {
    let tasks: Vec<_> = (0..40).map(|n| pool.submit(double, n)).collect();
    for (n, task) in (0..).zip(tasks) {
        assert_eq!(finish(task).unwrap(), 2 * n);
    }
}

#[test]
fn an_argument_that_is_slow_to_encode_holds_up_nobody() {
    init_test_worker();
    let ways = [Transport::SharedMemory, Transport::Messages];
    for (workers, way) in [1, 2].into_iter().flat_map(|n| ways.map(|way| (n, way))) {
        let pool = ProcessPool::builder().max_workers(workers).transport(way);
        let pool = pool.build().unwrap();
        let (key, open) = block();
        let slow = pool.submit(take, SlowOut(key));
        eventually("it is being encoded", || is_there(key));
        others_are_done(&pool);
        assert!(!slow.is_done());
        open.send(()).unwrap();
        assert_eq!(finish(slow).unwrap(), key);
    }
}

/// Several at a time, and the others in between.
#[test]
fn many_that_are_slow_to_encode_hold_up_nobody() {
    init_test_worker();
    let pool = pool(2);
    let mut slow = Vec::new();
    let mut between = Vec::new();
    for n in 0..8 {
        let (key, open) = block();
        slow.push((key, open, pool.submit(take, SlowOut(key))));
        between.push(pool.submit(double, n));
    }
    for (n, task) in (0..).zip(between) {
        assert_eq!(finish(task).unwrap(), 2 * n);
    }
    for (key, open, task) in slow {
        eventually("it is being encoded", || is_there(key));
        open.send(()).unwrap();
        assert_eq!(finish(task).unwrap(), key);
    }
}

#[test]
fn a_job_that_is_being_encoded_can_be_cancelled_and_its_time_in_the_queue_ends() {
    init_test_worker();
    let pool = pool(1);
    let (key, open) = block();
    let cancelled = pool.submit(take, SlowOut(key));
    eventually("it is being encoded", || is_there(key));
    assert_eq!(cancelled.cancel(), CancelOutcome::Requested);
    let (other_key, other_open) = block();
    let limit = Duration::from_millis(20);
    let expired = pool
        .task(take, SlowOut(other_key))
        .queue_timeout(limit)
        .submit();
    eventually("it is being encoded", || is_there(other_key));
    std::thread::sleep(2 * limit);
    open.send(()).unwrap();
    other_open.send(()).unwrap();
    assert!(finish(cancelled).unwrap_err().is_cancelled());
    assert!(finish(expired).unwrap_err().is_timed_out());
    others_are_done(&pool);
}

/// It is with nobody but the thread that encodes it, and belongs to the pool all the same.
#[test]
fn a_drain_waits_for_a_job_that_is_being_encoded() {
    init_test_worker();
    let pool = pool(1);
    let (key, open) = block();
    let slow = pool.submit(take, SlowOut(key));
    eventually("it is being encoded", || is_there(key));
    let end = pool.shutdown(Shutdown::drain());
    eventually("its worker has gone", || pool.worker_pids().is_empty());
    assert!(!end.is_done());
    open.send(()).unwrap();
    assert_eq!(finish(slow).unwrap(), key);
    finish(end).unwrap();
}

#[test]
fn a_job_that_is_being_encoded_while_its_pool_is_killed_is_cancelled() {
    init_test_worker();
    let pool = pool(1);
    let (key, open) = block();
    let slow = pool.submit(take, SlowOut(key));
    eventually("it is being encoded", || is_there(key));
    finish(pool.shutdown(Shutdown::kill())).unwrap();
    open.send(()).unwrap();
    assert!(finish(slow).unwrap_err().is_cancelled());
}

fn take_and_stay(slow: SlowOut) -> u64 {
    // Longer than an idle worker stays.
    std::thread::sleep(Duration::from_secs(1));
    slow.0
}

/// It was found idle while its job was being encoded.
#[test]
fn a_worker_that_is_given_a_slow_argument_is_not_let_go_for_being_idle() {
    init_test_worker();
    let pool = ProcessPool::builder()
        .max_workers(1)
        .idle_timeout(Duration::from_millis(500))
        .build()
        .unwrap();
    let (key, open) = block();
    let slow = pool.submit(take_and_stay, SlowOut(key));
    eventually("it is being encoded", || is_there(key));
    others_are_done(&pool);
    open.send(()).unwrap();
    assert_eq!(finish(slow).unwrap(), key);
    others_are_done(&pool);
}

fn wait_for_file(path: String) {
    let start = Instant::now();
    while !std::path::Path::new(&path).exists() && start.elapsed() < LONG {
        std::thread::yield_now();
    }
}

fn take_long(long: (SlowOut, Vec<u64>)) -> u64 {
    long.0.0 + long.1.len() as u64
}

/// By message, a long argument is kept back while the worker is busy. If its job is
/// cancelled meanwhile, the worker has nothing when its turn has come.
#[test]
fn a_worker_is_idle_when_what_was_kept_back_for_it_was_cancelled() {
    init_test_worker();
    let way = Transport::Messages;
    let pool = ProcessPool::builder().max_workers(1).transport(way);
    let pool = pool.build().unwrap();
    let path = std::env::temp_dir().join(format!("kept-back-{}", std::process::id()));
    let path = path.to_str().unwrap().to_owned();
    // The first four are sent at once; the next two when the first of those is done.
    let (first_key, first_open) = block();
    let first = pool.submit(take, SlowOut(first_key));
    let running = pool.submit(wait_for_file, path.clone());
    let (key, open) = block();
    let mut others: Vec<_> = (0..3).map(|n| pool.submit(double, n)).collect();
    let kept = pool.submit(take_long, (SlowOut(key), vec![u64::MAX; 16 * 1024]));
    others.extend((3..5).map(|n| pool.submit(double, n)));
    first_open.send(()).unwrap();
    eventually("it is being encoded", || is_there(key));
    open.send(()).unwrap();
    eventually("it is kept back", || pool.queued() == 6);
    assert_eq!(kept.cancel(), CancelOutcome::BeforeStart);
    std::fs::write(&path, []).unwrap();
    finish(running).unwrap();
    for (n, task) in (0..).zip(others) {
        assert_eq!(finish(task).unwrap(), 2 * n);
    }
    assert_eq!(finish(first).unwrap(), first_key);
    assert!(finish(kept).unwrap_err().is_cancelled());
    others_are_done(&pool);
    let _ = std::fs::remove_file(path);
}

#[test]
fn a_result_that_is_slow_to_decode_holds_up_nobody() {
    init_test_worker();
    let pool = pool(1);
    let (key, open) = block();
    let slow = pool.submit(give, key);
    eventually("it is being decoded", || is_there(key));
    others_are_done(&pool);
    assert!(!slow.is_done());
    open.send(()).unwrap();
    assert_eq!(finish(slow).unwrap().0, key);
}

struct Blocking(u64);

impl Wake for Blocking {
    fn wake(self: Arc<Self>) {
        pass(self.0);
    }
}

#[test]
fn a_waker_that_blocks_holds_up_nobody() {
    init_test_worker();
    let pool = pool(1);
    let (key, open) = block();
    let waker = Arc::new(Blocking(key)).into();
    let mut context = Context::from_waker(&waker);
    let (gate, gate_open) = block();
    // Its result is not there before it is asked for.
    let mut task = pin!(pool.submit(take, SlowOut(gate)));
    assert!(matches!(task.as_mut().poll(&mut context), Poll::Pending));
    gate_open.send(()).unwrap();
    eventually("it is woken", || is_there(key));
    others_are_done(&pool);
    open.send(()).unwrap();
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

#[test]
fn blocked_callbacks_about_lost_workers_stop_no_start() {
    init_test_worker();
    let pool = pool(2);
    let mut opens = Vec::new();
    let tasks: Vec<Task<()>> = (0..6)
        .map(|_| {
            let (key, open) = block();
            // It does not begin before its callback is there.
            let (gate, _opens) = block();
            let task = pool.submit(crash, SlowOut(gate));
            task.add_done_callback(move |_| pass(key));
            opens.push((key, open));
            task
        })
        .collect();
    for (key, _) in &opens {
        eventually("its callback blocks", || is_there(*key));
    }
    others_are_done(&pool);
    drop(opens);
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
        let (key, open) = block();
        let (gate, gate_open) = block();
        let task = pool.submit(take, SlowOut(gate));
        task.add_done_callback(move |_| pass(key));
        gate_open.send(()).unwrap();
        eventually("its callback blocks", || is_there(key));
        let start = Instant::now();
        finish(pool.shutdown(how)).unwrap();
        assert!(start.elapsed() < Duration::from_secs(20), "{how:?}");
        assert_eq!(pool.worker_pids(), []);
        open.send(()).unwrap();
        assert_eq!(finish(task).unwrap(), gate);
    }
}

/// Cancelled jobs are resolved one by one: one whose callback blocks does not keep the
/// others, nor the kill.
#[test]
fn a_cancelled_job_whose_callback_blocks_holds_up_no_shutdown() {
    init_test_worker();
    let pool = pool(1);
    let (held, held_open) = block();
    let running = pool.submit(give, held);
    eventually("it is being decoded", || is_there(held));
    let (encoded, encoded_open) = block();
    let slow = pool.submit(take, SlowOut(encoded));
    let (key, open) = block();
    let queued: Vec<_> = (0..10).map(|n| pool.submit(crash_never, n)).collect();
    queued[0].add_done_callback(move |_| pass(key));
    let report = finish(pool.shutdown(Shutdown::kill())).unwrap();
    assert!(report.cancelled <= 11, "{report:?}");
    drop((open, held_open, encoded_open));
    for task in queued {
        assert!(finish(task).unwrap_err().is_cancelled());
    }
    assert_eq!(finish(running).unwrap().0, held);
    let _ = finish(slow);
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
    let (gate, open) = block();
    pool.submit(take, SlowOut(gate))
        .add_done_callback(move |_| tell.send(blocked_signals()).unwrap());
    open.send(()).unwrap();
    assert_eq!(told.recv_timeout(LONG).unwrap(), blocked_signals());
}
