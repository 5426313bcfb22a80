//! SHA-256 of every file under the given paths, printed as `sha256sum` does.
//!
//! One job for each file, named after it: if a worker dies, that file has no sum,
//! and every other one is right.

use clap::{Parser, ValueEnum};
use examples::hashsum::{Digest, File, Problem, Report, files, sha256};
use executor_core::{Executor, ExecutorExt as _, Inline, Shutdown, Task};
use pool_process::ProcessPool;
use pool_thread::ThreadPool;
use std::collections::VecDeque;
use std::error::Error;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::process::ExitCode;

/// How many files may be submitted and not yet printed.
///
/// This bounds the memory. It is many times the number of workers, because the
/// sums are printed in the order of the walk: behind a large file there have to
/// be enough small ones to keep the other workers busy.
const IN_FLIGHT: usize = 1024;

/// Print the SHA-256 sum of every file under the given paths.
#[derive(Debug, Parser)]
struct Args {
    /// Files, and directories to be searched for files.
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,

    /// Where the files are hashed.
    #[arg(long, value_enum, default_value_t = Workers::Process)]
    executor: Workers,

    /// How many files are hashed at the same time [default: what the machine can]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    workers: Option<u16>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Workers {
    /// In the main thread, one after the other
    Inline,
    Thread,
    Process,
}

impl Args {
    fn executor(&self) -> Result<Box<dyn Executor>, Box<dyn Error>> {
        Ok(match self.executor {
            Workers::Inline => Box::new(Inline::new()),
            Workers::Thread => {
                let mut pool = ThreadPool::builder();
                if let Some(workers) = self.workers {
                    pool = pool.max_workers(workers.into());
                }
                Box::new(pool.build()?)
            }
            Workers::Process => {
                let mut pool = ProcessPool::builder();
                if let Some(workers) = self.workers {
                    pool = pool.max_workers(workers.into());
                }
                Box::new(pool.build()?)
            }
        })
    }
}

fn main() -> ExitCode {
    // In a worker process this call never returns.
    pool_process::init();
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("hashsum: {error}");
            ExitCode::FAILURE
        }
    }
}

/// True if there is a sum for every file.
fn run(args: &Args) -> Result<bool, Box<dyn Error>> {
    let executor = args.executor()?;
    let mut report = Report::new(&args.paths);
    let printed = hash_all(&*executor, &args.paths, &mut report).and_then(|()| report.flush());
    if let Err(error) = printed {
        // Nobody will see the sums of what is in flight.
        executor.shutdown(Shutdown::kill()).detach();
        if error.kind() != ErrorKind::BrokenPipe {
            return Err(Problem::new("standard output", error).into());
        }
    }
    Ok(report.is_complete())
}

/// Hashes what is under `paths`; the sums come in the order of the walk.
fn hash_all(executor: &dyn Executor, paths: &[PathBuf], report: &mut Report) -> io::Result<()> {
    let mut in_flight = VecDeque::new();
    for found in files(paths) {
        match found {
            Ok(file) => in_flight.push_back(submit(executor, file)),
            Err(problem) => report.problem(&problem),
        }
        // Print what is done; wait only when there is enough to do.
        while in_flight.len() >= IN_FLIGHT || in_flight.front().is_some_and(Hashing::is_done) {
            let Some(next) = in_flight.pop_front() else {
                break;
            };
            next.finish(report)?;
        }
    }
    in_flight
        .into_iter()
        .try_for_each(|next| next.finish(report))
}

/// A file with a worker.
struct Hashing {
    file: File,
    task: Task<Result<Digest, String>>,
}

fn submit(executor: &dyn Executor, file: File) -> Hashing {
    let name = file.path().to_string_lossy();
    let task = executor.task(sha256, file.clone()).name(name).submit();
    Hashing { file, task }
}

impl Hashing {
    fn is_done(&self) -> bool {
        self.task.is_done()
    }

    /// Waits for the sum, and reports it or why there is none.
    fn finish(self, report: &mut Report) -> io::Result<()> {
        let sum = match self.task.wait() {
            Ok(sum) => sum,
            // The name of the task is in the error; the report names it as well.
            Err(error) => Err(match error.lost_worker() {
                Some(lost) => lost.to_string(),
                None => error.to_string(),
            }),
        };
        report.done(&self.file, sum)
    }
}
