//! What the tests share: a deadline for every wait, an executor of a third
//! party, a way to see that something was dropped.

#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod children;
pub(crate) mod reports;

use executor_core::{
    CancelOutcome, Control, Executor, Job, Promise, Shutdown, ShutdownReport, Task, TaskError,
    TaskRef, promise, promise_with,
};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

/// How long anything is waited for before the test fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);

/// Drives `future` on this thread, polling it only when it was woken, so that a
/// lost wake-up shows; panics if none comes in time.
pub(crate) fn run<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread, AtomicBool);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.1.store(true, Ordering::SeqCst);
            self.0.unpark();
        }
    }
    let mut future = pin!(future);
    let unpark = Arc::new(Unpark(std::thread::current(), AtomicBool::new(false)));
    let waker = Waker::from(unpark.clone());
    let mut context = Context::from_waker(&waker);
    let end = Instant::now() + DEADLINE;
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        while !unpark.1.swap(false, Ordering::SeqCst) {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "not woken within {DEADLINE:?}");
            std::thread::park_timeout(left);
        }
    }
}

/// One poll, with a waker that counts.
pub(crate) fn poll_once<F: Future + Unpin>(future: &mut F, wakes: &Arc<Wakes>) -> Poll<F::Output> {
    let waker = Waker::from(wakes.clone());
    Pin::new(future).poll(&mut Context::from_waker(&waker))
}

/// A waker that counts.
#[derive(Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wakes {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Waits for a message; panics if none comes.
pub(crate) fn receive<T>(receiver: &Receiver<T>) -> T {
    receiver.recv_timeout(DEADLINE).expect("a message in time")
}

/// Tells when it is dropped.
pub(crate) struct Canary(Sender<()>);

impl Canary {
    pub(crate) fn new() -> (Self, Receiver<()>) {
        let (tell, told) = channel();
        (Self(tell), told)
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

/// An executor of a third party: each job has a thread of its own.
#[derive(Default)]
pub(crate) struct ThreadPerJob {
    closed: AtomicBool,
}

impl Executor for ThreadPerJob {
    fn execute(&self, job: Job) {
        if self.closed.load(Ordering::Acquire) {
            job.fail(TaskError::rejected("it has been shut down"));
        } else {
            std::thread::spawn(move || job.run());
        }
    }

    fn shutdown(&self, _how: Shutdown) -> Task<ShutdownReport> {
        self.closed.store(true, Ordering::Release);
        Task::ready("shutdown", Ok(ShutdownReport::default()))
    }

    fn concurrency(&self) -> usize {
        64
    }
}

/// An executor that is stuck.
pub(crate) struct Stuck;

impl Executor for Stuck {
    fn execute(&self, job: Job) {
        std::mem::forget(job);
    }
    fn shutdown(&self, _how: Shutdown) -> Task<ShutdownReport> {
        let (promise, task) = promise("stuck");
        std::mem::forget(promise);
        task
    }
    fn concurrency(&self) -> usize {
        1
    }
}

impl ThreadPerJob {
    /// Runs a closure that may capture.
    pub(crate) fn spawn<R: Send + 'static>(
        &self,
        job: impl FnOnce() -> R + Send + 'static,
    ) -> Task<R> {
        let (job, task) = Job::from_closure(job, executor_core::JobOptions::default());
        self.execute(job);
        task
    }
}

/// Promises and their tasks, named `0`, `1`, ….
pub(crate) fn promises<T: Send + 'static>(
    count: usize,
) -> (Vec<executor_core::Promise<T>>, Vec<Task<T>>) {
    (0..count).map(|n| promise(n.to_string())).unzip()
}

/// Resolves promises from so many threads at once, as soon as the barrier opens;
/// `outcome` is given a promise's place among all.
pub(crate) fn resolve_at_once<T: Send + 'static>(
    mut promises: Vec<executor_core::Promise<T>>,
    threads: usize,
    outcome: impl Fn(usize) -> Result<T, TaskError> + Copy + Send + 'static,
) -> (Arc<Barrier>, Vec<JoinHandle<()>>) {
    let each = promises.len() / threads;
    let start = Arc::new(Barrier::new(threads + 1));
    let resolve = |thread: usize| {
        let mine = promises.split_off(thread * each);
        let start = start.clone();
        std::thread::spawn(move || {
            start.wait();
            for (n, promise) in mine.into_iter().enumerate() {
                promise.resolve(outcome(thread * each + n));
            }
        })
    };
    let resolvers = (0..threads).rev().map(resolve).collect();
    (start, resolvers)
}

/// The names of tasks, in their order.
pub(crate) fn names<T: Send + 'static>(tasks: &[Task<T>]) -> Vec<&str> {
    tasks.iter().map(Task::name).collect()
}

/// An error of the user's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Broken(pub(crate) u32);

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "broken {}", self.0)
    }
}

impl std::error::Error for Broken {}

/// The other side of a task that the test resolves, and that notes when it is to be
/// cancelled.
pub(crate) struct Asked<T: Send + 'static = u8>(Arc<Side<T>>);

struct Side<T: Send + 'static> {
    asked: AtomicBool,
    /// It then is cancelled at once, like a job that is queued.
    obeys: AtomicBool,
    promise: Mutex<Option<Promise<T>>>,
}

impl<T: Send + 'static> Side<T> {
    fn resolve(&self, outcome: Result<T, TaskError>) {
        let promise = self.promise.lock().unwrap().take();
        promise.expect("resolved once").resolve(outcome);
    }
}

impl<T: Send + 'static> Control for Side<T> {
    fn cancel(&self, _ticket: u64) -> CancelOutcome {
        self.asked.store(true, Ordering::SeqCst);
        if self.obeys.load(Ordering::SeqCst) {
            self.resolve(Err(TaskError::cancelled("as it was asked to be")));
        }
        CancelOutcome::Requested
    }

    fn is_running(&self, _ticket: u64) -> bool {
        true
    }
}

pub(crate) fn asked<T: Send + 'static>(name: &str) -> (Asked<T>, Task<T>) {
    let side = Arc::new(Side {
        asked: AtomicBool::new(false),
        obeys: AtomicBool::new(false),
        promise: Mutex::new(None),
    });
    let (promise, task) = promise_with(name, side.clone(), 0);
    *side.promise.lock().unwrap() = Some(promise);
    (Asked(side), task)
}

impl<T: Send + 'static> Asked<T> {
    pub(crate) fn obeys(self) -> Self {
        self.0.obeys.store(true, Ordering::SeqCst);
        self
    }

    pub(crate) fn was_cancelled(&self) -> bool {
        self.0.asked.load(Ordering::SeqCst)
    }

    pub(crate) fn resolve(&self, outcome: Result<T, TaskError>) {
        self.0.resolve(outcome);
    }
}

impl<T: Send + 'static> Drop for Asked<T> {
    /// The task and its promise would keep each other.
    fn drop(&mut self) {
        drop(self.0.promise.lock().unwrap().take());
    }
}

/// Returns once something is so; panics if it does not come to pass.
pub(crate) fn until(is_so: impl Fn() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < end, "not so within {DEADLINE:?}");
        std::thread::yield_now();
    }
}

/// Whether a task ends, which it is given some time for.
pub(crate) fn is_over(task: &TaskRef) -> bool {
    until(|| task.is_done());
    true
}
