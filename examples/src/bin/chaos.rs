//! Floods a process pool with jobs of every kind while its workers are killed,
//! stopped and frozen at random and user code blocks wherever it can, and then looks
//! whether the books balance.
//!
//! Every job has one outcome, the right one, and nothing is left behind: the
//! exit status is not 0 if that is not so, or if anything hangs.

use clap::Parser;
use examples::chaos::{Mischief, Rules, Run, Settings};
use std::process::ExitCode;
use std::time::Duration;

/// Flood a process pool while its workers are killed, and check every outcome.
#[derive(Clone, Debug, Parser)]
struct Args {
    /// For how long jobs are submitted.
    #[arg(long, value_name = "N", default_value_t = 10)]
    seconds: u64,

    /// How many workers there are.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..))]
    workers: u16,

    /// The largest payload, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 20)]
    max_payload: u64,

    /// In which time, on average, a worker is killed from outside.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 100)]
    kill_every: u64,

    /// What is not done, separated by commas [default: all is done]
    #[arg(long, value_name = "MISCHIEF", value_enum, value_delimiter = ',')]
    without: Vec<Mischief>,

    /// How long, in seconds, anything may take that ought to be over. The program
    /// is killed when it has taken five times this longer than it submits jobs.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    patience: u64,

    /// Where chance begins [default: anywhere]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

fn main() -> ExitCode {
    // In a worker process this call never returns.
    pool_process::init();
    let args = Args::parse();
    let seed = args.seed.unwrap_or_else(|| {
        let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
        since.as_nanos() as u64 % 1_000_000
    });
    let (seconds, workers, payload) = (args.seconds, args.workers, args.max_payload);
    println!("{seconds} s, {workers} workers, payloads up to {payload} bytes, seed {seed}");
    let run = Run::new(Settings {
        duration: Duration::from_secs(seconds),
        workers: workers.into(),
        max_payload: payload,
        kill_every: Duration::from_millis(args.kill_every),
        rules: Rules {
            without: args.without,
            patience: Duration::from_secs(args.patience),
        },
        seed,
    });
    match run.run() {
        Ok(report) if report.print() => return ExitCode::SUCCESS,
        Ok(_) => {}
        Err(error) => eprintln!("chaos: {error}"),
    }
    // A pool that hangs would hold the exit as well.
    executor_core::exit::this_thread_runs_jobs();
    ExitCode::FAILURE
}
