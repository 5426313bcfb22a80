//! [`Plan`]: one job, what it is asked to do, and which ends it may have.

use super::callbacks::Errand;
use super::deed::{Answer, Deed, Order, content, digest, is_content};
use super::values::{Pace, SlowToSend};
use super::{Class, Dice, Mischief, Rules, Runs};
use executor_core::{CancelOutcome, TaskError, WorkerExit};
use serde_bytes::ByteBuf;
use std::time::Duration;

/// One job in so many has a done callback that does an [`Errand`].
const ERRANDS: u64 = 100;
/// One argument, and one result, in so many is slow.
const SLOW_VALUES: u64 = 300;
/// One slow value in so many blocks.
const BLOCKED_VALUES: u64 = 4;

/// One job.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What it does.
    pub deed: Deed,
    /// The length of its payload, in bytes.
    pub length: usize,
    /// How long its function may run.
    pub timeout: Option<Duration>,
    /// How long it may wait.
    pub queue_timeout: Option<Duration>,
    /// How often it may be run again.
    pub retries: u32,
    /// When after its submission it is cancelled.
    pub cancel_after: Option<Duration>,
    /// How fast its argument is serialized.
    pub encode: Pace,
    /// How fast its result is deserialized.
    pub decode: Pace,
    /// What a done callback of it does.
    pub errand: Option<Errand>,
    /// Whether the pool may refuse it.
    pub may_be_refused: bool,
}

impl Plan {
    /// A job without limits.
    pub fn new(deed: Deed, length: usize) -> Self {
        Self {
            deed,
            length,
            timeout: None,
            queue_timeout: None,
            retries: 0,
            cancel_after: None,
            encode: Pace::Prompt,
            decode: Pace::Prompt,
            errand: None,
            may_be_refused: false,
        }
    }

    /// A job by chance: mostly short and small.
    pub fn roll(dice: &mut Dice, max_payload: u64, rules: &Rules) -> Self {
        let deed = match dice.below(1000) {
            0..600 => Deed::Echo,
            600..700 => Deed::Produce,
            700..800 => Deed::Consume,
            800..880 => Deed::Nap(dice.magnitude(20_000)),
            880..940 => Deed::Spin(dice.magnitude(5_000)),
            940..960 => Deed::Fail,
            960..980 => Deed::Panic,
            980..984 => Deed::Exit(dice.below(4) as i32),
            984..988 => Deed::Abort,
            988..992 => Deed::Fault,
            992..993 => Deed::Overflow,
            _ => Deed::Endless,
        };
        let moves = matches!(deed, Deed::Echo | Deed::Produce | Deed::Consume);
        let length = match dice.below(100) {
            0..2 if moves => dice.magnitude(max_payload),
            2..20 if moves => dice.magnitude(max_payload.min(64 << 10)),
            _ => dice.below(300),
        };
        let mut plan = Self::new(deed, length as usize);
        match dice.below(20) {
            0 => plan.timeout = Some(micros(dice, 50_000)),
            1 => plan.queue_timeout = Some(micros(dice, 50_000)),
            2 => plan.cancel_after = Some(micros(dice, 50_000)),
            3 | 4 => plan.retries = 1 + dice.below(3) as u32,
            _ => {}
        }
        if deed == Deed::Endless && plan.cancel_after.is_none() && plan.timeout.is_none() {
            match dice.one_in(2) {
                true => plan.timeout = Some(micros(dice, 50_000)),
                false => plan.cancel_after = Some(micros(dice, 50_000)),
            }
        }
        if rules.has(Mischief::Values) && dice.one_in(SLOW_VALUES) {
            plan.encode = roll_pace(dice);
        }
        if rules.has(Mischief::Values) && dice.one_in(SLOW_VALUES) {
            plan.decode = roll_pace(dice);
        }
        if rules.has(Mischief::Callbacks) && dice.one_in(ERRANDS) {
            plan.errand = Some(Errand::roll(dice));
        }
        plan
    }

    /// Whether no callback or value of its own takes its time.
    pub(super) fn is_prompt(&self) -> bool {
        let paces = [self.encode, self.decode];
        self.errand.is_none() && paces == [Pace::Prompt; 2]
    }

