//! How the inputs of a chunk are run, wherever that is.

use super::pace::{PATIENCE, in_nanos};
use crate::partial::pulse;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// Asking for the time costs as much as a short function does.
const BETWEEN_LOOKS: usize = 8;

/// What is said about a chunk when it is submitted.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    /// After so many nanoseconds no further input is begun, and the rest given back.
    patience: Option<u64>,
    limited: bool,
    /// Running an input twice does no harm.
    pub(super) again: bool,
}

impl Plan {
    /// A chunk of its own size: it gives inputs back when it takes long.
    pub(super) fn of_pace(again: bool) -> Self {
        let patience = Some(in_nanos(PATIENCE));
        Self {
            patience,
            limited: false,
            again,
        }
    }

    /// A chunk of a size that was asked for: it runs to its end.
    pub(super) fn whole(again: bool) -> Self {
        Self {
            patience: None,
            limited: false,
            again,
        }
    }

    /// Each input may take so long. Says how long the whole job may: should it exceed
    /// that, the input that it is at has exceeded its limit, since before that no
    /// other was begun after the patience had ended.
    pub(super) fn limited(mut self, limit: Duration) -> (Self, Duration) {
        let own = self.patience.map(Duration::from_nanos);
        let patience = own.unwrap_or_else(|| PATIENCE.max(limit / 8));
        (self.patience, self.limited) = (Some(in_nanos(patience)), true);
        (self, limit.saturating_add(patience))
    }

    /// The job has a limit for the sake of one of its inputs.
    pub(super) fn is_limited(&self) -> bool {
        self.limited
    }

    /// It may give inputs back without having failed.
    pub(super) fn gives_back(&self) -> bool {
        self.patience.is_some()
    }
}

/// Does `one` with each input, as far as the plan says. Gives the time that it took, in
/// nanoseconds.
pub(super) fn run<A>(next: impl FnMut() -> Option<A>, one: impl FnMut(A), plan: Plan) -> u64 {
    let start = Instant::now();
    in_nanos(run_by(next, one, plan, || start.elapsed()))
}

/// As [`run`], by another clock.
fn run_by<A>(
    mut next: impl FnMut() -> Option<A>,
    mut one: impl FnMut(A),
    plan: Plan,
    mut elapsed: impl FnMut() -> Duration,
) -> Duration {
    let Some(patience) = plan.patience.map(Duration::from_nanos) else {
        while let Some(input) = next() {
            one(input);
        }
        return elapsed();
    };
    loop {
        let beat = pulse::beat();
        for _ in 0..BETWEEN_LOOKS {
            let Some(input) = next() else {
                return elapsed();
            };
            one(input);
            // It is some time since the last look.
            if plan.limited || pulse::beat() != beat {
                break;
            }
        }
        let took = elapsed();
        if took >= patience {
            return took;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_micros(125);

    /// A clock that is so much further at each look.
    fn clock(step: Duration) -> impl FnMut() -> Duration {
        let mut now = Duration::ZERO;
        move || {
            now += step;
            now
        }
    }

    /// How many of twenty are run, and the time that is said.
    fn ran(plan: Plan, step: Duration) -> (usize, Duration) {
        let (mut inputs, mut ran) = (0..20, Vec::new());
        let took = run_by(|| inputs.next(), |n| ran.push(n), plan, clock(step));
        assert!(ran.iter().copied().eq(0..ran.len()));
        (ran.len(), took)
    }

    #[test]
    fn a_short_part_runs_to_its_end() {
        assert_eq!(ran(Plan::of_pace(false), Duration::ZERO).0, 20);
        assert_eq!(ran(Plan::whole(false), PATIENCE * 9), (20, PATIENCE * 9));
    }

    #[test]
    fn a_long_one_gives_the_rest_back() {
        let (ran, took) = ran(Plan::of_pace(false), PATIENCE / 2);
        assert_eq!(took, PATIENCE);
        assert!((2..=2 * BETWEEN_LOOKS).contains(&ran), "{ran}");
    }

    #[test]
    fn with_a_limit_it_looks_after_each_input() {
        let (plan, whole) = Plan::of_pace(false).limited(STEP * 100);
        assert_eq!(whole, STEP * 100 + PATIENCE);
        assert_eq!(ran(plan, PATIENCE / 4), (4, PATIENCE));
        let (plan, whole) = Plan::whole(false).limited(PATIENCE * 16);
        assert_eq!(whole, PATIENCE * 18);
        assert_eq!(ran(plan, PATIENCE), (2, PATIENCE * 2));
        assert_eq!(Plan::whole(true).limited(Duration::MAX).1, Duration::MAX);
    }
}
