//! Threads that cannot be started: a stack that does not fit into memory.

#![cfg(target_os = "linux")]

mod common;

use common::{Gate, finish};
use executor_core::{Executor as _, Shutdown, TaskErrorKind};
use pool_thread::ThreadPool;
use std::process::Command;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

const CHILD: &str = "POOL_THREAD_TEST_CHILD";

/// Whether this process is the one in which the test of this name is to be. If not, it has
/// run there, and has passed.
fn is_the_child(name: &str) -> bool {
    let exe = std::env::current_exe().unwrap();
    runs_in(
        name,
        Command::new(exe).args(["--exact", name, "--nocapture"]),
    )
}

/// The same, in a process that is started in this way.
fn runs_in(name: &str, command: &mut Command) -> bool {
    if std::env::var_os(CHILD).is_some() {
        return true;
    }
    let status = command.env(CHILD, "1").status().unwrap();
    assert!(status.success(), "{name}");
    false
}

#[test]
fn without_any_thread_the_job_fails_with_the_reason() {
    let pool = ThreadPool::builder()
        .name("huge")
        .stack_size(usize::MAX / 4)
        .build()
        .unwrap();
    for _ in 0..5 {
        let error = finish(pool.spawn(|| ())).unwrap_err();
        assert_eq!(error.kind(), TaskErrorKind::PoolBroken);
        assert!(error.to_string().contains("`huge`"), "{error}");
        assert!(error.to_string().contains("os error"), "{error}");
    }
    assert_eq!((pool.workers(), pool.queued()), (0, 0));
    let report = finish(pool.shutdown(Shutdown::drain())).unwrap();
    assert_eq!(report, Default::default());
}

#[test]
fn ten_threads_that_submit_at_once_are_all_told() {
    let pool = ThreadPool::builder()
        .max_workers(3)
        .stack_size(usize::MAX / 4)
        .build()
        .unwrap();
    std::thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| {
                for _ in 0..20 {
                    assert!(finish(pool.spawn(|| ())).unwrap_err().is_pool_broken());
                }
            });
        }
    });
    assert_eq!((pool.workers(), pool.queued()), (0, 0));
}

/// In a process with room for one such stack and not for two.
#[test]
fn with_one_thread_the_jobs_wait_for_it() {
    let name = "with_one_thread_the_jobs_wait_for_it";
    // In KiB: 3 GiB, of which a stack takes two.
    let script = format!("ulimit -v 3145728 && exec \"$0\" --exact {name} --nocapture");
    let exe = std::env::current_exe().unwrap();
    if !runs_in(name, Command::new("sh").args(["-c", &script]).arg(exe)) {
        return;
    }
    let pool = ThreadPool::builder()
        .max_workers(3)
        .stack_size(2 << 30)
        .build()
        .unwrap();
    let gate = Gate::new();
    let ticket = gate.ticket();
    let first = pool.spawn(move || ticket.pass(1));
    assert_eq!(gate.arrival(), 1);
    let waiting: Vec<_> = (0..10).map(|n| pool.spawn(move || n)).collect();
    assert_eq!((pool.workers(), pool.queued()), (1, 10));
    gate.open();
    assert_eq!(finish(first).unwrap(), 1);
    for (n, task) in waiting.into_iter().enumerate() {
        assert_eq!(finish(task).unwrap(), n);
    }
    finish(pool.shutdown(Shutdown::drain())).unwrap();
}

/// Room for a second stack comes later, and nobody submits then.
#[test]
fn a_thread_that_could_not_be_had_is_tried_again() {
    if !is_the_child("a_thread_that_could_not_be_had_is_tried_again") {
        return;
    }
    let limit = |bytes| {
        let limit = libc::rlimit {
            rlim_cur: bytes,
            rlim_max: libc::RLIM_INFINITY,
        };
        // SAFETY: it reads this limit, which is this process's own.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
    };
    limit(3 << 30);
    let pool = ThreadPool::builder()
        .max_workers(2)
        .stack_size(2 << 30)
        .build()
        .unwrap();
    let gate = Gate::new();
    let ticket = gate.ticket();
    let first = pool.spawn(move || ticket.pass(1));
    assert_eq!(gate.arrival(), 1);
    let second = pool.spawn(|| 2);
    assert_eq!((pool.workers(), pool.queued()), (1, 1));
    limit(libc::RLIM_INFINITY);
    assert_eq!(finish(second).unwrap(), 2);
    gate.open();
    assert_eq!(finish(first).unwrap(), 1);
}

/// In a process of its own, because the panic hook is the process's.
#[test]
fn a_thread_that_cannot_be_had_is_no_panic() {
    if !is_the_child("a_thread_that_cannot_be_had_is_no_panic") {
        return;
    }
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    let former = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, SeqCst);
        former(info);
    }));
    // What no process has room for, and what is no size at all.
    for stack in [1 << 46, usize::MAX / 4] {
        let pool = ThreadPool::builder().stack_size(stack).build().unwrap();
        let error = finish(pool.spawn(|| ())).unwrap_err();
        assert_eq!(error.kind(), TaskErrorKind::PoolBroken);
        assert!(error.to_string().contains("os error"), "{error}");
    }
    assert_eq!(PANICS.load(SeqCst), 0);
}
