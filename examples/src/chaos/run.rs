//! [`Run`]: a run of the program, from the first worker to the report.

use super::cast::{Cast, Fault};
use super::{
    Deed, Diary, Ledger, Plan, Report, Rules, Tally, Vitals, Watchdog, act, marked_processes,
    open_diary,
};
use executor_core::{Executor as _, ExecutorExt as _, Shutdown};
use pool_process::{Builder, ProcessPool};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Set in the environment of the workers, so that they are known later.
const MARK: &str = "CHAOS_RUN";

/// What the arguments of the program say.
#[derive(Clone, Debug)]
pub struct Settings {
    /// For how long jobs are submitted.
    pub duration: Duration,
    /// How many workers there are.
    pub workers: usize,
    /// The largest payload, in bytes.
    pub max_payload: u64,
    /// In which time, on average, a worker is killed from outside.
    pub kill_every: Duration,
    /// What is done besides, and how long anything may take.
    pub rules: Rules,
    /// Where chance begins.
    pub seed: u64,
}

/// One run of the program.
#[derive(Debug)]
pub struct Run {
    settings: Settings,
    watchdog: Watchdog,
}

/// How the pools of a run are built.
pub(super) struct Workshop<'a> {
    diary: &'a Diary,
    mark: &'a str,
}

impl Workshop<'_> {
    /// The settings of a pool whose workers keep the diary.
    pub(super) fn builder(&self, workers: usize) -> Builder {
        ProcessPool::builder()
            .max_workers(workers)
            .initializer(open_diary, self.diary.path().to_owned())
            .boot_deadline(Duration::from_secs(5))
            .env(MARK, self.mark)
    }

    pub(super) fn diary(&self) -> &Diary {
        self.diary
    }
}

impl Run {
    /// Starts the watchdog, whose limit holds from now on.
    pub fn new(settings: Settings) -> Self {
        let limit = settings.duration + 5 * settings.rules.patience;
        let watchdog = Watchdog::start(limit);
        Self { settings, watchdog }
    }

    /// Does it all.
    ///
    /// # Errors
    /// Those of the pools' builders, of the diary, and of the first jobs.
    pub fn run(&self) -> Result<Report, Fault> {
        let diary = Diary::new()?;
        let mark = std::process::id().to_string();
        let workshop = Workshop {
            diary: &diary,
            mark: &mark,
        };
        self.watchdog.stage("warming up");
        let workers = self.settings.workers;
        self.warm_up(&workshop.builder(workers).build()?)?;
        let started_before = diary.read(1)?.0;
        let before = Vitals::at_rest();

        let pool = workshop.builder(workers).build()?;
        let ledger = Arc::new(Ledger::default());
        let cast = Cast::new(&self.settings, &self.watchdog, &pool, &ledger);
        let mut found = cast.play(&workshop)?;

        self.watchdog.stage("shutting down");
        let survivors = pool.worker_pids().len() as u64 + found.survivors;
        self.end(pool, &mut found.tally);

        self.watchdog.stage("looking for what is left");
        let after = Vitals::settle(&before, Duration::from_secs(10));
        let (started, begun) = diary.read(ledger.len())?;
        let started = started - started_before;
        self.watchdog.stage("ending");
        Ok(Report {
            deaths: started.saturating_sub(survivors),
            found,
            callbacks: ledger.called.load(Relaxed),
            twice: ledger.called_twice.load(Relaxed),
            reruns: ledger.compare(&begun),
            started,
            before,
            after,
            leftover: marked_processes(MARK, &mark).len(),
        })
    }

    /// Has the allocator and the pools' own threads take what they keep.
    fn warm_up(&self, pool: &ProcessPool) -> Result<(), Fault> {
        pool.warm_up().wait()?;
        for length in [100, self.settings.max_payload] {
            let plan = Plan::new(Deed::Echo, length as usize);
            let task = pool.submit(act, plan.order(0));
            task.add_done_callback(|_| ());
            assert_eq!(task.wait()??.payload.len(), plan.length);
        }
        // The clock that keeps the limits has one thread more once a limit has passed.
        let endless = pool.task(act, Plan::new(Deed::Endless, 0).order(0));
        let ended = endless.timeout(Duration::from_millis(1)).submit().wait();
        assert!(ended.is_err_and(|error| error.is_timed_out()));
        pool.shutdown(Shutdown::drain()).wait()?;
        Ok(())
    }

    fn end(&self, pool: ProcessPool, tally: &mut Tally) {
        let how = match tally.stuck.is_empty() {
            true => Shutdown::drain(),
            false => Shutdown::kill(),
        };
        let mut shutdown = pool.shutdown(how);
        drop(pool);
        match shutdown.wait_timeout(self.settings.rules.patience) {
            Some(Ok(report)) if report.abandoned.is_empty() => {}
            Some(other) => tally
                .wrong
                .push(format!("the shutdown ended with {other:?}")),
            None => tally.stuck.push("the shutdown".to_owned()),
        }
    }
}
