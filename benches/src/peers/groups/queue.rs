//! Very many jobs that wait: what each costs, and the memory it takes.

use super::{Plan, process, thread};
use crate::jobs::increment;
use crate::peers::bar::Bar;
use crate::peers::measure::{Sample, Scale, Subject};
use crate::peers::report::Unit;
use crate::peers::rivals::partner::Partner;
use crate::peers::sum::check;
use crate::peers::{Fault, WORKERS};
use executor_core::{Executor, ExecutorExt as _, Task};
use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

/// The name, in a copy's role, of who measures the memory.
pub(crate) const ROLE: &str = "weigh";

const FEW: u64 = 10_000;
const MANY: u64 = 1_000_000;

const THREADS: &str = "threads";
const PROCESSES: &str = "processes";

pub(super) const COST: Plan = Plan {
    name: "queue-cost",
    title: "The cost of a job with 1,000,000 queued, divided by that with 10,000",
    about: "All jobs are queued before the first of them runs: until then jobs that \
            wait for a locked file hold the workers up. The cost covers submission, \
            execution and result.",
    unit: Unit::Times,
    once: false,
    start: cost,
};

pub(super) const MEMORY: Plan = Plan {
    name: "queue-memory",
    title: "Resident memory for each queued job, of 1,000,000",
    about: "By how much the program's resident memory grows while jobs are queued, in \
            a process of its own. The handle that waits for the result is part of it.",
    unit: Unit::Bytes,
    once: false,
    start: memory,
};

fn cost(_: Scale) -> Result<Vec<Subject>, Fault> {
    Ok(vec![
        Subject::ours("ours, threads", growth(thread::pool()?)?).bar(Bar::AtMost(1.3)),
        Subject::ours("ours, processes", growth(process::pool()?)?).bar(Bar::AtMost(1.3)),
    ])
}

fn memory(_: Scale) -> Result<Vec<Subject>, Fault> {
    let weighed = |pool| {
        Subject::new(pool, move || {
            let role = if pool == "ours, threads" {
                THREADS
            } else {
                PROCESSES
            };
            let mut partner = Partner::start(&[ROLE, role, &MANY.to_string()])?;
            Ok(partner.line()?.parse()?)
        })
        .bar(Bar::AtMost(200.0))
    };
    Ok(vec![weighed("ours, threads"), weighed("ours, processes")])
}

fn growth(pool: impl Executor + 'static) -> Result<Sample, Fault> {
    let gate = Rc::new(Gate::create()?);
    Ok(Box::new(move || {
        // Of few, several times, so that both measure about as long.
        let times = 10;
        let mut few = 0.0;
        for _ in 0..times {
            few += queued(&pool, &gate, FEW)? / f64::from(times);
        }
        Ok(queued(&pool, &gate, MANY)? / few)
    }))
}

/// Nanoseconds for each of so many jobs, which are all queued before one runs.
fn queued(pool: &dyn Executor, gate: &Gate, jobs: u64) -> Result<f64, Fault> {
    let closed = gate.close(pool)?;
    let start = Instant::now();
    let tasks: Vec<_> = (0..jobs).map(|n| pool.submit(increment, n)).collect();
    closed.open()?;
    let mut sum = 0;
    for task in tasks {
        sum += task.wait()?;
    }
    let elapsed = start.elapsed();
    check(sum, jobs)?;
    Ok(elapsed.as_nanos() as f64 / jobs as f64)
}

/// The role of a copy: prints the bytes for each of so many queued jobs.
pub(crate) fn weigh(pool: &str, jobs: u64) -> Result<(), Fault> {
    match pool {
        THREADS => weigh_on(&thread::pool()?, jobs),
        PROCESSES => weigh_on(&process::pool()?, jobs),
        other => Err(format!("there is no pool {other:?} to weigh").into()),
    }
}

fn weigh_on(pool: &dyn Executor, jobs: u64) -> Result<(), Fault> {
    let gate = Gate::create()?;
    // What a pool allocates once is not to count.
    queued(pool, &gate, 100)?;
    let closed = gate.close(pool)?;
    let before = resident()?;
    let tasks: Vec<_> = (0..jobs).map(|n| pool.submit(increment, n)).collect();
    let after = resident()?;
    println!("{}", after.saturating_sub(before) as f64 / jobs as f64);
    closed.open()?;
    let mut sum = 0;
    for task in tasks {
        sum += task.wait()?;
    }
    check(sum, jobs)
}

/// Bytes of this process that are in memory.
fn resident() -> Result<u64, Fault> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split(' ').nth(1).ok_or("statm has no second field")?;
    Ok(pages.parse::<u64>()? * rustix::param::page_size() as u64)
}

/// A file that holds up, while it is locked, whoever wants to lock it too: a worker
/// thread and a worker process alike.
struct Gate {
    path: PathBuf,
    file: File,
}

impl Gate {
    fn create() -> Result<Self, Fault> {
        static CREATED: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = CREATED.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("peers-{}-{number}.lock", std::process::id());
        let path = std::env::temp_dir().join(name);
        let file = File::create(&path)?;
        Ok(Self { path, file })
    }

    /// Holds all workers of this pool up.
    fn close(&self, pool: &dyn Executor) -> Result<Closed<'_>, Fault> {
        flock(&self.file, FlockOperation::LockExclusive)?;
        let path = self.path.to_string_lossy().into_owned();
        let held_up: Vec<_> = (0..WORKERS)
            .map(|_| pool.submit(pass, path.clone()))
            .collect();
        while !held_up.iter().all(Task::is_running) {
            std::thread::yield_now();
        }
        Ok(Closed {
            gate: self,
            held_up,
        })
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// A gate while it is closed.
struct Closed<'g> {
    gate: &'g Gate,
    held_up: Vec<Task<Result<(), String>>>,
}

impl Closed<'_> {
    fn open(self) -> Result<(), Fault> {
        flock(&self.gate.file, FlockOperation::Unlock)?;
        for task in self.held_up {
            task.wait()??;
        }
        Ok(())
    }
}

/// The job that waits at the gate at this path.
fn pass(path: String) -> Result<(), String> {
    let wait = || -> std::io::Result<()> {
        let file = File::open(&path)?;
        loop {
            match flock(&file, FlockOperation::LockShared) {
                Err(rustix::io::Errno::INTR) => {}
                other => return Ok(other?),
            }
        }
    };
    wait().map_err(|error| format!("{path}: {error}"))
}
