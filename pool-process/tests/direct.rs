//! Jobs that are posted by the thread that submits them, and whose results the thread that
//! waits looks for itself.

mod common;
mod latch;

use common::{LONG, eventually, is_alive, kill, pool};
use executor_core::{CancelOutcome, Executor as _, ExecutorExt as _, Shutdown};
use latch::{Latch, double, give, others_are_done};
use pool_process::ProcessPool;
use serde::{Deserialize, Deserializer, Serialize};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

pool_process::test_worker!();

const ROUNDS: u64 = 10;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// On a thread of its own, which blocks without a limit of its own: so it looks.
#[track_caller]
fn in_time<R: Send + 'static>(f: impl FnOnce() -> R + Send + 'static) -> R {
    let (tell, told) = channel();
    std::thread::spawn(move || tell.send(f()));
    told.recv_timeout(LONG).expect("it comes back")
}

/// The worker is awake, and this thread has found what it looked for.
fn warm(pool: &ProcessPool) {
    for n in 0..70 {
        assert_eq!(pool.submit(double, n).wait().unwrap(), 2 * n);
    }
}

/// With a pool of one worker that is awake each time.
#[track_caller]
fn rounds(f: impl Fn(&ProcessPool) + Send + 'static) {
    let pool = pool(1);
    in_time(move || {
        for _ in 0..ROUNDS {
            warm(&pool);
            f(&pool);
        }
    });
}

fn pid(_: ()) -> u32 {
    std::process::id()
}

fn hang(_: ()) {
    std::thread::sleep(Duration::from_secs(600));
}

#[test]
fn each_gets_its_own_result() {
    init_test_worker();
    for workers in [1, 3] {
        let pool = pool(workers);
        let threads: Vec<_> = (0..6_u64)
            .map(|who| {
                let pool = pool.clone();
                std::thread::spawn(move || {
                    for n in (0..3000).map(|n| 10_000 * who + n) {
                        assert_eq!(pool.submit(double, n).wait().unwrap(), 2 * n);
                    }
                })
            })
            .collect();
        in_time(|| threads.into_iter().for_each(|its| its.join().unwrap()));
        let report = in_time(move || pool.shutdown(Shutdown::drain()).wait()).unwrap();
        assert_eq!((report.cancelled, report.unkilled.len()), (0, 0));
    }
}

static GUARDED: Mutex<()> = Mutex::new(());

#[derive(Serialize)]
struct Locks(u64);

impl<'de> Deserialize<'de> for Locks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let _guard = GUARDED.lock().unwrap();
        u64::deserialize(deserializer).map(Self)
    }
}

fn locks(n: u64) -> Locks {
    Locks(n)
}

/// Nothing of the user's that may not come back runs on a thread that has a limit.
#[test]
fn a_wait_with_a_limit_ends_whatever_deserialize_does() {
    init_test_worker();
    rounds(|pool| {
        let guard = GUARDED.lock().unwrap();
        let mut task = pool.submit(locks, 1);
        assert!(task.wait_timeout(ms(50)).is_none());
        drop(guard);
        assert_eq!(task.wait().unwrap().0, 1);
    });
}

/// One without a limit waits for its own, and for nobody else's.
#[test]
fn a_deserialize_that_blocks_holds_up_who_waits_for_it_alone() {
    init_test_worker();
    rounds(|pool| {
        let latch = Latch::new();
        let slow = pool.submit(give, latch.key);
        let waits = std::thread::spawn(move || slow.wait());
        latch.wait_until_somebody_blocks();
        others_are_done(pool);
        warm(pool);
        latch.open();
        assert!(waits.join().unwrap().is_ok());
    });
}

#[derive(Serialize)]
struct Exits(u64);

impl<'de> Deserialize<'de> for Exits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::deserialize(deserializer)?;
        std::process::exit(7);
    }
}

fn exits(n: u64) -> Exits {
    Exits(n)
}

/// The thread that decodes is waited for by the pool, which the end of the program waits
/// for.
#[test]
fn a_deserialize_may_end_the_program() {
    const CHILD: &str = "POOL_PROCESS_TEST_EXITS";
    init_test_worker();
    if std::env::var_os(CHILD).is_some() {
        let pool = pool(1);
        warm(&pool);
        let task = pool.submit(exits, 1);
        drop(pool);
        let _ = task.wait();
        panic!("it did not exit");
    }
    for _ in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_deserialize_may_end_the_program"])
            .env(CHILD, "1")
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut status = None;
        eventually("it ends", || {
            status = child.try_wait().unwrap();
            status.is_some()
        });
        assert_eq!(status.unwrap().code(), Some(7));
    }
}

/// The supervisor sleeps when a worker becomes idle, for longer than that may stay.
#[test]
fn an_idle_worker_goes_in_time() {
    init_test_worker();
    for limit in [ms(0), ms(20)] {
        let builder = ProcessPool::builder().max_workers(1).idle_timeout(limit);
        let pool = builder.build().unwrap();
        let late = in_time(move || {
            let goes = (0..2 * ROUNDS).map(|_| {
                let mut worker = 0;
                for _ in 0..20 {
                    worker = pool.submit(pid, ()).wait().unwrap();
                }
                let start = Instant::now();
                eventually("it is gone", || !is_alive(worker));
                start.elapsed()
            });
            goes.filter(|took| *took > limit + ms(300)).count()
        });
        // On a busy machine one may be late for reasons of its own.
        assert!(late <= 2, "{late} of them, with {limit:?}");
    }
}

/// However deep the supervisor sleeps.
#[test]
fn what_becomes_of_a_job_is_noticed_in_time() {
    init_test_worker();
    let pool = pool(1);
    in_time(move || {
        for pause in [0, 100, 450, 600, 1200] {
            let timed = pool.task(hang, ()).timeout(ms(20)).submit();
            assert!(timed.wait().unwrap_err().is_timed_out());
            warm(&pool);
            std::thread::sleep(ms(pause));
            let cancelled = pool.submit(hang, ());
            eventually("it runs", || cancelled.is_running());
            assert_eq!(cancelled.cancel(), CancelOutcome::Killed);
            assert!(cancelled.wait().unwrap_err().is_cancelled());
            let worker = pool.submit(pid, ()).wait().unwrap();
            std::thread::sleep(ms(pause));
            let lost = pool.submit(hang, ());
            eventually("it runs", || lost.is_running());
            kill(worker);
            assert!(lost.wait().is_err());
            warm(&pool);
        }
    });
}