    /// The argument of the job with this number.
    pub fn order(&self, number: u64) -> Order {
        let payload = match self.deed {
            Deed::Echo | Deed::Consume => content(number, self.length),
            _ => Vec::new(),
        };
        Order {
            number,
            deed: self.deed,
            length: self.length,
            payload: ByteBuf::from(payload),
            encode: SlowToSend(self.encode),
            decode: self.decode,
        }
    }

    /// Whether this outcome is one that the job may have had, and how often its
    /// function may have begun.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn judge(
        &self,
        number: u64,
        outcome: Result<&Answer, &TaskError>,
        cancelled: Option<CancelOutcome>,
    ) -> Result<Runs, String> {
        let attempts = self.retries as u8 + 1;
        let class = Class::of(outcome);
        let right = match (outcome, class) {
            (Ok(Ok(reply)), _) => self.is_right(number, &reply.payload),
            (Ok(Err(message)), _) => {
                self.deed == Deed::Fail && *message == format!("job {number} fails")
            }
            (Err(_), Class::Cancelled) => cancelled.is_some_and(CancelOutcome::took_effect),
            (Err(error), Class::Panicked) => {
                let message = error.panic_report().map(|report| report.message());
                self.deed == Deed::Panic && message == Some(&format!("job {number} panics"))
            }
            (Err(_), Class::TimedOut) => self.timeout.is_some() || self.queue_timeout.is_some(),
            (Err(error), Class::Lost | Class::Quarantined) => self.may_be_lost(error),
            (Err(_), Class::Rejected) => self.may_be_refused,
            (Err(_), _) => false,
        };
        if !right {
            return Err("it cannot have ended like this".to_owned());
        }
        match (cancelled, class) {
            (Some(CancelOutcome::BeforeStart | CancelOutcome::Killed), Class::Cancelled) => {}
            (Some(CancelOutcome::BeforeStart | CancelOutcome::Killed), _) => {
                return Err("it was said to be cancelled".to_owned());
            }
            _ => {}
        }
        Ok(match class {
            Class::Done | Class::Failed | Class::Panicked => Runs(1, attempts),
            Class::Cancelled if cancelled == Some(CancelOutcome::BeforeStart) => {
                Runs(0, attempts - 1)
            }
            Class::Rejected => Runs(0, 0),
            Class::TimedOut if self.timeout.is_none() => Runs(0, attempts - 1),
            Class::Quarantined if !has_started(outcome) => Runs(0, attempts - 1),
            _ => Runs(0, attempts),
        })
    }

    fn is_right(&self, number: u64, bytes: &[u8]) -> bool {
        match self.deed {
            Deed::Echo | Deed::Produce | Deed::Nap(_) | Deed::Spin(_) | Deed::Held(_) => {
                is_content(bytes, number, self.length)
            }
            Deed::Consume => bytes == digest(&content(number, self.length)),
            _ => false,
        }
    }

    /// Whether the report on the dead worker fits: what the job does to it, or
    /// SIGKILL from elsewhere.
    fn may_be_lost(&self, error: &TaskError) -> bool {
        let Some(lost) = error.lost_worker() else {
            return false;
        };
        let fits = match (self.deed, lost.exit()) {
            (_, WorkerExit::Signal(9)) => true,
            (Deed::Exit(code), exit) => exit == WorkerExit::Code(code),
            (Deed::Abort | Deed::Overflow, exit) => exit == WorkerExit::Signal(6),
            (Deed::Fault, exit) => exit == WorkerExit::Signal(11),
            _ => false,
        };
        if !lost.had_started() {
            // So often that the pool suspects the job.
            return fits && lost.is_quarantined() && lost.attempt() > 1;
        }
        // It is quarantined exactly if it was declared to be run again.
        let attempts = self.retries + 1;
        fits && lost.is_quarantined() == (self.retries > 0) && lost.attempt() == attempts
    }
}

/// Whether the job had begun when its worker was lost.
fn has_started(outcome: Result<&Answer, &TaskError>) -> bool {
    let lost = outcome.err().and_then(TaskError::lost_worker);
    lost.is_some_and(|lost| lost.had_started())
}

fn micros(dice: &mut Dice, most: u64) -> Duration {
    Duration::from_micros(1 + dice.magnitude(most))
}

fn roll_pace(dice: &mut Dice) -> Pace {
    match dice.one_in(BLOCKED_VALUES) {
        true => Pace::Blocked,
        false => Pace::Slow(dice.magnitude(100_000)),
    }
}
