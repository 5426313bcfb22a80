//! What a pool was built with.

use crate::snapshot::Snapshot;
use std::time::Duration;

#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) max_workers: usize,
    /// How many jobs may wait; `None` is no bound.
    pub(crate) max_queued: Option<usize>,
    pub(crate) name: String,
    pub(crate) boot_deadline: Duration,
    pub(crate) snapshot: Snapshot,
    /// How many pools this process is inside of.
    pub(crate) depth: u32,
    /// The test that serves as the worker's `main`, under libtest.
    pub(crate) libtest: Option<&'static str>,
}

/// How often in a row a worker may fail to start before jobs fail with it.
pub(crate) const MAX_BOOT_FAILURES: u32 = 5;

/// How long a worker that was asked to go may take before it is killed.
pub(crate) const GRACE: Duration = Duration::from_secs(2);

/// How long to wait before a worker is started again, after so many failures in
/// a row: from 25 ms, doubled each time, up to a second.
pub(crate) fn back_off(failures: u32) -> Duration {
    Duration::from_millis(25 << failures.clamp(1, 6)).min(Duration::from_secs(1)) / 2
}

/// How many pools may be inside one another.
pub(crate) const MAX_DEPTH: u32 = 10;

/// The most bytes of arguments that may lie in a worker's channel unread: well
/// below what a socket holds, so that sending them never blocks.
pub(crate) const PREFETCH_BYTES: usize = 32 * 1024;
