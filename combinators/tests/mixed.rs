//! Tasks of several executors and coroutines together: seed 002.

mod common;

use combinators::{
    ReturnWhen, as_completed, create_task, ensure_future, gather, gather_settled, run_in_executor,
    wait,
};
use common::{ThreadPerJob, receive, run};
use executor_core::{ExecutorExt as _, Inline, Task, TaskError, promise};
use futures::StreamExt as _;
use pool_thread::ThreadPool;
use std::sync::mpsc;

fn name(name: String) -> String {
    name
}

/// One of each, in this order: `0`, `1`, ….
fn one_of_each(pool: &ThreadPool) -> Vec<Task<String>> {
    let coroutine_awaits = pool.submit(name, "5".into());
    let parsed = pool.spawn(|| "8".parse::<u64>()).flatten();
    let (promise, promised) = promise("6");
    promise.resolve(Ok("6".into()));
    vec![
        pool.submit(name, "0".into()),
        create_task(async { "1".to_owned() }),
        ThreadPerJob::default().submit(name, "2".into()),
        run_in_executor(None, name, "3".into()),
        Inline::new().submit(name, "4".into()),
        ensure_future(async move { Ok::<_, TaskError>(coroutine_awaits.await? + "") }),
        promised,
        pool.spawn(|| "7".to_owned()),
        ensure_future(async move { Ok::<_, TaskError>(parsed.await?.to_string()) }),
    ]
}

fn pool() -> ThreadPool {
    ThreadPool::builder().max_workers(2).build().unwrap()
}

/// G8: the results in argument order, whoever computed them.
#[test]
fn gather_mixes() {
    let pool = pool();
    let values = run(gather(one_of_each(&pool))).unwrap();
    assert_eq!(values.concat(), "012345678");
    let outcomes = run(gather_settled(one_of_each(&pool)));
    assert!(outcomes.iter().all(Result::is_ok));
}

#[test]
fn wait_mixes() {
    let pool = pool();
    let waited = run(wait(one_of_each(&pool), ReturnWhen::FirstException));
    assert_eq!((waited.done.len(), waited.pending.len()), (9, 0));
    let mut left = one_of_each(&pool);
    let mut rounds = 0;
    while !left.is_empty() {
        let waited = run(wait(left, ReturnWhen::FirstCompleted));
        assert!(!waited.done.is_empty());
        left = waited.pending;
        rounds += 1;
    }
    assert!((1..=9).contains(&rounds));
}

#[test]
fn as_completed_mixes() {
    let pool = pool();
    let completed = as_completed(one_of_each(&pool)).then(|task| task);
    let mut values: Vec<_> = run(completed.map(Result::unwrap).collect());
    values.sort();
    assert_eq!(values.concat(), "012345678");
}

/// G9: the callbacks of all tasks are called, of jobs and coroutines alike, while
/// a gather waits for them.
#[test]
fn done_callbacks_are_called_beside_a_gather() {
    let pool = pool();
    let (tell, told) = mpsc::channel();
    let tasks = one_of_each(&pool);
    for task in &tasks {
        let tell = tell.clone();
        task.add_done_callback(move |outcome| tell.send(outcome.unwrap().clone()).unwrap());
    }
    run(gather(tasks)).unwrap();
    let mut seen: Vec<String> = (0..9).map(|_| receive(&told)).collect();
    seen.sort();
    assert_eq!(seen.concat(), "012345678");
}

/// The functions' own errors end a gather, from wherever they come.
#[test]
fn a_flattened_job_fails_a_gather() {
    let pool = pool();
    let tasks = ["1", "x", "3"].map(|text| pool.spawn(|| text.parse::<u64>()).flatten());
    let error = run(gather(tasks)).unwrap_err();
    assert!(error.downcast::<std::num::ParseIntError>().is_ok());
}

/// Combinators nest: each is a coroutine's business like any other.
#[test]
fn combinators_nest() {
    let pool = pool();
    let rows = (0..10_u64).map(|row| {
        let cells: Vec<_> = (0..10_u64)
            .map(|column| pool.submit(|(a, b): (u64, u64)| a * b, (row, column)))
            .collect();
        async move { gather(cells).await.map(|cells| cells.iter().sum::<u64>()) }
    });
    let sums = run(gather(rows)).unwrap();
    assert!(sums.into_iter().eq((0..10).map(|row| row * 45)));
}
