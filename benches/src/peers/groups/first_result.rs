//! From nothing to the first result of a pool of processes.

use super::Plan;
use crate::jobs::increment;
use crate::peers::measure::{Sample, Scale, Subject};
use crate::peers::report::Unit;
use crate::peers::rivals::{limit, python};
use crate::peers::{Fault, WORKERS};
use executor_core::{Executor as _, ExecutorExt as _, Shutdown};
use pool_process::ProcessPool;
use std::time::{Duration, Instant};

pub(super) const FIRST_RESULT: Plan = Plan {
    name: "process-first-result",
    title: "Process pool: from nothing to the first result",
    about: "A pool for two workers is built and given one job. Ours and Python's start \
            a worker when there is work for it, procspawn's starts all at once. The \
            limit is a process of this program that ends at once.",
    unit: Unit::Milliseconds,
    once: false,
    start,
};

fn start(scale: Scale) -> Result<Vec<Subject>, Fault> {
    let times = scale.pick(20, 10);
    Ok(vec![
        Subject::ours("ours", each(times, ours)),
        Subject::rival("procspawn", || Ok(each(times, || procspawn(WORKERS))))
            .note("two workers from the start")
            .ours_at_most(0.7),
        Subject::rival("procspawn, one worker", || Ok(each(times, || procspawn(1))))
            .note("its pool can have one only")
            .ours_at_most(0.7),
        Subject::rival("Python", || {
            python::sample("process-first-result", u64::from(times), 1e6)
        })
        .note("forks in place of executing"),
        Subject::rival("limit: exec", || Ok(each(times, nothing)))
            .note("the program that ends at once")
            .ours_at_most(2.5),
    ])
}

/// Milliseconds for each of so many calls; they time themselves, so that taking
/// down what they built does not count.
fn each(times: u32, call: impl Fn() -> Result<Duration, Fault> + 'static) -> Sample {
    Box::new(move || {
        let mut elapsed = Duration::ZERO;
        for _ in 0..times {
            elapsed += call()?;
        }
        Ok(elapsed.as_secs_f64() * 1e3 / f64::from(times))
    })
}

fn ours() -> Result<Duration, Fault> {
    let start = Instant::now();
    let pool = ProcessPool::builder().max_workers(WORKERS).build()?;
    let result = pool.submit(increment, 7).wait()?;
    let elapsed = start.elapsed();
    check(result)?;
    pool.shutdown(Shutdown::drain()).wait()?;
    Ok(elapsed)
}

fn procspawn(workers: usize) -> Result<Duration, Fault> {
    let start = Instant::now();
    let pool = ::procspawn::Pool::new(workers)?;
    let result = pool.spawn(7, increment).join()?;
    let elapsed = start.elapsed();
    check(result)?;
    pool.shutdown();
    Ok(elapsed)
}

fn nothing() -> Result<Duration, Fault> {
    let start = Instant::now();
    limit::start_and_end()?;
    Ok(start.elapsed())
}

fn check(result: u64) -> Result<(), Fault> {
    match result {
        8 => Ok(()),
        other => Err(format!("the first result is {other} in place of 8").into()),
    }
}
