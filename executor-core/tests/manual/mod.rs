//! An executor whose jobs run when the test says so.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use executor_core::{Executor, Job, Shutdown, ShutdownReport, Task};
use futures::Stream;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

/// Keeps what it is given. Jobs are known by their place: `0`, `1`, ….
#[derive(Default)]
pub(crate) struct Manual(Mutex<Vec<Option<Job>>>);

impl Executor for Manual {
    fn execute(&self, job: Job) {
        self.0.lock().unwrap().push(Some(job));
    }

    fn shutdown(&self, _how: Shutdown) -> Task<ShutdownReport> {
        Task::ready("shutdown", Ok(ShutdownReport::default()))
    }

    fn concurrency(&self) -> usize {
        2
    }
}

impl Manual {
    /// How many jobs it was ever given.
    pub(crate) fn submitted(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// How many of them wait to be run.
    pub(crate) fn queued(&self) -> usize {
        let jobs = self.0.lock().unwrap();
        jobs.iter().flatten().filter(|job| job.is_queued()).count()
    }

    pub(crate) fn run(&self, place: usize) {
        let job = self.0.lock().unwrap()[place].take();
        job.expect("it is run once").run();
    }

    /// Drops the job without running it, as a broken executor does.
    pub(crate) fn lose(&self, place: usize) {
        let job = self.0.lock().unwrap()[place].take();
        drop(job);
    }
}

/// One poll, by somebody who will come back by himself.
pub(crate) fn poll<S: Stream + Unpin>(stream: &mut S) -> Poll<Option<S::Item>> {
    Pin::new(stream).poll_next(&mut Context::from_waker(Waker::noop()))
}

/// The item that is there.
pub(crate) fn item<S: Stream + Unpin>(stream: &mut S) -> S::Item {
    match poll(stream) {
        Poll::Ready(Some(item)) => item,
        Poll::Ready(None) => panic!("the stream ended"),
        Poll::Pending => panic!("there is no item yet"),
    }
}
