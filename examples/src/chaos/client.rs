//! [`Client`]: submits jobs, cancels some, and looks at every outcome.

use super::{Answer, Budget, Class, Dice, Ledger, Plan, Runs, Tally, act};
use executor_core::{CancelOutcome, ExecutorExt as _, Task, TaskError};
use pool_process::ProcessPool;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, Instant};

/// How much a client may have in flight.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest payload, in bytes.
    pub max_payload: u64,
    /// The most jobs.
    pub jobs: usize,
    /// How long it waits, when it has stopped to submit, for what is in flight.
    pub patience: Duration,
}

/// One thread that uses the pool.
#[derive(Debug)]
pub struct Client {
    pool: ProcessPool,
    dice: Dice,
    limits: Limits,
    ledger: Arc<Ledger>,
    budget: Arc<Budget>,
    /// The next job, if there was no room for it.
    next: Option<Plan>,
    in_flight: Vec<InFlight>,
    tally: Tally,
}

/// A job that was submitted.
#[derive(Debug)]
struct InFlight {
    number: u64,
    plan: Plan,
    task: Task<Answer>,
    cancel_at: Option<Instant>,
    cancelled: Option<CancelOutcome>,
    /// The class that its done callback was told, plus one; zero before that.
    told: Arc<AtomicU8>,
}

impl Client {
    /// A client of `pool`.
    pub fn new(
        pool: ProcessPool,
        dice: Dice,
        limits: Limits,
        ledger: Arc<Ledger>,
        budget: Arc<Budget>,
    ) -> Self {
        Self {
            pool,
            dice,
            limits,
            ledger,
            budget,
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
        let until = Instant::now() + self.limits.patience;
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
            let plan = self
                .next
                .take()
                .unwrap_or_else(|| Plan::roll(&mut self.dice, self.limits.max_payload));
            if !self.budget.take(plan.length as u64) {
                self.next = Some(plan);
                return;
            }
            self.submit(plan);
        }
    }

    fn submit(&mut self, plan: Plan) {
        let number = self.ledger.number();
        let mut builder = self.pool.task(act, plan.order(number));
        builder = builder.name(format!("{number}")).retries(plan.retries);
        if let Some(limit) = plan.timeout {
            builder = builder.timeout(limit);
        }
        if let Some(limit) = plan.queue_timeout {
            builder = builder.queue_timeout(limit);
        }
        let task = builder.submit();
        let told = Arc::new(AtomicU8::new(0));
        let (tell, ledger) = (told.clone(), self.ledger.clone());
        task.add_done_callback(move |outcome| {
            ledger.called.fetch_add(1, Ordering::Relaxed);
            let class = Class::of(outcome);
            if class == Class::Done {
                ledger.done.fetch_add(1, Ordering::Relaxed);
            }
            let class = class as u8 + 1;
            if tell.swap(class, Ordering::Relaxed) != 0 {
                ledger.called_twice.fetch_add(1, Ordering::Relaxed);
            }
        });
        self.tally.submitted += 1;
        self.in_flight.push(InFlight {
            number,
            cancel_at: plan.cancel_after.map(|after| Instant::now() + after),
            plan,
            task,
            cancelled: None,
            told,
        });
    }

    /// Cancels what is due and takes in what is done; waits a moment if nothing
    /// is.
    fn tend(&mut self) {
        let now = Instant::now();
        let mut any = false;
        for place in (0..self.in_flight.len()).rev() {
            let job = &mut self.in_flight[place];
            if job.cancelled.is_none() && job.cancel_at.is_some_and(|at| at <= now) {
                job.cancelled = Some(job.task.cancel());
            }
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

    fn finish(&mut self, job: InFlight, outcome: Result<Answer, TaskError>) {
        let class = Class::of(outcome.as_ref());
        self.tally.count(class);
        self.budget.give(job.plan.length as u64);
        if let Ok(Ok(bytes)) = &outcome {
            self.tally.bytes += bytes.len() as u64;
        }
        let mut judged = job.plan.judge(job.number, outcome.as_ref(), job.cancelled);
        let told = job.told.load(Ordering::Relaxed);
        if told != class as u8 + 1 {
            judged = Err(format!("its callback was told something else: {told}"));
        }
        match judged {
            Ok(runs) => self.ledger.expect(job.number, runs),
            Err(why) => {
                let outcome = match &outcome {
                    Ok(Ok(bytes)) => format!("{} bytes", bytes.len()),
                    Ok(Err(message)) => message.clone(),
                    Err(error) => error.to_string(),
                };
                let (number, plan, cancelled) = (job.number, job.plan, job.cancelled);
                let line = format!("job {number}: {why}: {plan:?}, {cancelled:?}: {outcome}");
                self.tally.wrong.push(line);
                self.ledger.expect(number, Runs(0, u8::MAX));
            }
        }
    }
}
