//! [`Client`]: submits jobs, cancels some, and looks at every outcome.

use super::callbacks::Errands;
use super::job::Submitted;
use super::{Answer, Budget, Dice, Ledger, Plan, Rules, Tally};
use executor_core::TaskError;
use pool_process::ProcessPool;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How much a client may have in flight.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The largest payload, in bytes.
    pub max_payload: u64,
    /// The most jobs.
    pub jobs: usize,
    /// What its jobs do besides, and how long it waits, when it has stopped to
    /// submit, for what is in flight.
    pub rules: Rules,
}

/// One thread that uses the pool.
#[derive(Debug)]
pub struct Client {
    pool: ProcessPool,
    dice: Dice,
    limits: Limits,
    ledger: Arc<Ledger>,
    budget: Arc<Budget>,
    errands: Arc<Errands>,
    /// The next job, if there was no room for it.
    next: Option<Plan>,
    in_flight: Vec<Submitted>,
    tally: Tally,
}

impl Client {
    /// A client of `pool`.
    pub fn new(
        pool: ProcessPool,
        dice: Dice,
        limits: Limits,
        ledger: Arc<Ledger>,
        budget: Arc<Budget>,
        errands: Arc<Errands>,
    ) -> Self {
        Self {
            pool,
            dice,
            limits,
            ledger,
            budget,
            errands,
            next: None,
            in_flight: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// Uses the pool until it is told to stop, and waits for what is in flight.
    pub fn run(mut self, stop: &AtomicBool) -> Tally {
        while !stop.load(Ordering::Relaxed) {
            self.fill();
            self.tend();
        }
        let until = Instant::now() + self.limits.rules.patience;
        while !self.in_flight.is_empty() && Instant::now() < until {
            self.tend();
        }
        for job in &self.in_flight {
            let line = format!("{job:?}");
            self.tally.stuck.push(line);
        }
        self.tally
    }

    /// Submits as much as there is room for.
    fn fill(&mut self) {
        while self.in_flight.len() < self.limits.jobs {
            let limits = &self.limits;
            let roll = || Plan::roll(&mut self.dice, limits.max_payload, &limits.rules);
            let plan = self.next.take().unwrap_or_else(roll);
            if !self.budget.take(plan.length as u64) {
                self.next = Some(plan);
                return;
            }
            self.submit(plan);
        }
    }

    fn submit(&mut self, plan: Plan) {
        let errand = plan.errand;
        let job = Submitted::submit(&self.pool, plan, &self.ledger);
        if let Some(errand) = errand {
            self.errands.send(errand, &job.task);
        }
        self.tally.submitted += 1;
        self.in_flight.push(job);
    }

    /// Cancels what is due and takes in what is done; waits a moment if nothing
    /// is.
    fn tend(&mut self) {
        let (now, grace) = (Instant::now(), self.limits.rules.late_after());
        let mut any = false;
        for place in (0..self.in_flight.len()).rev() {
            let job = &mut self.in_flight[place];
            job.tend(now, grace);
            if job.task.is_done() {
                any = true;
                let mut job = self.in_flight.swap_remove(place);
                let outcome = job.task.try_result();
                self.finish(job, outcome);
            }
        }
        if !any && !self.in_flight.is_empty() {
            let place = self.dice.below(self.in_flight.len() as u64) as usize;
            let moment = Duration::from_millis(1);
            if let Some(outcome) = self.in_flight[place].task.wait_timeout(moment) {
                let job = self.in_flight.swap_remove(place);
                self.finish(job, outcome);
            }
        }
    }

    fn finish(&mut self, job: Submitted, outcome: Result<Answer, TaskError>) {
        self.budget.give(job.plan.length as u64);
        job.finish(outcome, &self.ledger, &mut self.tally);
    }
}
