//! Pools that have nothing to do.

use super::{Plan, process, thread};
use crate::jobs::increment;
use crate::peers::bar::Bar;
use crate::peers::measure::{Sample, Scale, Subject};
use crate::peers::report::Unit;
use crate::peers::rivals::offload::{self, Shape};
use crate::peers::rivals::partner::Partner;
use crate::peers::rivals::procspawn;
use crate::peers::rivals::python::Python;
use crate::peers::{Fault, role};
use executor_core::ExecutorExt as _;
use std::collections::HashMap;
use std::fs;
use std::time::Duration;

/// The name, in a copy's role, of who has a pool and gives it nothing to do.
pub(crate) const ROLE: &str = "idle";

/// How long after its last job a pool counts as idle: whatever it does in answer to
/// that is over.
const SETTLE: Duration = Duration::from_secs(1);

pub(super) const IDLE: Plan = Plan {
    name: "idle",
    title: "A pool with nothing to do: processor time over ten seconds",
    about: "Each pool has run some jobs and then gets no more. The time is that of its \
            program and of all its workers together, as the scheduler counts it.",
    unit: Unit::Milliseconds,
    once: true,
    start,
};

fn start(scale: Scale) -> Result<Vec<Subject>, Fault> {
    let time = Duration::from_secs(scale.pick(10, 3));
    let copy = |pool: &str| -> Result<Sample, String> {
        let start = || -> Result<Partner, Fault> {
            let mut partner = Partner::start(&[ROLE, pool])?;
            partner.line()?;
            Ok(partner)
        };
        let partner = start().map_err(|fault| fault.to_string())?;
        Ok(Box::new(move || idle(partner.pid(), time)))
    };
    let python = |work: &str| -> Result<Sample, String> {
        let mut python = Python::start(work, 0)?;
        python.measure().map_err(|fault| fault.to_string())?;
        Ok(Box::new(move || idle(python.pid(), time)))
    };
    let note = match scale.quick {
        true => "over three seconds",
        false => "",
    };
    let subjects = vec![
        Subject::of("ours, threads", copy("threads")).bar(Bar::AtMost(0.0)),
        Subject::of("ours, processes", copy("processes")).bar(Bar::AtMost(0.0)),
        Subject::of("procspawn", copy("procspawn")),
        Subject::of("tokio spawn_blocking", copy("tokio")),
        Subject::of("Python", python("process-idle")),
    ];
    std::thread::sleep(SETTLE);
    Ok(subjects
        .into_iter()
        .map(|subject| subject.note(note))
        .collect())
}

/// Milliseconds of processor time that a process and its descendants use meanwhile.
fn idle(pid: u32, time: Duration) -> Result<f64, Fault> {
    let before = processor_time(pid)?;
    std::thread::sleep(time);
    let after = processor_time(pid)?;
    if before.keys().any(|thread| !after.contains_key(thread)) {
        return Err("one of its threads or workers has ended".into());
    }
    // A new thread has used what it has used meanwhile.
    let used = |(thread, after): (&String, &u64)| after - before.get(thread).unwrap_or(&0);
    let nanoseconds: u64 = after.iter().map(used).sum();
    Ok(nanoseconds as f64 / 1e6)
}

/// Nanoseconds of processor time of each thread of a process and its descendants.
fn processor_time(pid: u32) -> Result<HashMap<String, u64>, Fault> {
    let mut times = HashMap::new();
    let mut processes = vec![pid.to_string()];
    while let Some(process) = processes.pop() {
        for thread in fs::read_dir(format!("/proc/{process}/task"))? {
            let path = thread?.path();
            let schedstat = fs::read_to_string(path.join("schedstat"))?;
            let time = schedstat.split(' ').next().ok_or("schedstat is empty")?;
            times.insert(path.to_string_lossy().into_owned(), time.parse()?);
            let children = fs::read_to_string(path.join("children"))?;
            processes.extend(children.split_whitespace().map(str::to_owned));
        }
    }
    Ok(times)
}

/// The role of a copy: it has a pool that has run some jobs, and rests.
pub(crate) fn rest(pool: &str) -> Result<(), Fault> {
    const JOBS: u64 = 100;
    match pool {
        "threads" => {
            let pool = thread::pool()?;
            for number in 0..JOBS {
                pool.submit(increment, number).wait()?;
            }
            rest_with(&pool);
        }
        "processes" => {
            let pool = process::pool()?;
            for number in 0..JOBS {
                pool.submit(increment, number).wait()?;
            }
            rest_with(&pool);
        }
        "procspawn" => rest_with(&procspawn::pool()?),
        "tokio" => {
            let mut sample = offload::tokio(Shape::Many(JOBS))?;
            sample()?;
            rest_with(&sample);
        }
        other => return Err(format!("there is no pool {other:?} to rest with").into()),
    }
    Ok(())
}

/// Says that the pool is ready, and keeps it until the end is wanted.
fn rest_with<P>(_pool: &P) {
    println!("ready");
    role::wait_for_the_end();
}
