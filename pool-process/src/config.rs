//! What a pool was built with, and the constants it lives by.

use crate::orders::Orders;
use crate::snapshot::Snapshot;
use crate::transport::Transport;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) max_workers: usize,
    /// Workers that stay although they are idle.
    pub(crate) min_workers: usize,
    /// How long others stay; `None` is for ever.
    pub(crate) idle_timeout: Option<Duration>,
    /// How many jobs may wait; `None` is no bound.
    pub(crate) max_queued: Option<usize>,
    /// After so many jobs a worker is replaced.
    pub(crate) max_tasks_per_worker: Option<u64>,
    /// A worker with more resident memory than this, in bytes, is replaced when
    /// it has finished what it has.
    pub(crate) recycle_above: Option<u64>,
    /// The longest result, in bytes.
    pub(crate) max_result: u64,
    /// Whether what a worker has started is killed with it.
    pub(crate) kill_tree: bool,
    /// Whether the standard error of workers goes through the pool.
    pub(crate) capture_stderr: bool,
    /// Whether each worker stays on one processor.
    pub(crate) pin_processors: bool,
    /// Another copy of this program, for workers.
    pub(crate) worker_exe: Option<PathBuf>,
    pub(crate) transport: Transport,
    pub(crate) orders: Orders,
    pub(crate) name: String,
    pub(crate) boot_deadline: Duration,
    pub(crate) snapshot: Snapshot,
    /// How many pools this process is inside of.
    pub(crate) depth: u32,
    /// The test that serves as the worker's `main`, under libtest.
    pub(crate) libtest: Option<&'static str>,
}

impl Config {
    /// Whether a worker may be worn out when it has finished a job.
    pub(crate) fn replaces_workers(&self) -> bool {
        self.max_tasks_per_worker.is_some() || self.recycle_above.is_some()
    }
}

/// How often in a row a worker may fail to start before jobs fail with it.
pub(crate) const MAX_BOOT_FAILURES: u32 = 5;

/// The same for a worker that somebody else kills while it starts. With the back-off that
/// is a minute and a half of nothing else: time for an operator to be done, or a machine
/// to have memory again.
pub(crate) const MAX_KILLED_BOOTS: u32 = 100;

/// How many workers of a pool may be starting at the same time.
pub(crate) const MAX_BOOTS: usize = 4;

/// How long a worker that was asked to go may take before it is killed.
pub(crate) const GRACE: Duration = Duration::from_secs(2);

/// How long the kernel may take to end a process that was killed, and foreign code to
/// come back when a pool is killed, before nobody waits for them any more.
pub(crate) const KILL_BOUND: Duration = Duration::from_secs(2);

/// How many pools may be inside one another.
pub(crate) const MAX_DEPTH: u32 = 10;

/// The most bytes of arguments that may lie in a worker's channel unread: well
/// below what a socket holds, so that sending them never blocks.
pub(crate) const PREFETCH_BYTES: usize = 32 * 1024;

/// The most bytes of arguments that are written to a worker's shared memory
/// before it has begun the jobs: how much memory its parent may need twice.
pub(crate) const PREFETCH_PIPED: usize = 256 * 1024;

/// How often a supervisor whose worker is busy and silent looks after it.
pub(crate) const ROUND: Duration = Duration::from_millis(500);

/// After so many rounds in which it is stopped, or does not begin a job that it
/// has, a worker is killed.
pub(crate) const MAX_IDLE_ROUNDS: u32 = 6;

/// A job over which so many workers have died before they began it is given up.
pub(crate) const MAX_MOVES: u32 = 4;

/// So many bytes of a large message are sent at a time.
pub(crate) const SEND_STEP: usize = 1 << 20;

/// How long a worker may at least take to read so much, or anything smaller that
/// it is free to read; at the most twice as long.
pub(crate) const READ_DEADLINE: Duration = Duration::from_secs(5);

/// So many wake-ups in a row by a worker that lead to nothing are a flood.
pub(crate) const FLOOD: u32 = 10_000;

/// How long to wait before a worker is started again after so many failures in a
/// row: from 25 ms, doubled each time, up to a second; and up to half as much
/// again by chance, so that the seats of a pool do not act in step.
pub(crate) fn back_off(failures: u32, chance: u64) -> Duration {
    let base = Duration::from_millis(25 << failures.clamp(1, 6)) / 2;
    let base = base.min(Duration::from_secs(1));
    base + base.mul_f64((chance % 1024) as f64 / 2048.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_back_off_grows_to_a_bound() {
        let millis = |failures, chance| back_off(failures, chance).as_millis();
        assert_eq!((millis(1, 0), millis(2, 0), millis(5, 0)), (25, 50, 400));
        assert!((0..9999).all(|chance| millis(u32::MAX, chance) <= 1500));
        assert!(millis(3, 1023) > millis(3, 0));
    }
}
