//! An article on asyncio, in Rust: its programs one after another, with coroutines,
//! tasks, event loops, threads and processes.
//!
//! `coroutines` runs all of them; `coroutines gather wait` those two. What each of
//! them shows is said where it stands: see `examples::coroutines`.

use clap::Parser;
use examples::coroutines::{Outcome, Second, blocking, driving, threadsafe, waiting};
use examples::log::{self, Who};
use std::error::Error;
use std::time::Duration;

/// A program, and its name.
type Program = (&'static str, fn(Second) -> Outcome);

/// The programs, in the order of the article.
const PROGRAMS: [Program; 18] = [
    ("first", waiting::first),
    ("sequence", waiting::sequence),
    ("gather", waiting::gathered),
    ("tasks", waiting::tasks),
    ("wait", waiting::waited),
    ("first-exception", waiting::first_exception),
    ("one-task", driving::one_task),
    ("callback", driving::callback),
    ("never-run", driving::never_run),
    ("run-forever", driving::run_forever),
    ("two-tasks", driving::two_tasks),
    ("results", driving::collected),
    ("threads", blocking::threads),
    ("call-soon", blocking::callbacks),
    ("default-executor", blocking::default_executor),
    ("executors", blocking::executors),
    ("threadsafe", threadsafe::coroutines),
    ("everything", threadsafe::everything),
];

/// Run the programs of an article on asyncio, in Rust.
#[derive(Debug, Parser)]
struct Args {
    /// Which of them; all, if none is named.
    #[arg(value_parser = PROGRAMS.map(|(name, _)| name))]
    programs: Vec<String>,

    /// How long a second of the article lasts, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..))]
    second: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    log::init(Who::Thread);
    pool_process::init(); // in a worker process this call never returns
    let args = Args::parse();
    let second = Second(Duration::from_millis(args.second));
    for (name, program) in PROGRAMS {
        if args.programs.is_empty() || args.programs.iter().any(|wanted| wanted == name) {
            println!("\n# {name}");
            program(second)?;
        }
    }
    Ok(())
}
