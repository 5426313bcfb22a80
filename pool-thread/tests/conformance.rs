//! The thread pool passes the conformance suite.

use executor_core::{Executor, conformance::Subject};
use pool_thread::ThreadPool;

struct Threads;

impl Subject for Threads {
    fn start(&self, workers: usize) -> Box<dyn Executor> {
        let pool = ThreadPool::builder().max_workers(workers).build();
        Box::new(pool.expect("at least one worker"))
    }
    fn start_bounded(&self, workers: usize, queued: usize) -> Option<Box<dyn Executor>> {
        let builder = ThreadPool::builder().max_workers(workers);
        let pool = builder.max_queued(queued).build();
        Some(Box::new(pool.expect("at least one worker")))
    }
}

executor_core::conformance_tests!(Threads);
