//! Times of jobs, on threads and in processes.

use crate::Fault;
use crate::figures::median;
use benches::jobs::{echo, increment};
use executor_core::{Executor, ExecutorExt as _, Shutdown, TaskError};
use pool_process::ProcessPool;
use pool_thread::ThreadPool;
use std::sync::Barrier;
use std::time::{Duration, Instant};

/// Jobs in flight at a time.
const JOBS: u64 = 10_000;
/// Rounds of so many jobs in flight, and of new pools.
const ROUNDS: usize = 15;
/// Jobs that go there and back alone.
const TRIPS: u64 = 3_000;
/// Threads that use one pool at the same time.
const CROWD: u64 = 16;

/// A pool whose workers have all started.
pub(crate) fn process_pool(workers: usize) -> Result<ProcessPool, Fault> {
    let pool = ProcessPool::builder().max_workers(workers).build()?;
    pool.warm_up().wait()?;
    Ok(pool)
}

fn thread_pool() -> Result<ThreadPool, Fault> {
    Ok(ThreadPool::builder().max_workers(2).build()?)
}

/// Jobs in flight, and round trips, with so many worker processes.
pub(crate) fn processes(workers: usize) -> Result<Vec<f64>, Fault> {
    alone(&process_pool(workers)?)
}

/// The same, on two threads.
pub(crate) fn threads() -> Result<Vec<f64>, Fault> {
    alone(&thread_pool()?)
}

/// Sixteen threads on one pool of so many processes.
pub(crate) fn crowd_of_processes(workers: usize) -> Result<Vec<f64>, Fault> {
    crowd(&process_pool(workers)?)
}

/// Sixteen threads on one pool of two threads.
pub(crate) fn crowd_of_threads() -> Result<Vec<f64>, Fault> {
    crowd(&thread_pool()?)
}

fn alone(pool: &dyn Executor) -> Result<Vec<f64>, Fault> {
    in_flight(pool, JOBS)?;
    let rounds = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        in_flight(pool, JOBS)?;
        Ok(nanos(start.elapsed()) / JOBS as f64)
    });
    let flight = median(rounds.collect::<Result<_, Fault>>()?);
    let trips = (0..TRIPS).map(|n| {
        let start = Instant::now();
        trip(pool, n)?;
        Ok(nanos(start.elapsed()))
    });
    let trip = median(trips.collect::<Result<_, Fault>>()?);
    end(pool)?;
    Ok(vec![flight, trip])
}

/// Per job: all threads submit and then wait for all of theirs; each thread waits
/// for one job at a time.
fn crowd(pool: &dyn Executor) -> Result<Vec<f64>, Fault> {
    let share = JOBS / CROWD;
    together(|| in_flight(pool, share))?;
    let mut flights = Vec::new();
    let mut trips = Vec::new();
    for _ in 0..ROUNDS {
        let took = together(|| in_flight(pool, share))?;
        flights.push(nanos(took) / JOBS as f64);
        let took = together(|| (0..share).try_for_each(|n| trip(pool, n)))?;
        trips.push(nanos(took) / JOBS as f64);
    }
    end(pool)?;
    Ok(vec![median(flights), median(trips)])
}

/// How long a crowd of threads takes that begins at the same time.
fn together(work: impl Fn() -> Result<(), TaskError> + Sync) -> Result<Duration, Fault> {
    let barrier = Barrier::new(CROWD as usize + 1);
    std::thread::scope(|scope| {
        let begin = || {
            barrier.wait();
            work()
        };
        let crowd: Vec<_> = (0..CROWD).map(|_| scope.spawn(begin)).collect();
        barrier.wait();
        let start = Instant::now();
        for thread in crowd {
            thread
                .join()
                .map_err(|_| "a submitting thread panicked")??;
        }
        Ok(start.elapsed())
    })
}

fn in_flight(pool: &dyn Executor, jobs: u64) -> Result<(), TaskError> {
    let tasks: Vec<_> = (0..jobs).map(|n| pool.submit(increment, n)).collect();
    for (n, task) in (0..).zip(tasks) {
        assert_eq!(task.wait()?, n + 1_u64);
    }
    Ok(())
}

fn trip(pool: &dyn Executor, n: u64) -> Result<(), TaskError> {
    assert_eq!(pool.submit(increment, n).wait()?, n + 1);
    Ok(())
}

/// A mebibyte to a worker and back, in µs.
pub(crate) fn echo_of_a_mebibyte() -> Result<Vec<f64>, Fault> {
    let pool = process_pool(2)?;
    let mut payload = vec![7_u8; 1 << 20];
    let mut times = Vec::new();
    for round in 0..220 {
        let start = Instant::now();
        payload = pool.submit(echo, payload).wait()?;
        // The first ones fill buffers.
        if round >= 20 {
            times.push(nanos(start.elapsed()) / 1e3);
        }
        assert_eq!(payload.len(), 1 << 20);
    }
    end(&pool)?;
    Ok(vec![median(times)])
}

/// From no pool to its first result, in ms.
pub(crate) fn first_result() -> Result<Vec<f64>, Fault> {
    let rounds = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        let pool = ProcessPool::builder().max_workers(2).build()?;
        assert_eq!(pool.submit(increment, 1).wait()?, 2);
        let took = start.elapsed();
        end(&pool)?;
        Ok(nanos(took) / 1e6)
    });
    Ok(vec![median(rounds.collect::<Result<_, Fault>>()?)])
}

fn end(pool: &dyn Executor) -> Result<(), TaskError> {
    pool.shutdown(Shutdown::drain()).wait().map(drop)
}

fn nanos(time: Duration) -> f64 {
    time.as_nanos() as f64
}
