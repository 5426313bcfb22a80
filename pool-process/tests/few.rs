//! More workers than processors and jobs that take next to nothing: a few workers suffice for
//! those, until one of them is held up.

mod common;

use common::{finish, pool};
use executor_core::{ExecutorExt as _, Task};
use pool_process::ProcessPool;
use rustix::fs::{FlockOperation, flock};
use std::collections::HashSet;
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

pool_process::test_worker!();

fn pid_after_a_nap(_: ()) -> u32 {
    std::thread::sleep(Duration::from_millis(50));
    std::process::id()
}

/// Returns when nobody has locked this file any more.
fn wait_for(file: PathBuf) {
    let file = File::open(file).expect("it is there");
    flock(file, FlockOperation::LockShared).expect("it is unlocked");
}

fn double(n: u64) -> u64 {
    2 * n
}

/// More than there are processors.
fn workers() -> usize {
    6 + std::thread::available_parallelism().map_or(1, usize::from)
}

/// A pool of which all workers have shown that their jobs are short.
fn quick() -> ProcessPool {
    let pool = pool(workers());
    finish(pool.warm_up()).unwrap();
    for _ in 0..5 {
        let tasks: Vec<_> = (0..20_000).map(|n| pool.submit(double, n)).collect();
        all_done(tasks);
    }
    pool
}

#[track_caller]
fn all_done(tasks: Vec<Task<u64>>) {
    for (n, task) in (0..).zip(tasks) {
        assert_eq!(finish(task).unwrap(), 2 * n);
    }
}

/// The short jobs that come before, between and after as many long ones as leave one worker
/// free are done while those run.
#[test]
fn long_jobs_hold_no_short_one_up() {
    init_test_worker();
    let pool = quick();
    for every in [1, 50, 2000] {
        let gate = tempfile::NamedTempFile::new().unwrap();
        flock(gate.as_file(), FlockOperation::LockExclusive).unwrap();
        let mut long = Vec::new();
        let mut short = Vec::new();
        for n in 0..20_000_u64 {
            if n % every == 0 && long.len() + 1 < workers() {
                long.push(pool.submit(wait_for, gate.path().to_owned()));
            }
            short.push(pool.submit(double, n));
        }
        all_done(short);
        assert!(long.iter().all(|task| !task.is_done()));
        flock(gate.as_file(), FlockOperation::Unlock).unwrap();
        long.into_iter().for_each(|task| finish(task).unwrap());
    }
}

/// Jobs that wait for something get all workers, however short those before were.
#[test]
fn jobs_that_sleep_are_spread() {
    init_test_worker();
    let pool = quick();
    let naps = (0..4 * workers()).map(|_| pool.submit(pid_after_a_nap, ()));
    let naps: Vec<_> = naps.collect();
    let who: HashSet<u32> = naps.into_iter().map(|nap| finish(nap).unwrap()).collect();
    assert_eq!(who.len(), workers());
}
