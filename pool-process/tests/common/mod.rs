//! What the tests of this crate share.

#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod role;

use executor_core::{Task, TaskError};
use pool_process::ProcessPool;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a test waits for anything before it fails.
pub(crate) const LONG: Duration = Duration::from_secs(120);

/// A pool of so many workers.
pub(crate) fn pool(workers: usize) -> ProcessPool {
    ProcessPool::builder()
        .max_workers(workers)
        .build()
        .expect("it is built")
}

/// Waits for a task, but not for ever.
pub(crate) fn finish<T: Send + 'static>(mut task: Task<T>) -> Result<T, TaskError> {
    match task.wait_timeout(LONG) {
        Some(outcome) => outcome,
        None => panic!("no outcome within {LONG:?}: {task:?}"),
    }
}

/// Waits until something holds that nothing announces, such as the end of a
/// process that is not ours.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {LONG:?}: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Whether a process exists and is not a zombie.
pub(crate) fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| {
        let state = stat.rsplit_once(") ").map(|(_, rest)| rest.as_bytes()[0]);
        state.is_some_and(|state| state != b'Z')
    })
}

/// Sends SIGKILL to a process that is ours; one that has ended, and was reaped,
/// a moment ago is as good as killed.
pub(crate) fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(pid as i32).expect("a pid");
    match rustix::process::kill_process(pid, rustix::process::Signal::KILL) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => {}
        Err(error) => panic!("it is not ours: {error}"),
    }
}

/// How many descriptors of this process are open.
pub(crate) fn open_files() -> usize {
    std::fs::read_dir(Path::new("/proc/self/fd"))
        .expect("this is Linux")
        .count()
}
