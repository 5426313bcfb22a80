//! Chains of tasks that end one another, longer than any stack has frames for.

use executor_core::{Job, JobOptions, TaskError, promise};
use std::sync::{Arc, Mutex};

const LONG: usize = 100_000;

/// The callback of each resolves the next.
#[test]
fn a_chain_of_done_callbacks_has_no_end() {
    let (first, task) = promise::<usize>("link");
    let mut last = task;
    for _ in 1..LONG {
        let (next, task) = promise::<usize>("link");
        let pass_on = move |outcome: Result<&usize, &TaskError>| {
            next.resolve(outcome.map(|n| n + 1).map_err(Clone::clone));
        };
        last.add_done_callback(pass_on);
        last = task;
    }
    first.resolve(Ok(1));
    assert_eq!(last.wait().unwrap(), LONG);
}

/// An executor that leaves all jobs in their queue.
#[derive(Debug, Default)]
struct Lazy(Mutex<Vec<Job>>);

/// Each job holds the task of the one before, which is cancelled when that is dropped.
#[test]
fn a_chain_of_jobs_that_cancel_one_another_has_no_end() {
    let queue = Arc::new(Lazy::default());
    let spawn = |work: Box<dyn FnOnce() + Send>| {
        let (job, task) = Job::from_closure(work, JobOptions::default());
        queue.0.lock().unwrap().push(job);
        task
    };
    let mut last = spawn(Box::new(|| ()));
    for _ in 1..LONG {
        let before = last.cancel_on_drop();
        last = spawn(Box::new(move || drop(before)));
    }
    assert!(last.cancel().took_effect());
    let jobs = std::mem::take(&mut *queue.0.lock().unwrap());
    assert!(jobs.iter().all(|job| !job.is_queued()));
}

/// Callbacks of tasks that are done are called at once.
#[test]
fn a_chain_of_callbacks_of_tasks_that_are_done_has_no_end() {
    fn link(n: usize, tell: std::sync::mpsc::Sender<usize>) {
        let (promise, task) = promise::<usize>("link");
        promise.resolve(Ok(n));
        task.add_done_callback(move |_| match n < LONG {
            true => link(n + 1, tell),
            false => tell.send(n).unwrap(),
        });
    }
    let (tell, told) = std::sync::mpsc::channel();
    link(0, tell);
    assert_eq!(told.try_recv(), Ok(LONG));
}
