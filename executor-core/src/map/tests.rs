//! What a job gives back is submitted anew, in its place.

use super::pace::PATIENCE;
use super::*;
use crate::ext::ExecutorExt as _;
use crate::inline::Inline;
use crate::job::Job;
use crate::shutdown::{Shutdown, ShutdownReport};
use crate::task::Task;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;

/// Runs jobs at once and counts them.
#[derive(Default)]
struct Counting(AtomicUsize);

impl Executor for Counting {
    fn execute(&self, job: Job) {
        self.0.fetch_add(1, Ordering::Relaxed);
        Inline::new().execute(job);
    }
    fn shutdown(&self, _: Shutdown) -> Task<ShutdownReport> {
        Task::ready("shutdown", Ok(ShutdownReport::default()))
    }
    fn concurrency(&self) -> usize {
        1
    }
}

/// Takes more than a job is to take, where it is asked to.
fn slow_at_three(n: u64) -> u64 {
    let start = Instant::now();
    while n == 3 && start.elapsed() <= PATIENCE {
        std::hint::spin_loop();
    }
    assert!(n != 5, "five");
    n
}

fn all<S: Stream + Unpin>(mut stream: S) -> Vec<S::Item> {
    let mut context = Context::from_waker(Waker::noop());
    let next = || match Pin::new(&mut stream).poll_next(&mut context) {
        Poll::Ready(item) => item,
        Poll::Pending => panic!("each job is run at once"),
    };
    std::iter::from_fn(next).collect()
}

#[test]
fn a_job_that_takes_long_gives_inputs_back_and_none_is_lost() {
    for unordered in [false, true] {
        let executor = Counting::default();
        let mut stream = executor.map(slow_at_three, 0..64).buffered(32);
        if unordered {
            stream = stream.unordered();
        }
        stream.pace = Pace::of(16);
        let results = all(stream);
        let good: Vec<_> = results.iter().flatten().copied().collect();
        let errors = results.iter().filter(|result| result.is_err()).count();
        let mut sorted = good.clone();
        sorted.sort_unstable();
        assert_eq!(errors, 1);
        assert_eq!(sorted, (0..64).filter(|n| *n != 5).collect::<Vec<_>>());
        if !unordered {
            assert_eq!(good, sorted);
            assert!(results[5].as_ref().unwrap_err().is_panicked());
        }
        // Four of 16, the first of which was divided.
        assert!(executor.0.load(Ordering::Relaxed) > 4);
    }
}

#[test]
fn chunks_leave_enough_jobs_to_go_round() {
    let executor = Counting::default();
    for buffered in [1, 2, 3, 4, 31, 32, 1000] {
        let mut stream = executor.map(|n: u64| n, 0..).buffered(buffered);
        stream.pace = Pace::of(512);
        let before = executor.0.load(Ordering::Relaxed);
        stream.fill();
        let submitted = executor.0.load(Ordering::Relaxed) - before;
        assert!(submitted >= buffered.min(2), "{submitted} for {buffered}");
        assert!(stream.ahead <= buffered, "{} of {buffered}", stream.ahead);
        assert!(stream.ahead + stream.ahead / 2 >= buffered);
    }
}
