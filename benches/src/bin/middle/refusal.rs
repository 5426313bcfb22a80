//! What it costs to refuse a job when a million wait.

use crate::Fault;
use crate::figures::median;
use benches::jobs::increment;
use executor_core::{Executor, ExecutorExt as _, Shutdown};
use pool_process::ProcessPool;
use pool_thread::ThreadPool;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

/// How many jobs may wait.
const QUEUED: usize = 1_000_000;
/// How many more may be taken before the first is refused: a pool may not count
/// those that it has sent ahead to workers.
const UNCOUNTED: usize = 100_000;
const REFUSALS: usize = 1_000;
/// Where each refusal is slow, fewer are enough.
const PATIENCE: Duration = Duration::from_secs(20);
const WORKERS: usize = 2;

/// In ns, with two worker processes that never return.
pub(crate) fn by_processes() -> Result<Vec<f64>, Fault> {
    let builder = ProcessPool::builder().max_workers(WORKERS);
    let pool = builder.max_queued(QUEUED).build()?;
    pool.warm_up().wait()?;
    let park = |()| -> u64 {
        loop {
            std::thread::park();
        }
    };
    let blocked: Vec<_> = (0..WORKERS).map(|_| pool.submit(park, ())).collect();
    let start = Instant::now();
    while !blocked.iter().all(|task| task.is_running()) {
        if start.elapsed() > PATIENCE {
            return Err("the workers do not begin".into());
        }
        std::thread::yield_now();
    }
    let cost = cost(&pool);
    pool.shutdown(Shutdown::kill()).wait()?;
    Ok(vec![cost?])
}

/// In ns, with two threads that return when it is over.
pub(crate) fn by_threads() -> Result<Vec<f64>, Fault> {
    let builder = ThreadPool::builder().max_workers(WORKERS);
    let pool = builder.max_queued(QUEUED).build()?;
    let gate = Arc::new(Barrier::new(WORKERS + 1));
    for _ in 0..WORKERS {
        let gate = gate.clone();
        pool.spawn(move || {
            gate.wait();
            gate.wait();
        })
        .detach();
    }
    gate.wait();
    let cost = cost(&pool);
    let over = pool.shutdown(Shutdown::cancel_pending());
    gate.wait();
    over.wait()?;
    Ok(vec![cost?])
}

/// Fills the queue and has more jobs refused; only `submit` is timed.
fn cost(pool: &dyn Executor) -> Result<f64, Fault> {
    let until = Instant::now() + PATIENCE;
    let mut taken = 0;
    let mut times = Vec::new();
    while times.len() < REFUSALS && (times.is_empty() || Instant::now() < until) {
        let start = Instant::now();
        let mut task = pool.submit(increment, 1);
        let took = start.elapsed();
        if task.is_done() {
            let error = task.try_result().expect_err("no worker can run it");
            if !error.is_rejected() {
                return Err(error.into());
            }
            times.push(took.as_nanos() as f64);
            continue;
        }
        // Also after a refusal: jobs sent ahead to a worker make room.
        task.detach();
        taken += 1;
        if taken > QUEUED + UNCOUNTED {
            return Err(format!("{taken} jobs wait, but {} were refused", times.len()).into());
        }
    }
    Ok(median(times))
}
