//! A forked child has the pool's handle, and none of its threads. This binary has one
//! test, since it forks.
#![cfg(unix)]

mod common;

use common::{Gate, block_all, pool};
use executor_core::{Executor as _, Shutdown, Task, timer};
use pool_thread::ThreadPool;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;
use test_support::children::exit_code;

/// How often it forks while other threads use the pool: some of their locks are held then.
const FORKS: usize = 60;

/// What the child does; the number of the first thing that is wrong is its exit code.
fn in_child(pool: ThreadPool, queued: Task<u8>, timer: timer::Timer) -> i32 {
    let task = pool.spawn(|| 1);
    if !task.is_done() || !task.wait().unwrap_err().to_string().contains("forked") {
        return 2;
    }
    if !queued.wait().unwrap_err().is_would_deadlock() {
        return 3;
    }
    let ended = pool.shutdown(Shutdown::drain());
    if !ended.is_done() || !ended.wait().unwrap_err().to_string().contains("forked") {
        return 4;
    }
    if (pool.queued(), pool.workers(), pool.running()) != (0, 0, 0) {
        return 5;
    }
    let _ = format!("{pool:?}");
    drop(timer);
    drop(pool);
    // One of its own is as good as any.
    let own = self::pool(1);
    if own.spawn(|| 7).wait().ok() != Some(7) {
        return 6;
    }
    let (tell, told) = channel();
    timer::after(Duration::from_millis(1), move || tell.send(()).unwrap()).detach();
    if told.recv_timeout(Duration::from_secs(30)).is_err() {
        return 7;
    }
    // Not waited for in vain at the end, but waited for.
    own.spawn(|| std::thread::sleep(Duration::from_millis(5)))
        .detach();
    drop(own);
    0
}

#[test]
fn a_forked_child_is_told_and_never_hangs() {
    let gate = Gate::new();
    let busy = pool(1);
    let blocked = block_all(&busy, &gate);
    // Its end holds the exit of this process, and not of its children.
    let dropped = pool(1);
    let ticket = gate.ticket();
    dropped.spawn(move || ticket.pass(9)).detach();
    gate.arrival();
    drop(dropped);
    let stop = Arc::new(AtomicBool::new(false));
    let users: Vec<_> = (0..2)
        .map(|_| {
            let (busy, stop) = (busy.clone(), stop.clone());
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let _timer = timer::after(Duration::from_secs(3600), || ());
                    busy.spawn(|| ()).cancel();
                    let _ = busy.queued();
                }
            })
        })
        .collect();
    for _ in 0..FORKS {
        let (pool, queued) = (busy.clone(), busy.spawn(|| 1));
        let timer = timer::after(Duration::from_secs(3600), || ());
        // SAFETY: the child uses what the C library allows after a fork, its own memory
        // and what this test is about; it ends by itself.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let code = in_child(pool, queued, timer);
            std::process::exit(code);
        }
        assert!(child > 0);
        queued.cancel();
        assert_eq!(exit_code(child, Duration::from_secs(60)), 0);
    }
    stop.store(true, Ordering::Relaxed);
    users.into_iter().for_each(|user| user.join().unwrap());
    gate.open();
    for task in blocked {
        task.wait().unwrap();
    }
    // The parent is as it was.
    assert_eq!(busy.spawn(|| 3).wait().unwrap(), 3);
}
