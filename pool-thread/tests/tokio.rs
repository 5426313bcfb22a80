//! The pool knows no runtime: here its tasks are awaited under tokio.

mod common;

use common::{Gate, LONG, pool};
use executor_core::{CancelOutcome, Executor as _, ExecutorExt as _, Shutdown};
use futures::{StreamExt as _, TryStreamExt as _};
use std::time::Duration;

#[tokio::test]
async fn many_jobs_are_awaited_at_once() {
    let pool = pool(3);
    let jobs = (0..500_u64).map(|n| pool.submit(|n: u64| n * n, n));
    let results = futures::future::try_join_all(jobs.collect::<Vec<_>>());
    let results = tokio::time::timeout(LONG, results).await.expect("in time");
    assert_eq!(
        results.unwrap(),
        (0..500).map(|n| n * n).collect::<Vec<_>>()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_cancellation_and_shutdown_need_no_other_runtime() {
    let pool = pool(1);
    let gate = Gate::new();
    let ticket = gate.ticket();
    let blocked = pool.spawn(move || ticket.pass(1));
    gate.arrival();
    let queued = pool.submit(|n: u64| n, 1);
    assert_eq!(queued.cancel(), CancelOutcome::BeforeStart);
    assert!(queued.await.unwrap_err().is_cancelled());
    let late = pool
        .task(|n: u64| n, 1)
        .queue_timeout(Duration::from_millis(1))
        .submit();
    let late = tokio::time::timeout(LONG, late).await.expect("in time");
    assert!(late.unwrap_err().is_timed_out());
    gate.open();
    assert_eq!(blocked.await.unwrap(), 1);
    let report = tokio::time::timeout(LONG, pool.shutdown(Shutdown::drain()));
    assert!(report.await.expect("in time").unwrap().abandoned.is_empty());
}

#[tokio::test]
async fn a_map_streams_its_results() {
    let pool = pool(2);
    let results = pool.map(|n: u64| n + 1, 0..).buffered(10).take(1000);
    let results = tokio::time::timeout(LONG, results.try_collect::<Vec<_>>());
    let results = results.await.expect("in time").unwrap();
    assert_eq!(results, (1..=1000).collect::<Vec<_>>());
}
