//! Tiny jobs on pools of processes: many in flight, and one after the other.

use super::Plan;
use crate::jobs::increment;
use crate::peers::measure::{Sample, Scale, Subject};
use crate::peers::report::Unit;
use crate::peers::rivals::limit::PingPong;
use crate::peers::rivals::offload::{self, Plain, Shape};
use crate::peers::rivals::{ipc, procspawn, python};
use crate::peers::sum::summing;
use crate::peers::{Fault, WORKERS};
use executor_core::ExecutorExt as _;
use futures::TryFutureExt as _;
use pool_process::ProcessPool;

/// How many jobs are in flight, where as many as one wants can be.
const JOBS: u64 = 10_000;

/// How many numbers are sent ahead over a channel, which holds some 278 of them.
const AHEAD: u64 = 64;

pub(super) const THROUGHPUT: Plan = Plan {
    name: "process-throughput",
    title: "Process pool: 10,000 tiny jobs in flight, for each job",
    about: "A number goes to a worker process and the next one comes back. \
            tokio's `spawn_blocking` does the same on threads, for comparison.",
    unit: Unit::Nanoseconds,
    once: false,
    start: throughput,
};

pub(super) const ROUND_TRIP: Plan = Plan {
    name: "process-round-trip",
    title: "Process pool: one tiny job, there and back",
    about: "The next job is submitted when the last one's result has come. The limit \
            is two processes that wake each other through shared memory, and do \
            nothing else.",
    unit: Unit::Microseconds,
    once: false,
    start: round_trip,
};

fn throughput(_: Scale) -> Result<Vec<Subject>, Fault> {
    let shape = Shape::Many(JOBS);
    let window = procspawn::WINDOW;
    Ok(vec![
        Subject::ours("ours", ours(shape)?),
        Subject::rival("procspawn", procspawn_many)
            .note(format!("{window} in flight: a job holds descriptors"))
            .ours_at_most(1.0 / 150.0),
        Subject::rival("Python", || python::sample("process-throughput", JOBS, 1.0)),
        Subject::rival("tokio spawn_blocking", || offload::tokio(shape))
            .note("threads")
            .ours_at_most(0.6),
        Subject::rival("ipc-channel", ipc_many).note(format!(
            "no pool: {AHEAD} sent ahead to each of two processes"
        )),
    ])
}

fn round_trip(scale: Scale) -> Result<Vec<Subject>, Fault> {
    let times = scale.pick(5_000, 500);
    let shape = Shape::RoundTrips(times);
    Ok(vec![
        Subject::ours("ours", ours(shape)?),
        Subject::rival("procspawn", || procspawn_round_trips(times)).ours_at_most(0.25),
        Subject::rival("Python", || {
            python::sample("process-round-trip", times, 1e3)
        }),
        Subject::rival("tokio spawn_blocking", || offload::tokio(shape))
            .note("threads")
            .ours_at_most(1.0),
        Subject::rival("ipc-channel", || ipc_round_trips(times)).note("no pool"),
        Subject::rival("limit: futex", || ping_pong(times)).note("two processes, one page"),
    ])
}

/// A pool of ours whose workers are ready.
pub(super) fn pool() -> Result<ProcessPool, Fault> {
    let pool = ProcessPool::builder().max_workers(WORKERS).build()?;
    pool.warm_up().wait()?;
    Ok(pool)
}

fn ours(shape: Shape) -> Result<Sample, Fault> {
    let pool = pool()?;
    Ok(shape.sample(Plain, move |_, number| {
        pool.submit(increment, number).map_err(Fault::from)
    }))
}

fn procspawn_many() -> Result<Sample, Fault> {
    let pool = procspawn::pool()?;
    let sum = move |jobs| Ok(procspawn::sum(&pool, jobs)?);
    Ok(summing(JOBS, 1.0, sum))
}

fn procspawn_round_trips(times: u64) -> Result<Sample, Fault> {
    let pool = procspawn::pool()?;
    Ok(round_trips(times, move |number| {
        procspawn::round_trip(&pool, number)
    }))
}

fn ipc_many() -> Result<Sample, Fault> {
    let partners = (0..WORKERS).map(|_| ipc::Channels::start());
    let partners = partners.collect::<Result<Vec<_>, Fault>>()?;
    Ok(summing(JOBS, 1.0, move |jobs| {
        let ahead = AHEAD * WORKERS as u64;
        let of = |number: u64| &partners[number as usize % WORKERS];
        let mut sum = 0;
        for number in 0..jobs + ahead {
            if number >= ahead {
                sum += of(number).receive()?;
            }
            if number < jobs {
                of(number).send(number)?;
            }
        }
        Ok(sum)
    }))
}

fn ipc_round_trips(times: u64) -> Result<Sample, Fault> {
    let partner = ipc::Channels::start()?;
    Ok(round_trips(times, move |number| {
        partner.send(number)?;
        partner.receive()
    }))
}

fn ping_pong(times: u64) -> Result<Sample, Fault> {
    let mut partners = PingPong::start()?;
    Ok(round_trips(times, move |number| {
        partners.round_trip()?;
        Ok(increment(number))
    }))
}

/// A sample of round trips that block, in microseconds.
fn round_trips(times: u64, mut call: impl FnMut(u64) -> Result<u64, Fault> + 'static) -> Sample {
    summing(times, 1e3, move |times| {
        let mut sum = 0;
        for number in 0..times {
            sum += call(number)?;
        }
        Ok(sum)
    })
}
