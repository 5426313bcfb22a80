//! What holds of workers that are heard through shared memory holds of those that
//! are sent messages.
//!
//! The whole of this crate's tests can be run that way: with
//! `POOL_PROCESS_TRANSPORT=messages` in the environment.

mod common;

use common::finish;
use executor_core::{Bytes, Executor, ExecutorExt as _, conformance::Subject};
use pool_process::{ProcessPool, Transport};

pool_process::test_worker!();

struct Messages;

fn pool(workers: usize) -> ProcessPool {
    init_test_worker();
    let builder = ProcessPool::builder().transport(Transport::Messages);
    builder.max_workers(workers).build().expect("it is built")
}

impl Subject for Messages {
    fn start(&self, workers: usize) -> Box<dyn Executor> {
        Box::new(pool(workers))
    }
    fn stops_running_jobs(&self) -> bool {
        true
    }
}

executor_core::conformance_tests!(Messages);

#[test]
fn payloads_of_any_size_are_echoed() {
    let pool = pool(2);
    for len in [0, 1, 87, 88, 89, 1000, 100_000, 200_000, 3 << 20] {
        let bytes: Bytes = (0..len).map(|n: u32| n as u8).collect();
        let echoed = pool.submit(|bytes: Bytes| bytes, bytes.clone());
        assert!(finish(echoed).unwrap() == bytes, "{len}");
    }
}
