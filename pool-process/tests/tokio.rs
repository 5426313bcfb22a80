//! The pool knows no runtime: here its tasks are awaited under tokio, with its
//! workers in processes of their own.

mod common;

use common::{LONG, pool};
use executor_core::{Executor as _, ExecutorExt as _, Shutdown, TaskError};
use std::time::Duration;

pool_process::test_worker!();

async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(LONG, future).await.expect("in time")
}

#[tokio::test]
async fn results_errors_and_deaths_are_awaited() {
    init_test_worker();
    let pool = pool(2);
    let square = |n: u64| n * n;
    let jobs: Vec<_> = (0..200).map(|n| pool.submit(square, n)).collect();
    for (n, job) in (0..).zip(jobs) {
        assert_eq!(in_time(job).await.unwrap(), n * n);
    }
    let fails = |text: String| text.parse::<u8>().map_err(|error| error.to_string());
    let failed = in_time(pool.submit(fails, "x".to_owned()).flatten()).await;
    assert!(failed.unwrap_err().is_failed());
    let dies = |_: ()| -> u8 { std::process::abort() };
    assert!(
        in_time(pool.submit(dies, ()))
            .await
            .unwrap_err()
            .is_worker_lost()
    );
    assert_eq!(in_time(pool.submit(square, 9)).await.unwrap(), 81);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_kills_and_a_shutdown_ends() {
    init_test_worker();
    let pool = pool(1);
    let endless = |_: ()| loop {
        std::thread::park();
    };
    let limited = pool
        .task(endless, ())
        .timeout(Duration::from_millis(50))
        .submit();
    let error: TaskError = in_time::<executor_core::Task<()>>(limited)
        .await
        .unwrap_err();
    assert!(error.is_timed_out(), "{error}");
    let report = in_time(pool.shutdown(Shutdown::drain())).await.unwrap();
    assert!(report.abandoned.is_empty());
}
