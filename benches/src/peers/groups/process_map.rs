//! Tiny items through `map`.

use super::{Plan, process};
use crate::jobs::increment;
use crate::peers::Fault;
use crate::peers::measure::{Sample, Scale, Subject};
use crate::peers::report::Unit;
use crate::peers::rivals::python;
use crate::peers::sum::summing;
use executor_core::ExecutorExt as _;
use futures::TryStreamExt as _;

/// How many items make a job.
const CHUNK: usize = 1000;

pub(super) const MAP: Plan = Plan {
    name: "process-map",
    title: "Process pool: `map` of tiny items, for each item",
    about: "Numbers go through `map` in chunks of 1000, which is what Python's \
            documentation recommends for many short calls.",
    unit: Unit::Nanoseconds,
    once: false,
    start,
};

fn start(scale: Scale) -> Result<Vec<Subject>, Fault> {
    let items = scale.pick(1_000_000, 200_000);
    Ok(vec![
        Subject::ours("ours", ours(items, CHUNK)?).note("`chunks(1000)`"),
        Subject::ours("ours, one by one", ours(items / 20, 1)?)
            .note("a job for each item, eight of them ahead"),
        Subject::rival("Python", || python::sample("process-map", items, 1.0))
            .note("`chunksize=1000`")
            .ours_at_most(0.3),
    ])
}

fn ours(items: u64, chunk: usize) -> Result<Sample, Fault> {
    let pool = process::pool()?;
    Ok(summing(items, 1.0, move |items| {
        let results = pool.map(increment, 0..items).chunks(chunk);
        let sum = results.try_fold(0, |sum, result| async move { Ok(sum + result) });
        Ok(futures::executor::block_on(sum)?)
    }))
}
