//! Tiny jobs on pools of threads: many in flight, and one after the other.

use super::Plan;
use crate::jobs::increment;
use crate::peers::measure::{Sample, Scale, Subject};
use crate::peers::report::Unit;
use crate::peers::rivals::offload::{self, Plain, Shape};
use crate::peers::rivals::python;
use crate::peers::{Fault, WORKERS};
use executor_core::ExecutorExt as _;
use futures::TryFutureExt as _;
use pool_thread::ThreadPool;

/// How many jobs are in flight.
const JOBS: u64 = 10_000;

pub(super) const THROUGHPUT: Plan = Plan {
    name: "thread-throughput",
    title: "Thread pool: 10,000 tiny jobs in flight, for each job",
    about: "A function goes to a thread, and its result comes back as a future.",
    unit: Unit::Nanoseconds,
    once: false,
    start: |_| subjects(Shape::Many(JOBS), 0.6),
};

pub(super) const ROUND_TRIP: Plan = Plan {
    name: "thread-round-trip",
    title: "Thread pool: one tiny job, there and back",
    about: "The next job is submitted when the last one's result has come.",
    unit: Unit::Microseconds,
    once: false,
    start: |scale: Scale| subjects(Shape::RoundTrips(scale.pick(10_000, 1_000)), 1.1),
};

fn subjects(shape: Shape, bar: f64) -> Result<Vec<Subject>, Fault> {
    let (work, amount, scale) = match shape {
        Shape::Many(jobs) => ("thread-throughput", jobs, 1.0),
        Shape::RoundTrips(times) => ("thread-round-trip", times, 1e3),
    };
    Ok(vec![
        Subject::ours("ours", ours(shape)?),
        Subject::rival("threadpool", || Ok(offload::threadpool(shape)))
            .note("with a oneshot")
            .ours_at_most(bar),
        Subject::rival("rayon", || offload::rayon(shape))
            .note("with a oneshot")
            .ours_at_most(bar),
        Subject::rival("tokio spawn_blocking", || offload::tokio(shape)).ours_at_most(bar),
        Subject::rival("async-std spawn_blocking", || Ok(offload::async_std(shape))),
        Subject::rival("blocking::unblock", || Ok(offload::unblock(shape))),
        Subject::rival("futures ThreadPool", || offload::futures(shape))
            .note("`spawn_with_handle`"),
        Subject::rival("Python", || python::sample(work, amount, scale)),
    ])
}

/// A pool of ours.
pub(super) fn pool() -> Result<ThreadPool, Fault> {
    Ok(ThreadPool::builder().max_workers(WORKERS).build()?)
}

fn ours(shape: Shape) -> Result<Sample, Fault> {
    let pool = pool()?;
    Ok(shape.sample(Plain, move |_, number| {
        pool.submit(increment, number).map_err(Fault::from)
    }))
}
