//! A forked child has the pool's handle, and none of its threads. This binary has one
//! test that forks, so that nothing else goes on meanwhile.

mod common;

use common::{LONG, finish, pool};
use executor_core::{Executor as _, ExecutorExt as _, Shutdown};
use pool_process::ProcessPool;
use test_support::children::exit_code;

pool_process::test_worker!();

/// How often it forks while another thread uses the pool: some locks are held then.
const FORKS: usize = 40;

fn double(n: u64) -> u64 {
    2 * n
}

/// What the child does; the number of the first thing that is wrong is its exit code.
fn in_child(pool: ProcessPool) -> i32 {
    let task = pool.submit(double, 1);
    if !task.is_done()
        || !task
            .wait()
            .is_err_and(|error| error.to_string().contains("forked"))
    {
        return 2;
    }
    let ended = pool.shutdown(Shutdown::drain());
    if !ended.is_done() || ended.wait().is_ok() {
        return 3;
    }
    let warm = pool.warm_up();
    if !warm.is_done() || warm.wait().is_ok() {
        return 4;
    }
    if pool.queued() != 0 || !pool.worker_pids().is_empty() {
        return 5;
    }
    let _ = format!("{pool:?}");
    drop(pool);
    0
}

#[test]
fn a_forked_child_is_refused_and_ends() {
    init_test_worker();
    let pool = pool(1);
    let busy = pool.clone();
    let submits = std::thread::spawn(move || {
        for n in 0..5_000 {
            assert_eq!(finish(busy.submit(double, n)).unwrap(), 2 * n);
        }
    });
    for _ in 0..FORKS {
        // SAFETY: the child calls only what is promised to work in one, and ends.
        match unsafe { libc::fork() } {
            0 => {
                let code = in_child(pool);
                std::process::exit(code);
            }
            -1 => panic!("it cannot be forked"),
            child => assert_eq!(exit_code(child, LONG), 0),
        }
    }
    submits.join().unwrap();
    assert_eq!(finish(pool.submit(double, 21)).unwrap(), 42);
}
