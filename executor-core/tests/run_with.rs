//! What `Job::run_with` and `Job::cancellations` tell an executor.

use executor_core::queue::{JobQueue, Ledger};
use executor_core::{CancelOutcome, Job, JobOptions};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(120);

#[test]
fn returned_comes_after_the_function_and_before_the_outcome() {
    let ended = Arc::new(AtomicBool::new(false));
    let end = ended.clone();
    let closure = move || end.store(true, Ordering::SeqCst);
    let (job, task) = Job::from_closure(closure, JobOptions::default());
    let calls = AtomicUsize::new(0);
    let returned = || {
        assert!(ended.load(Ordering::SeqCst), "the function still runs");
        assert!(!task.is_done(), "the task counts as done");
        calls.fetch_add(1, Ordering::SeqCst);
    };
    job.run_with(returned, || panic!("there is no limit"));
    assert_eq!(calls.into_inner(), 1);
    task.wait().unwrap();
}

#[test]
fn returned_is_called_for_a_panic_and_not_for_a_cancelled_job() {
    let mut calls = 0;
    let (job, task) = Job::from_closure(|| panic!("on purpose"), JobOptions::default());
    job.run_with(|| calls += 1, || ());
    let outcome: Result<(), _> = task.wait();
    assert!(outcome.unwrap_err().is_panicked());
    assert_eq!(calls, 1);
    let (job, task) = Job::from_closure(|| (), JobOptions::default());
    assert_eq!(task.cancel(), CancelOutcome::BeforeStart);
    job.run_with(|| calls += 1, || ());
    assert_eq!(calls, 1);
}

#[test]
fn a_panic_of_returned_does_not_keep_the_task_from_resolving() {
    let (job, task) = Job::from_closure(|| 7, JobOptions::default());
    job.run_with(|| panic!("on purpose"), || ());
    assert_eq!(task.wait().unwrap(), 7);
}

#[test]
fn expired_is_called_if_the_limit_comes_first() {
    let (open, opened) = channel::<()>();
    let (tell, told) = channel();
    let mut options = JobOptions::default();
    options.timeout = Some(Duration::from_millis(1));
    let closure = move || opened.recv_timeout(LONG).is_err();
    let (job, mut task) = Job::from_closure(closure, options);
    let thread = std::thread::spawn(move || {
        let mut returned = false;
        job.run_with(|| returned = true, move || tell.send(()).unwrap());
        returned
    });
    told.recv_timeout(LONG).expect("the limit passes");
    let outcome = task.wait_timeout(LONG).expect("it is done");
    assert!(outcome.unwrap_err().is_timed_out());
    drop(open);
    assert!(thread.join().unwrap(), "it returned later");
}

#[test]
fn a_cancellation_is_counted_before_cancel_returns() {
    let mut queue = JobQueue::new(Ledger::new());
    let (job, task) = Job::from_closure(|| (), JobOptions::default());
    queue.push_back(job);
    assert_eq!(task.cancel(), CancelOutcome::BeforeStart);
    assert_eq!((queue.waiting(), queue.ledger().withdrawn()), (0, 1));
}

#[test]
fn a_job_that_has_begun_cannot_be_cancelled_and_one_cancelled_cannot_begin() {
    let (job, task) = Job::from_closure(|| 7, JobOptions::default());
    let held = job.begin().expect("it is queued");
    assert_eq!(task.cancel(), CancelOutcome::TooLate);
    assert!(task.is_running());
    held.run_with(|| (), || ());
    assert_eq!(task.wait().unwrap(), 7);

    let (job, task) = Job::from_closure(|| 7, JobOptions::default());
    assert_eq!(task.cancel(), CancelOutcome::BeforeStart);
    assert!(job.begin().is_none());
    assert!(task.wait().unwrap_err().is_cancelled());

    let (job, task) = Job::from_closure(|| 7, JobOptions::default());
    drop(job.begin());
    assert!(task.wait().unwrap_err().is_pool_broken());
}

#[test]
fn a_job_that_waited_too_long_is_counted_before_its_task_is_done() {
    let mut queue = JobQueue::new(Ledger::new());
    let mut options = JobOptions::default();
    options.queue_timeout = Some(Duration::from_millis(1));
    let (job, mut task) = Job::from_closure(|| (), options);
    queue.push_back(job);
    let outcome = task.wait_timeout(LONG).expect("the limit passes");
    assert!(outcome.unwrap_err().is_timed_out());
    assert_eq!((queue.waiting(), queue.ledger().withdrawn()), (0, 1));
}
