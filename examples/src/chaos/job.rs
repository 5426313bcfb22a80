//! [`Submitted`]: a job that is in flight, and the look at its outcome.

use super::{Answer, Class, Ledger, Plan, Rules, Runs, Tally, act};
use executor_core::{CancelOutcome, ExecutorExt as _, Task, TaskError};
use pool_process::ProcessPool;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// A job that was submitted.
#[derive(Debug)]
pub(super) struct Submitted {
    pub(super) number: u64,
    pub(super) plan: Plan,
    pub(super) task: Task<Answer>,
    cancel_at: Option<Instant>,
    cancelled: Option<CancelOutcome>,
    /// When it has to be over, once that is known.
    due: Option<Instant>,
    told: Arc<Told>,
}

/// What the done callback was told.
#[derive(Debug, Default)]
struct Told {
    /// The class plus one; zero before the call.
    class: AtomicU8,
    at: OnceLock<Instant>,
}

impl Submitted {
    pub(super) fn submit(pool: &ProcessPool, plan: Plan, ledger: &Arc<Ledger>) -> Self {
        let number = ledger.number();
        let mut builder = pool.task(act, plan.order(number));
        builder = builder.name(format!("{number}")).retries(plan.retries);
        if let Some(limit) = plan.timeout {
            builder = builder.timeout(limit);
        }
        if let Some(limit) = plan.queue_timeout {
            builder = builder.queue_timeout(limit);
        }
        let task = builder.submit();
        let told = Arc::new(Told::default());
        let (tell, ledger) = (told.clone(), ledger.clone());
        task.add_done_callback(move |outcome| {
            let _ = tell.at.set(Instant::now());
            ledger.called.fetch_add(1, Ordering::Relaxed);
            let class = Class::of(outcome);
            if class == Class::Done {
                ledger.done.fetch_add(1, Ordering::Relaxed);
            }
            if tell.class.swap(class as u8 + 1, Ordering::Relaxed) != 0 {
                ledger.called_twice.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self {
            number,
            cancel_at: plan.cancel_after.map(|after| Instant::now() + after),
            plan,
            task,
            cancelled: None,
            due: None,
            told,
        }
    }

    /// Cancels it now.
    pub(super) fn cancel(&mut self) {
        self.cancelled = Some(self.task.cancel());
    }

    /// Cancels it if it is due, and notes from when on it is late, `grace` after
    /// it was to be stopped.
    pub(super) fn tend(&mut self, now: Instant, grace: Duration) {
        if self.cancelled.is_none() && self.cancel_at.is_some_and(|at| at <= now) {
            self.cancel();
        }
        if self.due.is_some() {
            return;
        }
        if self.cancelled == Some(CancelOutcome::Killed) {
            self.due = Some(now + grace);
        } else if let Some(limit) = self.plan.timeout
            && self.task.is_running()
        {
            self.due = Some(now + limit + grace);
        }
    }

    /// Waits for it as long as other jobs end: where many stand before it on a busy
    /// machine, its turn may come late. `None` if for `limit` no job ends at all, or
    /// if it is not done within the patience of the run.
    pub(super) fn wait_its_turn(
        &mut self,
        limit: Duration,
        rules: &Rules,
        ledger: &Ledger,
    ) -> Option<Result<Answer, TaskError>> {
        let until = Instant::now() + rules.patience;
        loop {
            let ended = ledger.called.load(Ordering::Relaxed);
            let outcome = self.task.wait_timeout(limit);
            let stands_still = ledger.called.load(Ordering::Relaxed) == ended;
            if outcome.is_some() || stands_still || Instant::now() >= until {
                return outcome;
            }
        }
    }

    /// Looks at its outcome and counts it.
    pub(super) fn finish(
        self,
        outcome: Result<Answer, TaskError>,
        ledger: &Ledger,
        tally: &mut Tally,
    ) {
        let class = Class::of(outcome.as_ref());
        tally.count(class);
        tally.refused += u64::from(class == Class::Rejected && self.plan.may_be_refused);
        if let Ok(Ok(reply)) = &outcome {
            tally.bytes += reply.payload.len() as u64;
        }
        let (number, plan, cancelled) = (self.number, self.plan, self.cancelled);
        let mut judged = plan.judge(number, outcome.as_ref(), cancelled);
        let told = self.told.class.load(Ordering::Relaxed);
        if told != class as u8 + 1 {
            judged = Err(format!("its callback was told something else: {told}"));
        }
        // Values of its own that are slow make a job late, and nothing else does.
        if let (Some(due), Some(at)) = (self.due, self.told.at.get())
            && at > &due
            && plan.is_prompt()
        {
            let late = *at - due;
            tally
                .late
                .push(format!("job {number} by {late:?}: {plan:?}, {cancelled:?}"));
        }
        match judged {
            Ok(runs) => ledger.expect(number, runs),
            Err(why) => {
                let outcome = match &outcome {
                    Ok(Ok(reply)) => format!("{} bytes", reply.payload.len()),
                    Ok(Err(message)) => message.clone(),
                    Err(error) => error.to_string(),
                };
                let line = format!("job {number}: {why}: {plan:?}, {cancelled:?}: {outcome}");
                tally.wrong.push(line);
                ledger.expect(number, Runs(0, u8::MAX));
            }
        }
    }
}
