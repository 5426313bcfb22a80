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

use std::time::Duration;

/// What the function of one job is to take.
const AIM: Duration = Duration::from_micros(500);
/// What it may take before it gives the rest back.
pub(super) const PATIENCE: Duration = Duration::from_millis(2);
/// By how much a chunk grows at once.
const GROWTH: usize = 4;
/// More inputs than this save nothing, and all have to be kept.
const MOST: usize = 512;

#[derive(Debug)]
pub(super) struct Pace {
    chunk: usize,
}

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
}
