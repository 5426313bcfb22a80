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
use std::time::{Duration, Instant};

/// The name, in a copy's role, of who has a pool and gives it nothing to do.
pub(crate) const ROLE: &str = "idle";

/// How long after its last job a pool counts as idle. A process pool of ours looks
/// twice, five seconds apart, whether its workers have read what they were sent last.
const SETTLE: Duration = Duration::from_secs(11);

pub(super) const IDLE: Plan = Plan {
    name: "idle",
    title: "A pool with nothing to do: processor time over ten seconds",
    about: "Each pool has run some jobs, the last of them eleven seconds before. The \
            time is that of its program and of all its workers together, as the \
            scheduler counts it.",
    unit: Unit::Milliseconds,
    once: true,
    start,
};

fn start(scale: Scale) -> Result<Vec<Subject>, Fault> {
    let time = Duration::from_secs(scale.pick(10, 3));
    let note = scale.pick("", "over three seconds");
    let pools = [
        ("ours, threads", Pool::copy("threads")),
        ("ours, processes", Pool::copy("processes")),
        ("procspawn", Pool::copy("procspawn")),
        ("tokio spawn_blocking", Pool::copy("tokio")),
        ("Python", Pool::python()),
    ];
    std::thread::sleep(SETTLE);
    let begun = Instant::now();
    let mut subjects = Vec::new();
    for (name, pool) in pools {
        let subject = Subject::rival(name, || idle(pool?, begun, time)).note(note);
        subjects.push(match name.starts_with("ours") {
            true => subject.bar(Bar::AtMost(0.0)),
            false => subject,
        });
    }
    Ok(subjects)
}

/// A process with a pool that has run some jobs.
enum Pool {
    Copy(Partner),
    Python(Python),
}

impl Pool {
    fn copy(pool: &str) -> Result<Self, Fault> {
        let mut partner = Partner::start(&[ROLE, pool])?;
        partner.line()?;
        Ok(Self::Copy(partner))
    }

    fn python() -> Result<Self, Fault> {
        let mut python = Python::start("process-idle", 0)?;
        python.measure()?;
        Ok(Self::Python(python))
    }

    fn pid(&self) -> u32 {
        match self {
            Self::Copy(partner) => partner.pid(),
            Self::Python(python) => python.pid(),
        }
    }
}

/// A sample of the milliseconds of processor time that a process and its descendants
/// use from now until `time` after it has `begun`: all pools rest at the same time.
fn idle(pool: Pool, begun: Instant, time: Duration) -> Result<Sample, Fault> {
    let before = processor_time(pool.pid())?;
    Ok(Box::new(move || {
        std::thread::sleep(time.saturating_sub(begun.elapsed()));
        let after = processor_time(pool.pid())?;
        // Of a thread that has ended nobody knows how long it ran; a worker has no
        // reason to end.
        if before.keys().any(|thread| !has_process_of(&after, thread)) {
            return Err("a process of it has ended".into());
        }
        // A new thread has used what it has used meanwhile.
        let used = |(thread, after): (&String, &u64)| after - before.get(thread).unwrap_or(&0);
        let nanoseconds: u64 = after.iter().map(used).sum();
        Ok(nanoseconds as f64 / 1e6)
    }))
}

/// Whether a thread of the same process is among these, which are named by paths
/// such as `/proc/7/task/8`.
fn has_process_of(times: &HashMap<String, u64>, thread: &str) -> bool {
    let process = thread
        .rsplit_once('/')
        .map_or(thread, |(process, _)| process);
    let is_of_it = |other: &String| other.rsplit_once('/').is_some_and(|(p, _)| p == process);
    times.keys().any(is_of_it)
}

/// Nanoseconds of processor time of each thread of a process and its descendants.
fn processor_time(pid: u32) -> Result<HashMap<String, u64>, Fault> {
    let mut times = HashMap::new();
    let mut processes = vec![pid.to_string()];
    while let Some(process) = processes.pop() {
        for thread in fs::read_dir(format!("/proc/{process}/task"))? {
            let path = thread?.path();
            // A thread may end while it is looked at.
            let Ok(schedstat) = fs::read_to_string(path.join("schedstat")) else {
                continue;
            };
            let time = schedstat.split(' ').next().ok_or("schedstat is empty")?;
            times.insert(path.to_string_lossy().into_owned(), time.parse()?);
            let children = fs::read_to_string(path.join("children")).unwrap_or_default();
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
