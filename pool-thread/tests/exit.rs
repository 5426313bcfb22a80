//! What a process leaves undone when it ends. Each test runs itself once more,
//! in a child process, whose `main` is that of the test harness.

#![cfg(unix)]

mod common;

use common::{Gate, LONG, pool};
use executor_core::{Executor as _, Job, JobOptions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

const CHILD: &str = "POOL_THREAD_TEST_CHILD";

fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // The harness may have begun a line of its own.
    writeln!(out, "\n{line}")
        .and_then(|()| out.flush())
        .unwrap();
}

/// Runs this test in a child process.
fn child(test: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(CHILD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits for the child; one that hangs is killed, and fails the test.
fn wait(mut child: Child) -> ExitStatus {
    let since = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if since.elapsed() > LONG {
            child.kill().unwrap();
            panic!("the child process does not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Lets the child go once it says that it is about to return from `main`.
fn release(child: &mut Child) -> Vec<String> {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while lines.next().expect("it says so").unwrap() != "leaving" {}
    // Not a synchronisation: it gives the child the time to be waiting in its
    // exit handler, where it would lose the jobs. The test holds without it.
    std::thread::sleep(Duration::from_millis(100));
    drop(child.stdin.take());
    lines.map_while(Result::ok).collect()
}

/// Blocks until the test lets this process go.
fn wait_for_release() {
    let _ = std::io::stdin().read(&mut [0]);
}

/// CPython: `test_shutdown.py::test_interpreter_shutdown`.
#[test]
fn returning_from_main_finishes_queued_detached_jobs() {
    if is_child() {
        let pool = pool(2);
        pool.spawn(wait_for_release).detach();
        pool.spawn(wait_for_release).detach();
        for n in 0..50 {
            pool.spawn(move || say(&format!("job {n}"))).detach();
        }
        drop(pool);
        say("leaving");
        return;
    }
    let mut child = child("returning_from_main_finishes_queued_detached_jobs");
    let lines = release(&mut child);
    let mut jobs: Vec<_> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("job ")?.parse::<u32>().ok())
        .collect();
    jobs.sort_unstable();
    assert_eq!(jobs, (0..50).collect::<Vec<_>>());
    assert!(wait(child).success());
}

/// CPython: `test_shutdown.py::test_hang_gh83386`, `test_shutdown_no_wait`.
#[test]
fn returning_from_main_finishes_what_a_shutdown_drains() {
    if is_child() {
        let pool = pool(1);
        pool.spawn(wait_for_release).detach();
        pool.spawn(|| say("job")).detach();
        pool.shutdown(executor_core::Shutdown::drain()).detach();
        std::mem::forget(pool);
        say("leaving");
        return;
    }
    let mut child = child("returning_from_main_finishes_what_a_shutdown_drains");
    assert!(release(&mut child).contains(&"job".to_owned()));
    assert!(wait(child).success());
}

/// A job that never ends, and what gives it up.
fn with_an_endless_job(give_up: impl FnOnce(pool_thread::ThreadPool)) {
    let pool = pool(1);
    let gate = Gate::new();
    let ticket = gate.ticket();
    let mut options = JobOptions::default();
    options.timeout = Some(Duration::from_millis(50));
    let endless = move || {
        ticket.visit(1);
        loop {
            std::thread::park();
        }
    };
    let (job, task) = Job::from_closure::<_, ()>(endless, options);
    pool.execute(job);
    assert_eq!(gate.arrival(), 1);
    task.detach();
    give_up(pool);
}

#[test]
fn a_function_past_its_time_limit_does_not_hold_the_process() {
    if is_child() {
        return with_an_endless_job(drop);
    }
    let test = "a_function_past_its_time_limit_does_not_hold_the_process";
    assert!(wait(child(test)).success());
}

#[test]
fn an_abandoned_function_does_not_hold_the_process() {
    if is_child() {
        return with_an_endless_job(|pool| {
            pool.shutdown(executor_core::Shutdown::kill()).detach();
        });
    }
    let test = "an_abandoned_function_does_not_hold_the_process";
    assert!(wait(child(test)).success());
}

#[test]
fn a_pool_in_use_does_not_hold_the_process() {
    if is_child() {
        let pool = pool(1);
        let gate = Gate::new();
        let ticket = gate.ticket();
        pool.spawn(move || ticket.pass(1)).detach();
        assert_eq!(gate.arrival(), 1);
        std::process::exit(3);
    }
    let status = wait(child("a_pool_in_use_does_not_hold_the_process"));
    assert_eq!(status.code(), Some(3));
}

#[test]
fn a_job_may_end_the_process() {
    if is_child() {
        let pool = pool(1);
        pool.spawn(|| -> () { std::process::exit(3) }).detach();
        pool.spawn(|| ()).detach();
        drop(pool);
        // The job may not find `main` returning: then it cannot end the process.
        loop {
            std::thread::park();
        }
    }
    let status = wait(child("a_job_may_end_the_process"));
    assert_eq!(status.code(), Some(3));
}
