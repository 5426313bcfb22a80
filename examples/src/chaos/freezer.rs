//! [`Freezer`]: freezes workers at random and thaws them later.
//!
//! A frozen worker does not even die of SIGKILL, where the hierarchy is v1. So the
//! jobs that have to be stopped there show whether the pool can do without its end.
//! Most workers are frozen for a moment, whatever they are at. Some are frozen for
//! long, with a job that is cancelled then or whose limit passes.

use super::diary::Diary;
use super::job::Submitted;
use super::killer::victim;
use super::{Deed, Dice, Findings, Ledger, Plan, Row, Rules};
use pool_process::ProcessPool;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use test_support::freezer::{Frozen, Icebox};

/// The longest pause, in µs.
const PAUSE: u64 = 500_000;
/// The longest that most workers are frozen, in µs.
const SHORT: u64 = 1_000_000;
/// One time in so many, a worker is frozen for longer than the pool may need to
/// give it up.
const LONG: u64 = 8;
/// The limit of the job that such a worker has: it is frozen before it passes.
const LIMIT: Duration = Duration::from_millis(500);
/// How often what happens is looked at.
const LOOK: Duration = Duration::from_millis(10);
/// The numbers of its barriers begin here.
const BARRIERS: u64 = 1 << 32;

/// Freezes the workers of a pool.
#[derive(Debug)]
pub struct Freezer {
    pool: ProcessPool,
    icebox: Icebox,
    dice: Dice,
    ledger: Arc<Ledger>,
    rules: Rules,
}

/// How many workers were frozen.
#[derive(Clone, Debug, Default)]
struct Frost {
    frozen: u64,
    long: u64,
    thawed: u64,
    failed: u64,
    found: Findings,
}

impl Freezer {
    /// Who freezes workers of `pool` in `icebox`.
    pub fn new(
        pool: ProcessPool,
        icebox: Icebox,
        dice: Dice,
        ledger: Arc<Ledger>,
        rules: Rules,
    ) -> Self {
        Self {
            pool,
            icebox,
            dice,
            ledger,
            rules,
        }
    }

    /// Freezes until the other side of `stop` is gone; then all are thawed.
    ///
    /// # Errors
    /// Those of the barriers.
    pub fn run(mut self, diary: &Diary, stop: &Receiver<()>) -> io::Result<Findings> {
        let mut frost = Frost::default();
        let most = (self.pool.max_workers() / 2).max(1);
        let mut frozen: Vec<(Instant, Frozen)> = Vec::new();
        let mut next = Instant::now();
        let mut done_before = 0;
        while goes_on(stop) {
            let now = Instant::now();
            let before = frozen.len();
            frozen.retain(|(until, _)| *until > now);
            frost.thawed += (before - frozen.len()) as u64;
            let done = self.ledger.done.load(Ordering::Relaxed);
            if now < next || frozen.len() >= most || done == done_before {
                continue;
            }
            done_before = done;
            next = now + Duration::from_micros(self.dice.below(PAUSE));
            if self.dice.one_in(LONG) {
                self.freeze_long(&mut frost, diary, stop)?;
            } else if let Some((pid, _)) = victim(&self.pool, &mut self.dice)
                && let Some(worker) = self.freeze(pid, &mut frost)
            {
                let pause = Duration::from_micros(self.dice.magnitude(SHORT));
                frozen.push((now + pause, worker));
            }
        }
        frost.thawed += frozen.len() as u64;
        drop(frozen);
        Ok(self.findings(frost))
    }

    fn freeze(&self, pid: u32, frost: &mut Frost) -> Option<Frozen> {
        let worker = self.icebox.freeze(pid).ok();
        match worker {
            Some(_) => frost.frozen += 1,
            // It has ended since it was chosen.
            None => frost.failed += 1,
        }
        worker
    }

    /// Freezes a worker with a job that has to be stopped, and thaws it when the
    /// job should be over for long.
    fn freeze_long(
        &mut self,
        frost: &mut Frost,
        diary: &Diary,
        stop: &Receiver<()>,
    ) -> io::Result<()> {
        let number = BARRIERS + frost.frozen + frost.failed;
        let barrier = diary.barrier(number)?;
        let mut plan = Plan::new(Deed::Held(number), 10);
        let is_limited = self.dice.one_in(2);
        plan.timeout = is_limited.then_some(LIMIT);
        let mut job = Submitted::submit(&self.pool, plan, &self.ledger);
        frost.found.tally.submitted += 1;
        let mut worker = None;
        while worker.is_none() && !job.task.is_done() && goes_on(stop) {
            worker = barrier.worker();
        }
        let frozen = worker.and_then(|pid| self.freeze(pid, frost));
        if frozen.is_some() {
            frost.long += 1;
            if !is_limited {
                job.cancel();
            }
            let until = Instant::now() + self.rules.frozen_for();
            while !job.task.is_done() && Instant::now() < until && goes_on(stop) {
                job.tend(Instant::now(), self.rules.late_after());
            }
            frost.thawed += 1;
        }
        drop((frozen, barrier));
        match job.task.wait_timeout(self.rules.patience) {
            Some(outcome) => job.finish(outcome, &self.ledger, &mut frost.found.tally),
            None => frost.found.tally.stuck.push(format!("{job:?}")),
        }
        Ok(())
    }

    fn findings(&self, frost: Frost) -> Findings {
        let how = match self.icebox.holds_against_kill() {
            true => "workers frozen against SIGKILL",
            false => "workers frozen, but not against SIGKILL",
        };
        let mut found = frost.found;
        found.rows = vec![
            Row::count(how, frost.frozen),
            Row::count("... for long, with a job to be stopped", frost.long),
            Row::must("... and thawed", frost.thawed, frost.thawed == frost.frozen),
            Row::count("... that had ended before", frost.failed),
        ];
        found
    }
}

/// Waits a moment; false if it is over.
fn goes_on(stop: &Receiver<()>) -> bool {
    stop.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout)
}
