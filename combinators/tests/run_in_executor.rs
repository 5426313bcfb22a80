//! run_in_executor: asyncio's `test_run_in_executor*` and the three-way form of
//! the seeds.

mod common;

use combinators::{gather, run_in_executor};
use common::{DEADLINE, ThreadPerJob, run};
use executor_core::{Executor, Inline, Shutdown};
use pool_thread::ThreadPool;

fn thread_and_square(n: u64) -> (String, u64) {
    let thread = std::thread::current();
    (thread.name().unwrap_or_default().to_owned(), n * n)
}

/// test_run_in_executor: on another thread, with the argument. Python's default
/// executor names its threads `asyncio_0`, ….
#[test]
fn none_is_a_thread_pool_made_when_it_is_needed() {
    let (thread, square) = run(run_in_executor(None, thread_and_square, 7)).unwrap();
    assert_eq!(square, 49);
    assert!(thread.starts_with("asyncio_"), "{thread}");
}

/// A panic costs one job, and the pool is the same one for all.
#[test]
fn the_default_pool_is_shared_and_outlives_a_panic() {
    let error = run(run_in_executor(None, |()| -> u8 { panic!("no luck") }, ())).unwrap_err();
    assert!(error.is_panicked());
    let calls = (0..200).map(|n| run_in_executor(None, thread_and_square, n));
    let mut threads: Vec<_> = run(gather(calls))
        .unwrap()
        .into_iter()
        .map(|(thread, _)| thread)
        .collect();
    threads.sort();
    threads.dedup();
    assert!(threads.iter().all(|thread| thread.starts_with("asyncio_")));
    assert!(threads.len() <= 32, "one pool of the default size");
}

/// Seed 004: the default, an own pool, any other executor; all through one call.
#[test]
fn some_is_any_executor() {
    let pool = ThreadPool::builder()
        .max_workers(1)
        .name("mine")
        .build()
        .unwrap();
    let (thread, square) = run(run_in_executor(Some(&pool), thread_and_square, 3)).unwrap();
    assert!(thread.starts_with("mine") && square == 9, "{thread}");

    let inline = Inline::new();
    let here = std::thread::current();
    let (thread, _) = run(run_in_executor(Some(&inline), thread_and_square, 3)).unwrap();
    assert_eq!(Some(&*thread), here.name());

    let boxed: Box<dyn Executor> = Box::new(ThreadPerJob::default());
    assert_eq!(
        run(run_in_executor(Some(&*boxed), thread_and_square, 4))
            .unwrap()
            .1,
        16
    );
    let dynamic: &dyn Executor = &boxed;
    assert_eq!(
        run(run_in_executor(Some(dynamic), thread_and_square, 5))
            .unwrap()
            .1,
        25
    );
}

#[test]
fn several_arguments_travel_as_a_tuple() {
    let add = |(a, b): (u32, u32)| a + b;
    assert_eq!(run(run_in_executor(None, add, (1, 2))).unwrap(), 3);
}

#[test]
fn an_executor_that_is_closed_fails_the_task() {
    let pool = ThreadPool::builder().max_workers(1).build().unwrap();
    pool.shutdown(Shutdown::drain())
        .wait_timeout(DEADLINE)
        .expect("nothing is running")
        .unwrap();
    let error = run(run_in_executor(Some(&pool), thread_and_square, 1)).unwrap_err();
    assert!(error.is_rejected());
}
