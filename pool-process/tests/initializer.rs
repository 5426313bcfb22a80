//! A function that each worker calls before its first job; and what becomes of
//! the jobs when it fails.

mod common;

use common::{eventually, finish, kill, open_files, pool};
use executor_core::conformance::{Gate, pass};
use executor_core::{ExecutorExt as _, TaskError, TaskErrorKind};
use pool_process::{Builder, ProcessPool};
use serde::{Serialize, Serializer, ser};
use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pool_process::test_worker!();

static CALLS: AtomicU32 = AtomicU32::new(0);
static GREETING: Mutex<String> = Mutex::new(String::new());

/// Sets up what jobs find, and notes where it ran.
fn set_up((file, greeting): (PathBuf, String)) {
    CALLS.fetch_add(1, Ordering::Relaxed);
    *GREETING.lock().expect("nobody panicked") = greeting;
    let mut file = OpenOptions::new().append(true).open(file).expect("a file");
    // In one write: other workers append to the same file.
    let line = format!("{}\n", std::process::id());
    file.write_all(line.as_bytes()).expect("it can be written");
}

fn look(_: ()) -> (u32, u32, String) {
    let greeting = GREETING.lock().expect("nobody panicked").clone();
    (std::process::id(), CALLS.load(Ordering::Relaxed), greeting)
}

/// InitializerMixin.test_initializer
#[test]
fn it_runs_once_in_each_worker_before_its_first_job() {
    init_test_worker();
    let file = tempfile::NamedTempFile::new().unwrap();
    let argument = (file.path().to_owned(), "hello".to_owned());
    let builder = ProcessPool::builder().max_workers(3);
    let pool = builder.initializer(set_up, argument).build().unwrap();
    let mut used = BTreeSet::new();
    for _ in 0..5 {
        finish(pool.warm_up()).unwrap();
        let mut gate = Gate::new();
        let tasks: Vec<_> = (0..3)
            .map(|n| {
                let job = |ticket| {
                    pass(ticket);
                    look(())
                };
                pool.submit(job, gate.ticket(n))
            })
            .collect();
        for _ in 0..3 {
            gate.arrival();
        }
        gate.open();
        for task in tasks {
            let (pid, calls, greeting) = finish(task).unwrap();
            assert_eq!((calls, greeting.as_str()), (1, "hello"));
            used.insert(pid);
        }
        let more: Vec<_> = (0..50).map(|_| pool.submit(look, ())).collect();
        for task in more {
            let (pid, calls, _) = finish(task).unwrap();
            assert_eq!(calls, 1);
            used.insert(pid);
        }
        pool.worker_pids().into_iter().for_each(kill);
        eventually("they are noticed", || {
            !pool.worker_pids().iter().any(|pid| used.contains(pid))
        });
    }
    let notes = std::fs::read_to_string(file.path()).unwrap();
    let notes: Vec<u32> = notes.lines().map(|pid| pid.parse().unwrap()).collect();
    let once: BTreeSet<_> = notes.iter().copied().collect();
    assert_eq!(once.len(), notes.len(), "twice in one worker: {notes:?}");
    assert!(once.is_superset(&used), "{used:?} of {once:?}");
    assert!(used.len() >= 15, "{used:?}");
    assert_eq!(CALLS.load(Ordering::Relaxed), 0, "in the program itself");
}

/// Fails while the file is there.
fn trouble((file, how): (PathBuf, String)) -> Result<(), String> {
    if !file.exists() {
        return Ok(());
    }
    match how.as_str() {
        "error" => Err("no licence".to_owned()),
        "panic" => panic!("no luck"),
        "exit" => {
            eprintln!("no way");
            std::process::exit(3)
        }
        "abort" => std::process::abort(),
        _ => loop {
            std::thread::park();
        },
    }
}

fn troubled(workers: usize, how: &str, file: &Path) -> Builder {
    ProcessPool::builder()
        .max_workers(workers)
        .initializer(trouble, (file.to_owned(), how.to_owned()))
}

fn double(n: u64) -> u64 {
    2 * n
}

