//! Coroutines that wait for blocking functions: on threads or in processes, the
//! only change is which executor is made.
//!
//! Each line shows its worker, so it can be seen that three of them share the
//! work: `running` comes three times before the first `done`.

use async_std::task::block_on;
use clap::{Parser, ValueEnum};
use combinators::{ReturnWhen, run_in_executor, wait};
use examples::log::{self, Who};
use executor_core::{Executor, Task, TaskError};
use pool_process::ProcessPool;
use pool_thread::ThreadPool;
use std::error::Error;
use std::thread::sleep;
use std::time::Duration;
use tracing::{info, instrument};

#[instrument]
fn blocks(n: u64) -> u64 {
    info!("running");
    sleep(Duration::from_millis(100));
    info!("done");
    n * n
}

#[instrument(skip_all)]
async fn run_blocking_tasks(executor: &dyn Executor, tasks: u64) -> Result<(), TaskError> {
    info!("starting");

    info!("creating executor tasks");
    let submit = |n| run_in_executor(Some(executor), blocks, n);
    let blocking_tasks: Vec<Task<u64>> = (0..tasks).map(submit).collect();

    info!("waiting for executor tasks");
    let completed = wait(blocking_tasks, ReturnWhen::AllCompleted).await.done;
    // They are in the order of the tasks, where Python has a set.
    let results = completed.into_iter().map(|mut task| task.try_result());
    info!("results: {:?}", results.collect::<Result<Vec<u64>, _>>()?);

    info!("exiting");
    Ok(())
}

/// Run blocking functions and wait for all of them.
#[derive(Debug, Parser)]
struct Args {
    /// Where the functions run.
    #[arg(long, value_enum, default_value_t = Workers::Thread)]
    executor: Workers,

    /// How many of them run at the same time.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    workers: u16,

    /// How many there are.
    #[arg(long, value_name = "N", default_value_t = 6)]
    tasks: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Workers {
    Thread,
    Process,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    // A worker process is this program again, with the same arguments: it logs in
    // the same way, and `pool_process::init` is where it stays.
    log::init(match args.executor {
        Workers::Thread => Who::Thread,
        Workers::Process => Who::Process,
    });
    pool_process::init();

    let workers = args.workers.into();
    let executor: Box<dyn Executor> = match args.executor {
        Workers::Thread => Box::new(ThreadPool::builder().max_workers(workers).build()?),
        Workers::Process => Box::new(ProcessPool::builder().max_workers(workers).build()?),
    };
    block_on(run_blocking_tasks(&*executor, args.tasks))?;
    Ok(())
}
