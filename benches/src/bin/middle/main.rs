//! Measures what a job costs on our pools, as the middle (median) of many rounds,
//! so that two builds of this program can be compared.
//!
//! It uses the public API alone: the same source builds in an older tree, and the
//! two binaries are run in turn on one machine by `benches/compare.sh`.
//!
//! ```sh
//! cargo run --release -p benches --bin middle                       # a table
//! cargo run --release -p benches --bin middle -- --json new.json
//! middle --compare old-1.json old-2.json -- new-1.json new-2.json
//! benches/compare.sh OLD_BINARY NEW_BINARY ROUNDS
//! ```
//!
//! * `costs`: times of jobs, on threads and in processes;
//! * `refusal`: what it costs to refuse a job when a million wait;
//! * `footprint`: threads of the parent, shared memory of idle workers;
//! * `figures`: names and values, as a table and as JSON;
//! * `compare`: the figures of two builds, side by side.

mod compare;
mod costs;
mod figures;
mod footprint;
mod refusal;

use self::figures::Figures;
use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// What went wrong: it ends the program.
type Fault = Box<dyn std::error::Error + Send + Sync>;

/// One measurement: it returns its values, in the order of its names.
type Measure = fn() -> Result<Vec<f64>, Fault>;

/// The longest that one measurement may take: the slowest takes about 20 seconds.
const LIMIT: Duration = Duration::from_secs(300);

/// Measure what a job costs on the thread pool and on the process pool.
#[derive(Debug, Parser)]
struct Args {
    /// Write the figures to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Measure only figures whose name contains this [default: all]
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    only: String,

    /// Measure nothing: compare these files with those after `--`.
    #[arg(long, value_name = "OLD", num_args = 1.., requires = "new")]
    compare: Vec<PathBuf>,

    /// The files of the newer build, for `--compare`.
    #[arg(last = true, value_name = "NEW", requires = "compare")]
    new: Vec<PathBuf>,
}

/// Names of the figures, and what measures them. The first two count what this
/// process holds, so they come before others have left threads of their own.
const MEASURES: &[(&[&str], Measure)] = &[
    (&["threads_64_workers"], footprint::threads),
    (&["shared_memory_per_worker_kib"], footprint::shared_memory),
    (&["process_in_flight_ns", "process_round_trip_ns"], || {
        costs::processes(2)
    }),
    (
        &["process_64_in_flight_ns", "process_64_round_trip_ns"],
        || costs::processes(64),
    ),
    (
        &["process_16_submitters_ns", "process_16_waiters_ns"],
        || costs::crowd_of_processes(2),
    ),
    (
        &["process_64_16_submitters_ns", "process_64_16_waiters_ns"],
        || costs::crowd_of_processes(64),
    ),
    (
        &["thread_in_flight_ns", "thread_round_trip_ns"],
        costs::threads,
    ),
    (
        &["thread_16_submitters_ns", "thread_16_waiters_ns"],
        costs::crowd_of_threads,
    ),
    (&["process_echo_1_mib_us"], costs::echo_of_a_mebibyte),
    (&["process_first_result_ms"], costs::first_result),
    (&["process_refusal_ns"], refusal::by_processes),
    (&["thread_refusal_ns"], refusal::by_threads),
];

fn main() -> ExitCode {
    // In a worker process this call never returns.
    pool_process::init();
    let args = Args::parse();
    let ended = match args.compare.is_empty() {
        true => measure(&args),
        false => compare::compare(&args.compare, &args.new),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("middle: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn measure(args: &Args) -> Result<(), Fault> {
    let mut figures = Figures::default();
    for (names, measure) in MEASURES {
        if !names.iter().any(|name| name.contains(&args.only)) {
            continue;
        }
        let watch = watch(names[0]);
        let values = measure().map_err(|fault| format!("{}: {fault}", names[0]))?;
        drop(watch);
        for (name, value) in names.iter().zip(values) {
            figures.add(name, value);
        }
    }
    print!("{figures}");
    match &args.json {
        Some(file) => Ok(std::fs::write(file, figures.json())?),
        None => Ok(()),
    }
}

/// Ends the program, with the name of the measurement, if it takes too long.
fn watch(name: &'static str) -> Sender<()> {
    let (over, watched) = channel::<()>();
    std::thread::spawn(move || {
        if watched.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
            eprintln!("middle: {name}: no result after {} s", LIMIT.as_secs());
            std::process::abort();
        }
    });
    over
}