/// FailingInitializerMixin.test_initializer: jobs fail with the reason, none
/// hangs; and the pool is not broken for good.
#[test]
fn jobs_fail_with_its_error_until_it_succeeds() {
    init_test_worker();
    for (how, text) in [
        ("error", "the initializer failed: no licence"),
        (
            "panic",
            "the initializer panicked at pool-process/tests/initializer.rs:",
        ),
        (
            "exit",
            "exited with code 3 before it was ready; it was at its orders",
        ),
        (
            "abort",
            "was killed by SIGABRT (signal 6) before it was ready",
        ),
    ] {
        for workers in [1, 3] {
            let file = tempfile::NamedTempFile::new().unwrap();
            let pool = troubled(workers, how, file.path()).build().unwrap();
            let check = |error: TaskError| {
                assert_eq!(error.kind(), TaskErrorKind::PoolBroken, "{how}: {error}");
                let message = error.to_string();
                assert!(message.contains(text), "{how}: {message}");
                let words = how != "exit" || message.contains("its last words: no way");
                assert!(words, "{message}");
            };
            let tasks: Vec<_> = (0..20).map(|n| pool.submit(double, n)).collect();
            for task in tasks {
                check(finish(task).unwrap_err());
            }
            check(finish(pool.warm_up()).unwrap_err());
            drop(file);
            assert_eq!(finish(pool.submit(double, 21)).unwrap(), 42, "{how}");
        }
    }
}

/// mpire test_worker_init_timeout
#[test]
fn one_that_hangs_is_given_up_at_the_boot_deadline() {
    init_test_worker();
    let file = tempfile::NamedTempFile::new().unwrap();
    let limit = Duration::from_millis(500);
    let pool = troubled(1, "hang", file.path()).boot_deadline(limit);
    let error = finish(pool.build().unwrap().submit(double, 1)).unwrap_err();
    assert_eq!(error.kind(), TaskErrorKind::PoolBroken, "{error}");
    let text = "it was not ready within 500ms; it was at its orders";
    assert!(error.to_string().contains(text), "{error}");
}

/// Where it fails only sometimes, no job is lost by it.
#[test]
fn jobs_wait_for_a_worker_in_which_it_succeeds() {
    init_test_worker();
    let file = tempfile::NamedTempFile::new().unwrap();
    let moody = |file: PathBuf| {
        let mut log = OpenOptions::new().append(true).open(file).expect("a file");
        log.write_all(b"x").expect("it can be written");
        // Every third works.
        let calls = log.metadata().expect("it is open").len();
        if calls.is_multiple_of(3) {
            Ok(())
        } else {
            Err("not today")
        }
    };
    let builder = ProcessPool::builder().max_workers(1);
    let builder = builder.initializer(moody, file.path().to_owned());
    let pool = builder.max_tasks_per_worker(5).build().unwrap();
    let tasks: Vec<_> = (0..20).map(|n| pool.submit(double, n)).collect();
    for (n, task) in (0..).zip(tasks) {
        assert_eq!(finish(task).unwrap(), 2 * n);
    }
}

/// FailingInitializerResourcesTest
#[test]
fn failing_leaves_nothing_behind() {
    init_test_worker();
    let file = tempfile::NamedTempFile::new().unwrap();
    let pool = troubled(2, "error", file.path()).build().unwrap();
    finish(pool.submit(double, 1)).unwrap_err();
    let before = open_files();
    for n in 0..5 {
        finish(pool.submit(double, n)).unwrap_err();
    }
    // Other tests of this program have their own workers meanwhile.
    eventually("descriptors are closed", || open_files() <= before + 60);
    eventually("the workers are gone", || pool.worker_pids().is_empty());
}

#[derive(serde::Deserialize)]
struct Stubborn;

impl Serialize for Stubborn {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(ser::Error::custom("never"))
    }
}

#[test]
fn an_argument_that_cannot_be_sent_is_refused_at_once() {
    init_test_worker();
    let error = ProcessPool::builder()
        .initializer(|_: Stubborn| (), Stubborn)
        .build()
        .unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("the initializer cannot be sent"),
        "{message}"
    );
    assert!(message.contains("Stubborn"), "{message}");
    // And the others do not mind.
    assert_eq!(finish(pool(1).submit(double, 2)).unwrap(), 4);
}
