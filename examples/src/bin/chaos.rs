//! Floods a process pool with jobs of every kind while its workers are killed at
//! random, and then looks whether the books balance.
//!
//! Every job has one outcome, the right one, and nothing is left behind: the
//! exit status is 1 if that is not so.

use clap::Parser;
use examples::chaos::{
    Budget, Client, Deed, Diary, Dice, Killer, Kills, Ledger, Limits, Plan, Tally, Vitals, act,
    marked_processes, open_diary, thread_names,
};
use executor_core::{Executor as _, ExecutorExt as _, Shutdown};
use pool_process::ProcessPool;
use std::error::Error;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long anything may take that ought to be over.
const PATIENCE: Duration = Duration::from_secs(60);
/// Set in the environment of the workers, so that they are known later.
const MARK: &str = "CHAOS_RUN";
/// How many threads use the pool.
const CLIENTS: u64 = 2;
/// What the allocator and the thread stacks that it keeps may add to the
/// mappings: a leak for each dead worker is more.
const SLACK: usize = 256;

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

    /// Where chance begins [default: anywhere]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

/// What came of a run.
struct Report {
    tally: Tally,
    kills: Kills,
    callbacks: u64,
    twice: u64,
    /// Functions that began more or less often than they may have.
    reruns: Vec<String>,
    started: u64,
    deaths: u64,
    before: Vitals,
    after: Vitals,
    leftover: usize,
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
    let stage = Arc::new(Stage::default());
    let over = watch(
        stage.clone(),
        Duration::from_secs(args.seconds) + 3 * PATIENCE,
    );
    let report = run(&args, seed, &stage);
    drop(over);
    match report {
        Ok(report) if print(&report) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("chaos: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What is being done, for the watchdog.
#[derive(Default)]
struct Stage(Mutex<&'static str>);

impl Stage {
    fn now(&self, what: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = what;
    }
}

/// Ends the program if it does not end by itself.
fn watch(stage: Arc<Stage>, limit: Duration) -> std::sync::mpsc::Sender<()> {
    let (over, watch) = channel::<()>();
    let bark = move || {
        // A pool that hangs would hold the exit as well.
        executor_core::exit::this_thread_runs_jobs();
        if watch.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            let stage = *stage.0.lock().unwrap_or_else(PoisonError::into_inner);
            println!("STUCK: {stage}");
            std::process::exit(1);
        }
    };
    std::thread::spawn(bark);
    over
}

fn run(args: &Args, seed: u64, stage: &Stage) -> Result<Report, Box<dyn Error>> {
    let diary = Diary::new()?;
    let mark = std::process::id().to_string();
    let build = || {
        ProcessPool::builder()
            .max_workers(args.workers.into())
            .initializer(open_diary, diary.path().to_owned())
            .boot_deadline(Duration::from_secs(5))
            .env(MARK, &mark)
            .build()
    };
    stage.now("warming up");
    warm_up(&build()?, args)?;
    let started_before = diary.read(1)?.0;
    let before = Vitals::at_rest();

    let pool = build()?;
    let ledger = Arc::new(Ledger::default());
    stage.now("running");
    let (mut tally, kills) = flood(&pool, args, seed, &ledger);

    stage.now("shutting down");
    let alive = pool.worker_pids().len() as u64;
    let how = match tally.stuck.is_empty() {
        true => Shutdown::drain(),
        false => Shutdown::kill(),
    };
    let mut shutdown = pool.shutdown(how);
    drop(pool);
    match shutdown.wait_timeout(PATIENCE) {
        Some(Ok(report)) if report.abandoned.is_empty() => {}
        Some(other) => tally
            .wrong
            .push(format!("the shutdown ended with {other:?}")),
        None => tally.stuck.push("the shutdown".to_owned()),
    }

    stage.now("looking for what is left");
    let after = Vitals::settle(&before, Duration::from_secs(10));
    let (started, begun) = diary.read(ledger.len())?;
    let started = started - started_before;
    Ok(Report {
        kills,
        callbacks: ledger.called.load(Ordering::Relaxed),
        twice: ledger.called_twice.load(Ordering::Relaxed),
        reruns: ledger.compare(&begun),
        started,
        deaths: started.saturating_sub(alive),
        before,
        after,
        leftover: marked_processes(MARK, &mark).len(),
        tally,
    })
}

/// Has the allocator and the pools' own threads take what they keep.
fn warm_up(pool: &ProcessPool, args: &Args) -> Result<(), Box<dyn Error>> {
    pool.warm_up().wait()?;
    for length in [100, args.max_payload] {
        let plan = Plan::new(Deed::Echo, length as usize);
        let echoed = pool.submit(act, plan.order(0)).wait()??;
        assert_eq!(echoed.len(), plan.length);
    }
    // The clock that keeps the limits has one thread more once a limit has passed.
    let endless = pool.task(act, Plan::new(Deed::Endless, 0).order(0));
    let ended = endless.timeout(Duration::from_millis(1)).submit().wait();
    assert!(ended.is_err_and(|error| error.is_timed_out()));
    pool.shutdown(Shutdown::drain()).wait()?;
    Ok(())
}

fn flood(pool: &ProcessPool, args: &Args, seed: u64, ledger: &Arc<Ledger>) -> (Tally, Kills) {
    let limits = Limits {
        max_payload: args.max_payload,
        jobs: 500,
        patience: PATIENCE,
    };
    let budget = Arc::new(Budget::new(4 * args.max_payload.max(1 << 20)));
    let stop = AtomicBool::new(false);
    let (over, until) = channel();
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|n| {
                let dice = Dice::new(seed.wrapping_add(n << 32));
                let (ledger, budget) = (ledger.clone(), budget.clone());
                let client = Client::new(pool.clone(), dice, limits, ledger, budget);
                let stop = &stop;
                scope.spawn(move || client.run(stop))
            })
            .collect();
        let dice = Dice::new(!seed);
        let every = Duration::from_millis(args.kill_every);
        let killer = Killer::new(pool.clone(), dice, every, ledger.clone());
        let killer = scope.spawn(move || killer.run(&until));
        tell_progress(ledger, Duration::from_secs(args.seconds));
        stop.store(true, Ordering::Relaxed);
        let mut tally = Tally::default();
        for client in clients {
            tally.add(client.join().expect("a client does not panic"));
        }
        drop(over);
        (tally, killer.join().expect("the killer does not panic"))
    })
}

