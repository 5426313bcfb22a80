//! [`Flooder`]: keeps the queue of a pool of its own full, and counts what is
//! refused.
//!
//! Its workers are at a barrier while it counts, so nothing that was accepted can
//! begin: exactly as many are accepted as may be queued, wherever they wait, and for
//! each that is cancelled one more.

use super::diary::Diary;
use super::job::Submitted;
use super::{Deed, Dice, Findings, Ledger, Plan, Row, Rules, Tally};
use executor_core::{Executor as _, Shutdown};
use pool_process::ProcessPool;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How many jobs more than there is room for are submitted.
const TOO_MANY: usize = 20;
/// How long a result may be on its way to a pool that has nothing else to do.
const SETTLES: Duration = Duration::from_secs(1);
/// The longest pause between two rounds, in µs.
const PAUSE: u64 = 20_000;

/// Fills a pool's queue.
#[derive(Debug)]
pub struct Flooder {
    pool: ProcessPool,
    /// The pool's bound.
    room: usize,
    dice: Dice,
    ledger: Arc<Ledger>,
    rules: Rules,
    flood: Flood,
}

/// What came of it.
#[derive(Debug, Default)]
struct Flood {
    tally: Tally,
    rounds: u64,
    beyond: u64,
    with_room: u64,
    not_begun: u64,
}

impl Flooder {
    /// Who fills the queue of `pool`, which has room for so many jobs. Nobody else
    /// may use the pool.
    pub fn new(
        pool: ProcessPool,
        room: usize,
        dice: Dice,
        ledger: Arc<Ledger>,
        rules: Rules,
    ) -> Self {
        Self {
            pool,
            room,
            dice,
            ledger,
            rules,
            flood: Flood::default(),
        }
    }

    /// Fills it again and again, until the other side of `stop` is gone; then the
    /// pool is shut down.
    ///
    /// # Errors
    /// Those of the barriers.
    pub fn run(mut self, diary: &Diary, stop: &Receiver<()>) -> io::Result<Findings> {
        loop {
            self.round(diary)?;
            if !self.flood.tally.stuck.is_empty() {
                break;
            }
            let pause = Duration::from_micros(self.dice.below(PAUSE));
            if stop.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
                break;
            }
        }
        let how = match self.flood.tally.stuck.is_empty() {
            true => Shutdown::drain(),
            false => Shutdown::kill(),
        };
        let survivors = self.pool.worker_pids().len() as u64;
        let mut shutdown = self.pool.shutdown(how);
        if shutdown.wait_timeout(self.rules.patience).is_none() {
            let stuck = &mut self.flood.tally.stuck;
            stuck.push("the shutdown of the pool with a full queue".to_owned());
        }
        let flood = self.flood;
        let refused = flood.tally.refused;
        let rows = vec![
            Row::count("full queue: rounds", flood.rounds),
            Row::must("... jobs refused", refused, refused > 0),
            Row::never("... accepted beyond the bound", flood.beyond),
            Row::never("... refused although there was room", flood.with_room),
            Row::never("... rounds in which workers did not begin", flood.not_begun),
        ];
        Ok(Findings {
            tally: flood.tally,
            rows,
            survivors,
            ..Findings::default()
        })
    }

    fn round(&mut self, diary: &Diary) -> io::Result<()> {
        self.flood.rounds += 1;
        let barrier = diary.barrier(self.flood.rounds)?;
        let held = Deed::Held(self.flood.rounds);
        let mut jobs: Vec<_> = (0..self.pool.max_workers())
            .map(|_| self.submit(Plan::new(held, 10)))
            .collect();
        // In a rush, some of these are sent ahead to the workers, behind the first.
        let mut queued = match self.dice.one_in(2) {
            true => self.fill(),
            false => Vec::new(),
        };
        let until = Instant::now() + self.rules.held_up_after();
        while !jobs.iter().all(|job| job.task.is_running()) && Instant::now() < until {
            std::thread::sleep(Duration::from_micros(100));
        }
        if !jobs.iter().all(|job| job.task.is_running()) {
            self.flood.not_begun += 1;
        } else {
            queued.extend(self.fill());
            self.judge(&queued);
            let some = self.dice.below(queued.len() as u64 + 1) as usize;
            for job in queued.iter_mut().take(some) {
                job.cancel();
            }
            queued.extend(self.fill());
            self.judge(&queued);
        }
        jobs.extend(queued);
        drop(barrier);
        // With nobody held up there is no saying how many are refused.
        let free = (0..2 * self.room).map(|_| self.submit(Plan::new(Deed::Echo, 10)));
        let free: Vec<_> = free.collect();
        let until = Instant::now() + self.rules.patience;
        for mut job in jobs.into_iter().chain(free) {
            let patience = until.saturating_duration_since(Instant::now());
            match job.task.wait_timeout(patience) {
                Some(outcome) => job.finish(outcome, &self.ledger, &mut self.flood.tally),
                None => self.flood.tally.stuck.push(format!("{job:?}")),
            }
        }
        Ok(())
    }

    /// Looks whether as many wait as may.
    fn judge(&mut self, accepted: &[Submitted]) {
        // In a rush, some ran on a worker before it was held up: their results may
        // be on the way.
        let until = Instant::now() + SETTLES;
        let waiting = loop {
            let waiting = accepted.iter().filter(|job| !job.task.is_done()).count();
            if waiting <= self.room || Instant::now() > until {
                break waiting;
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        self.flood.beyond += waiting.saturating_sub(self.room) as u64;
        self.flood.with_room += self.room.saturating_sub(waiting) as u64;
    }

    /// Submits more than there is room for, and gives what was not refused.
    fn fill(&mut self) -> Vec<Submitted> {
        let mut accepted = Vec::new();
        for _ in 0..self.room + TOO_MANY {
            let mut job = self.submit(Plan::new(Deed::Echo, 10));
            match job.task.is_done() {
                false => accepted.push(job),
                true => {
                    let outcome = job.task.try_result();
                    job.finish(outcome, &self.ledger, &mut self.flood.tally);
                }
            }
        }
        accepted
    }

    fn submit(&mut self, mut plan: Plan) -> Submitted {
        plan.may_be_refused = !matches!(plan.deed, Deed::Held(_));
        self.flood.tally.submitted += 1;
        Submitted::submit(&self.pool, plan, &self.ledger)
    }
}
