//! [`Vitals`]: what this process holds: descriptors, mappings, threads, children.

use std::fs;
use std::time::{Duration, Instant};

/// What this process holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vitals {
    /// Open descriptors.
    pub descriptors: usize,
    /// Memory mappings.
    pub mappings: usize,
    /// Those among them that are shared with a worker.
    pub boards: usize,
    /// Threads.
    pub threads: usize,
    /// Children, whatever their state.
    pub children: usize,
    /// Those among them that have ended and that nobody has asked for.
    pub zombies: usize,
}

impl Vitals {
    /// What there is at this moment.
    pub fn take() -> Self {
        let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
        let states = children();
        Self {
            // One of them is that of the directory being read.
            descriptors: count("/proc/self/fd").saturating_sub(1),
            mappings: maps.lines().count(),
            boards: maps.matches("pool-process board").count(),
            threads: count("/proc/self/task"),
            children: states.len(),
            zombies: states.iter().filter(|state| **state == 'Z').count(),
        }
    }

    /// Takes them when what was done before has come to rest.
    pub fn at_rest() -> Self {
        let mut last = Self::take();
        loop {
            std::thread::sleep(Duration::from_millis(100));
            let now = Self::take();
            if now == last {
                return now;
            }
            last = now;
        }
    }

    /// Takes them until nothing is held any more that was not `before`, or for
    /// as long as patience lasts: threads that have nothing left to do still
    /// need a moment to end.
    pub fn settle(before: &Self, patience: Duration) -> Self {
        let until = Instant::now() + patience;
        loop {
            let now = Self::take();
            let settled = now.descriptors <= before.descriptors
                && now.threads <= before.threads
                && now.boards + now.children == 0;
            if settled || Instant::now() > until {
                return now;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The most memory this process ever had, in KiB.
    pub fn peak_memory() -> u64 {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        number.unwrap_or(0)
    }
}

/// The names of this process' threads.
pub fn thread_names() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten();
    let name = |task: fs::DirEntry| fs::read_to_string(task.path().join("comm")).ok();
    let names = tasks.flatten().filter_map(name);
    names.map(|name| name.trim_end().to_owned()).collect()
}

fn count(directory: &str) -> usize {
    fs::read_dir(directory).map_or(0, Iterator::count)
}

fn numbers() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The states of all children of this process.
fn children() -> Vec<char> {
    let this = std::process::id();
    let state = |pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        let state = fields.next()?.chars().next()?;
        (fields.next()?.parse() == Ok(this)).then_some(state)
    };
    numbers().filter_map(state).collect()
}

/// The processes, other than this one, that were started with `variable` set in
/// this way, whoever their parent is by now.
pub fn marked_processes(variable: &str, value: &str) -> Vec<u32> {
    let mark = format!("{variable}={value}");
    let this = std::process::id();
    let is_marked = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let mut variables = environment.split(|byte| *byte == 0);
        *pid != this && variables.any(|entry| entry == mark.as_bytes())
    };
    numbers().filter(is_marked).collect()
}
