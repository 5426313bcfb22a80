//! [`Pace`]: how many inputs go into one job, where nobody has said so.
//!
//! One at first. Each job tells how long it took to run what it had; from that
//! follows how many inputs would have taken about [`AIM`]. The chunk grows towards
//! that number by no more than a factor, and only on the word of a job of the
//! present size, since eight results of single inputs are no reason to trust the
//! next thousand. It shrinks at once. So inputs that take long go one by one, as if
//! there were no chunks; and for short ones the cost of a job is shared by many.
//!
//! Inputs may become slower without notice. So a job that has run for [`PATIENCE`]
//! stops after the input at hand and gives the rest back; that is submitted anew,
//! in chunks of the size that is then right, and in its place.

use crate::panic::{PanicReport, catch};
use std::time::Duration;

/// What the function of one job is to take.
const AIM: Duration = Duration::from_micros(500);
/// What it may take before it gives the rest back.
pub(super) const PATIENCE: Duration = Duration::from_millis(2);
/// By how much a chunk grows at once.
const GROWTH: usize = 4;
/// More inputs than this save nothing, and all have to be kept.
const MOST: usize = 512;
/// Asking for the time costs as much as a short function does.
const BETWEEN_LOOKS: usize = 8;

#[derive(Debug)]
pub(super) struct Pace {
    chunk: usize,
}

/// What a job of several inputs gives: the results of the first ones, the others
/// as they were, and how long it took, in nanoseconds.
pub(super) type Part<A, R> = (Vec<Result<R, PanicReport>>, Vec<A>, u64);

impl Pace {
    pub(super) fn new() -> Self {
        Self { chunk: 1 }
    }

    #[cfg(test)]
    pub(super) fn of(chunk: usize) -> Self {
        Self { chunk }
    }

    /// How many inputs go into the next job.
    pub(super) fn chunk(&self) -> usize {
        self.chunk
    }

    /// A job has run so many inputs in so many nanoseconds, or has failed as a whole.
    pub(super) fn learn(&mut self, inputs: usize, nanos: Option<u64>) {
        match nanos {
            Some(nanos) => self.note(inputs, nanos),
            // Rather one by one, lest the next failure hit others as well.
            None => self.chunk = 1,
        }
    }

    fn note(&mut self, inputs: usize, nanos: u64) {
        if inputs == 0 {
            return;
        }
        let each = (u128::from(nanos) / inputs as u128).max(1);
        let fits = (AIM.as_nanos() / each).clamp(1, MOST as u128) as usize;
        if fits < self.chunk {
            self.chunk = fits;
        } else if 2 * inputs >= self.chunk {
            self.chunk = fits.min(GROWTH * self.chunk);
        }
    }
}

/// Calls `function` for each input, until `elapsed` exceeds the patience.
pub(super) fn run_part<A, R>(
    inputs: Vec<A>,
    function: impl Fn(A) -> R,
    mut elapsed: impl FnMut() -> Duration,
) -> Part<A, R> {
    let mut results = Vec::with_capacity(inputs.len());
    let mut inputs = inputs.into_iter();
    let mut took = Duration::ZERO;
    while inputs.len() > 0 && took < PATIENCE {
        for input in inputs.by_ref().take(BETWEEN_LOOKS) {
            results.push(catch(|| function(input)));
        }
        took = elapsed();
    }
    (results, inputs.collect(), in_nanos(took))
}

pub(super) fn in_nanos(took: Duration) -> u64 {
    u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thousand nanoseconds, by their old name.
    const MICRO: u64 = 1000;

    /// The sizes of successive jobs, if each input takes so many nanoseconds.
    fn sizes(pace: &mut Pace, nanos: impl Fn(usize) -> u64, jobs: usize) -> Vec<usize> {
        let next = |job| {
            let inputs = pace.chunk();
            pace.note(inputs, nanos(job) * inputs as u64);
            inputs
        };
        (0..jobs).map(next).collect()
    }

    #[test]
    fn chunks_of_short_inputs_grow_to_the_aim() {
        let sizes = sizes(&mut Pace::new(), |_| 5 * MICRO, 6);
        assert_eq!(sizes, [1, 4, 16, 64, 100, 100], "half a millisecond");
    }

    #[test]
    fn there_is_a_largest_chunk() {
        for nanos in [0, 1, 10] {
            assert_eq!(*sizes(&mut Pace::new(), |_| nanos, 8).last().unwrap(), MOST);
        }
    }

    #[test]
    fn long_inputs_go_one_by_one() {
        for nanos in [AIM.as_nanos() as u64, 10_000 * MICRO, u64::MAX] {
            assert_eq!(sizes(&mut Pace::new(), |_| nanos, 3), [1, 1, 1]);
        }
    }

    #[test]
    fn slower_inputs_shrink_it_at_once_and_faster_ones_step_by_step() {
        let nanos = |job| if job == 4 { 300 * MICRO } else { MICRO };
        let sizes = sizes(&mut Pace::new(), nanos, 9);
        assert_eq!(sizes, [1, 4, 16, 64, 256, 1, 4, 16, 64]);
    }

    #[test]
    fn many_short_jobs_of_an_earlier_size_do_not_make_it_grow() {
        let mut pace = Pace::new();
        (0..100).for_each(|_| pace.note(1, 10));
        assert_eq!(pace.chunk(), 4, "one was the size, and half of two");
    }

    #[test]
    fn a_failure_starts_it_over() {
        let mut pace = Pace::new();
        sizes(&mut pace, |_| 10, 5);
        pace.learn(5, None);
        assert_eq!(pace.chunk(), 1);
        pace.note(0, 7);
        assert_eq!(pace.chunk(), 1, "no input, no news");
    }

    /// A clock that is so much further at each look.
    fn clock(step: Duration) -> impl FnMut() -> Duration {
        let mut now = Duration::ZERO;
        move || {
            now += step;
            now
        }
    }

    #[test]
    fn a_short_part_runs_to_its_end() {
        let (results, rest, nanos) = run_part((0..20).collect(), |n| n * n, clock(AIM / 4));
        let results: Vec<u32> = results.into_iter().map(Result::unwrap).collect();
        assert_eq!(results, (0..20).map(|n| n * n).collect::<Vec<_>>());
        assert_eq!((rest, nanos), (vec![], 375 * MICRO));
    }

    #[test]
    fn a_long_one_gives_the_rest_back() {
        let (results, rest, nanos) = run_part((0..20).collect(), |n| n, clock(PATIENCE / 2));
        assert_eq!((results.len(), nanos), (16, in_nanos(PATIENCE)));
        assert_eq!(rest, [16, 17, 18, 19]);
    }

    #[test]
    fn a_panic_costs_the_others_nothing() {
        let odd = |n: u32| assert!(n % 2 == 1, "even");
        let (results, rest, _) = run_part((0..9).collect(), odd, clock(AIM));
        let failed: Vec<_> = results.iter().map(Result::is_err).collect();
        assert_eq!(failed, (0..9).map(|n| n % 2 == 0).collect::<Vec<_>>());
        assert!(rest.is_empty());
    }
}
