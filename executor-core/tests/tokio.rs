//! Tasks and streams are plain futures: here they run under tokio.

#![cfg(not(loom))]

use executor_core::{ExecutorExt as _, Inline, TaskError, promise};
use futures::StreamExt as _;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(120);

#[tokio::test]
async fn a_task_wakes_the_runtime_that_awaits_it() {
    let (promise, task) = promise("answer");
    let waiting = tokio::spawn(task);
    tokio::task::yield_now().await;
    let resolver = std::thread::spawn(move || promise.resolve(Ok(42)));
    let joined = tokio::time::timeout(LONG, waiting).await.expect("in time");
    assert_eq!(joined.unwrap().unwrap(), 42);
    resolver.join().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_map_is_a_stream_like_any_other() {
    let pool = Inline::new();
    let squares = pool.map(|n: u64| n * n, 0..100).buffered(7).chunks(3);
    let squares: Vec<Result<u64, TaskError>> = squares.collect().await;
    let squares: Result<Vec<_>, _> = squares.into_iter().collect();
    assert_eq!(
        squares.unwrap(),
        (0..100).map(|n| n * n).collect::<Vec<u64>>()
    );
}
