//! [`summing`]: samples of work whose results are numbers.

use super::Fault;
use super::measure::Sample;
use std::time::Instant;

/// A sample of the nanoseconds, divided by `scale`, for each of so many jobs.
///
/// `sum` is given a number of jobs and returns the sum of their results: those of
/// [`increment`](crate::jobs::increment) for the numbers below it. It first runs a
/// tenth of the jobs, which nobody measures: others have had the processor since
/// this subject was measured last.
pub(crate) fn summing(
    jobs: u64,
    scale: f64,
    mut sum: impl FnMut(u64) -> Result<u64, Fault> + 'static,
) -> Sample {
    Box::new(move || {
        let few = jobs.div_ceil(10);
        check(sum(few)?, few)?;
        let start = Instant::now();
        let sum = sum(jobs)?;
        let elapsed = start.elapsed();
        check(sum, jobs)?;
        Ok(elapsed.as_nanos() as f64 / scale / jobs as f64)
    })
}

/// Checks the sum of `increment` over the first so many numbers.
pub(crate) fn check(sum: u64, jobs: u64) -> Result<(), Fault> {
    let expected = jobs * (jobs + 1) / 2;
    if sum == expected {
        Ok(())
    } else {
        Err(format!("wrong results: their sum is {sum} in place of {expected}").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::increment;
    use std::cell::Cell;
    use std::rc::Rc;

    #[test]
    fn a_tenth_of_the_jobs_comes_first() {
        let asked = Rc::new(Cell::new(0));
        let seen = asked.clone();
        let mut sample = summing(25, 1.0, move |jobs| {
            seen.set(seen.get() * 1000 + jobs);
            Ok((0..jobs).map(increment).sum())
        });
        assert!(sample().unwrap() >= 0.0);
        assert_eq!(asked.get(), 3025);
    }

    #[test]
    fn a_wrong_sum_is_a_fault() {
        let fault = summing(10, 1.0, |_| Ok(1))().unwrap_err().to_string();
        assert_eq!(fault, "wrong results: their sum is 1 in place of 55");
        assert!(check(55, 10).is_ok());
    }
}
