//! [`Executors`]: one executor of each kind.

use crate::jobs::increment;
use executor_core::{Executor, ExecutorExt as _, Inline};
use pool_process::ProcessPool;
use pool_thread::ThreadPool;
use std::error::Error;
use std::fmt;

/// The three executors, by name, with the same number of workers.
pub struct Executors(Vec<(&'static str, Box<dyn Executor>)>);

impl Executors {
    /// Makes them, and has each start all its workers.
    ///
    /// # Errors
    /// Those of the pools, and of a worker that does not start.
    pub fn new(workers: usize) -> Result<Self, Box<dyn Error>> {
        let threads = ThreadPool::builder().max_workers(workers).build()?;
        let processes = ProcessPool::builder().max_workers(workers).build()?;
        let all = Self(vec![
            ("inline", Box::new(Inline::new())),
            ("thread", Box::new(threads)),
            ("process", Box::new(processes)),
        ]);
        for (_, executor) in all.iter() {
            let first: Vec<_> = (0..1000).map(|n| executor.submit(increment, n)).collect();
            first
                .into_iter()
                .try_for_each(|task| task.wait().map(drop))?;
        }
        Ok(all)
    }

    /// Name and executor, the cheapest first.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &dyn Executor)> {
        self.0.iter().map(|(name, executor)| (*name, &**executor))
    }
}

impl fmt::Debug for Executors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.iter().map(|(name, _)| name))
            .finish()
    }
}
