//! What a pool at rest holds: threads of the parent, and memory that it shares
//! with its workers.

use crate::Fault;
use crate::costs::process_pool;
use executor_core::{Executor as _, ExecutorExt as _, Shutdown};
use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

/// How many workers have the large payloads.
const WORKERS: usize = 8;
/// What each is sent, and sends back.
const PAYLOAD: usize = 3 << 20;
/// How long each keeps it, so that the next one goes to another worker.
const KEEP: Duration = Duration::from_millis(300);
/// The pools keep buffers for ten seconds.
const REST: Duration = Duration::from_secs(12);

/// How many threads more this process has for a pool of 64 workers.
pub(crate) fn threads() -> Result<Vec<f64>, Fault> {
    let count = || fs::read_dir("/proc/self/task").map(|tasks| tasks.count() as f64);
    let before = count()?;
    let pool = process_pool(64)?;
    let with_it = count()?;
    pool.shutdown(Shutdown::drain()).wait()?;
    Ok(vec![with_it - before])
}

/// Gives its payload back, with this worker's pid in front.
fn keep(mut payload: Vec<u8>) -> Vec<u8> {
    std::thread::sleep(KEEP);
    payload[..4].copy_from_slice(&std::process::id().to_le_bytes());
    payload
}

/// KiB of shared memory for each worker, when each has had a large payload and
/// has been idle for a while.
pub(crate) fn shared_memory() -> Result<Vec<f64>, Fault> {
    let pool = process_pool(WORKERS)?;
    // A worker that was passed over gets one in the next round.
    let mut left = pool.worker_pids();
    for _ in 0..10 {
        let payload = || vec![0_u8; PAYLOAD];
        let tasks: Vec<_> = (0..WORKERS).map(|_| pool.submit(keep, payload())).collect();
        for task in tasks {
            let payload = task.wait()?;
            let pid = u32::from_le_bytes([payload[0], payload[1], payload[2], payload[3]]);
            left.retain(|worker| *worker != pid);
        }
        if left.is_empty() {
            break;
        }
    }
    if !left.is_empty() {
        return Err(format!("{} workers never had a payload", left.len()).into());
    }
    std::thread::sleep(REST);
    let mut files = HashMap::new();
    for pid in pool.worker_pids().into_iter().chain([std::process::id()]) {
        add_memory_files(pid, &mut files)?;
    }
    pool.shutdown(Shutdown::drain()).wait()?;
    let bytes: u64 = files.into_values().sum();
    Ok(vec![bytes as f64 / 1024.0 / WORKERS as f64])
}

/// Adds the memory files that a process has mapped: inode, and bytes that are
/// allocated.
///
/// Where the kernel does not let us look at the file behind a mapping, the pages
/// of it that this process has touched stand in for it.
fn add_memory_files(pid: u32, files: &mut HashMap<u64, u64>) -> Result<(), Fault> {
    let maps = fs::read_to_string(format!("/proc/{pid}/smaps"))?;
    let mut mapping = None;
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let first = words.next().unwrap_or_default();
        if !first.ends_with(':') {
            let inode: Option<u64> = words.nth(3).and_then(|inode| inode.parse().ok());
            let is_memory = words.next().is_some_and(|path| path.starts_with("/memfd:"));
            mapping = inode.filter(|_| is_memory);
            let file = format!("/proc/{pid}/map_files/{first}");
            if let (Some(inode), Ok(file)) = (mapping, fs::metadata(file)) {
                files.insert(inode, file.blocks() * 512);
                mapping = None;
            }
        } else if let (Some(inode), "Rss:") = (mapping, first) {
            let touched = words.next().and_then(|kib| kib.parse::<u64>().ok());
            let bytes = files.entry(inode).or_default();
            *bytes = (*bytes).max(touched.unwrap_or(0) * 1024);
        }
    }
    Ok(())
}