/// Waits, and says once a minute that it still does.
fn tell_progress(ledger: &Ledger, limit: Duration) {
    let (_never, silence): (_, Receiver<()>) = channel();
    let until = Instant::now() + limit;
    while let left @ 1.. = until.saturating_duration_since(Instant::now()).as_nanos() {
        let minute = Duration::from_secs(60);
        let left = Duration::from_nanos(left as u64);
        let _ = silence.recv_timeout(left.min(minute));
        if left > minute {
            println!("{} jobs so far", ledger.len() - 1);
        }
    }
}

/// True if nothing is off.
fn print(report: &Report) -> bool {
    let tally = &report.tally;
    let row = |name: &str, value: u64| println!("| {name:<42} | {value:>12} |");
    let mut fine = true;
    let mut must = |name: &str, value: u64, is_right: bool| {
        let remark = if is_right { "" } else { "   <- OFF" };
        println!("| {name:<42} | {value:>12} |{remark}");
        fine &= is_right;
    };
    println!("\n| {:<42} | {:>12} |", "", "count");
    println!("|{}|{}:|", "-".repeat(44), "-".repeat(13));
    row("jobs submitted", tally.submitted);
    for (name, count) in tally.rows() {
        let never = matches!(name, "rejected" | "other" | "pool broken");
        must(&format!("... {name}"), count, !never || count == 0);
    }
    let missing = tally.submitted - tally.ended();
    must("jobs without an outcome", missing, missing == 0);
    let silent = tally.submitted.abs_diff(report.callbacks);
    must("jobs without a callback", silent, silent == 0);
    must("jobs with two outcomes", report.twice, report.twice == 0);
    let wrong = tally.wrong.len() as u64;
    must("wrong outcomes or contents", wrong, wrong == 0);
    let reruns = report.reruns.len() as u64;
    must(
        "functions begun too often or not at all",
        reruns,
        reruns == 0,
    );
    row("MiB of payload in results", tally.bytes >> 20);
    row("workers started", report.started);
    row("worker deaths", report.deaths);
    row("... by SIGKILL from outside", report.kills.killed);
    row("workers stopped", report.kills.stopped);
    row("... and continued", report.kills.continued);
    let (before, after) = (&report.before, &report.after);
    must("zombies", after.zombies as u64, after.zombies == 0);
    let leftover = report.leftover.max(after.children) as u64;
    must("leftover processes", leftover, leftover == 0);
    row("descriptors before", before.descriptors as u64);
    let kept = after.descriptors <= before.descriptors;
    must("descriptors after", after.descriptors as u64, kept);
    row("threads before", before.threads as u64);
    must(
        "threads after",
        after.threads as u64,
        after.threads <= before.threads,
    );
    row("mappings before", before.mappings as u64);
    let kept = after.mappings <= before.mappings + SLACK;
    must("mappings after", after.mappings as u64, kept);
    must(
        "... shared with a worker",
        after.boards as u64,
        after.boards == 0,
    );
    row(
        "peak memory of the parent, MiB",
        Vitals::peak_memory() >> 10,
    );
    for (what, lines) in [
        ("STUCK", &tally.stuck),
        ("WRONG", &tally.wrong),
        ("WRONG", &report.reruns),
    ] {
        fine &= lines.is_empty();
        for line in lines.iter().take(20) {
            println!("{what}: {line}");
        }
    }
    if !fine {
        println!("threads: {:?}", thread_names());
    }
    println!(
        "{}",
        if fine {
            "all is well"
        } else {
            "something is OFF"
        }
    );
    fine
}
