//! The process pool passes the conformance suite.

use executor_core::{Executor, conformance::Subject};
use pool_process::ProcessPool;

pool_process::test_worker!();

struct Processes;

impl Subject for Processes {
    fn start(&self, workers: usize) -> Box<dyn Executor> {
        init_test_worker();
        let pool = ProcessPool::builder().max_workers(workers).build();
        Box::new(pool.expect("it is built"))
    }
    fn stops_running_jobs(&self) -> bool {
        true
    }
}

executor_core::conformance_tests!(Processes);
