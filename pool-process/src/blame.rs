//! Why a worker died, as far as it can be told from what is left.

use crate::stderr;
use executor_core::{DeathCause, WorkerExit, WorkerLost};

/// How often the kernel has killed something in our memory cgroup; `None` where
/// that cannot be read.
pub(crate) fn oom_kills() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let files = groups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        match controllers {
            "" => Some(format!("/sys/fs/cgroup{path}/memory.events")),
            "memory" => Some(format!("/sys/fs/cgroup/memory{path}/memory.oom_control")),
            _ => None,
        }
    });
    files
        .filter_map(|file| std::fs::read_to_string(file).ok())
        .find_map(|text| count(&text))
}

fn count(events: &str) -> Option<u64> {
    let line = events
        .lines()
        .find_map(|line| line.strip_prefix("oom_kill "))?;
    line.trim().parse().ok()
}

/// Completes the report on a worker: `oom_kills` is the count when it started,
/// `misbehaved` says what this pool killed it for, if it did.
pub(crate) fn complete(
    lost: WorkerLost,
    last_words: &str,
    oom_kills_before: Option<u64>,
    misbehaved: Option<&'static str>,
) -> WorkerLost {
    let cause = misbehaved
        .map(|_| DeathCause::Misbehaved)
        .or_else(|| told_by(last_words, lost.exit()))
        .or_else(|| chosen_by_the_kernel(lost.exit(), oom_kills_before));
    let lost = match cause {
        Some(cause) => lost.with_cause(cause),
        None => lost,
    };
    lost.with_stderr(stderr::last_lines(last_words))
}

/// The standard library says these before it aborts.
fn told_by(last_words: &str, exit: WorkerExit) -> Option<DeathCause> {
    if exit != WorkerExit::Signal(libc::SIGABRT) {
        return None;
    }
    if last_words.contains("has overflowed its stack") {
        Some(DeathCause::StackOverflow)
    } else if last_words.contains("memory allocation of ") {
        Some(DeathCause::OutOfMemory)
    } else {
        None
    }
}

fn chosen_by_the_kernel(exit: WorkerExit, before: Option<u64>) -> Option<DeathCause> {
    let killed = exit == WorkerExit::Signal(libc::SIGKILL);
    (killed && oom_kills()? > before?).then_some(DeathCause::OutOfMemory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_of_cgroups_are_read() {
        let second = "low 0\nhigh 0\nmax 3\noom 2\noom_kill 1\noom_group_kill 0\n";
        let first = "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n";
        assert_eq!(
            (count(second), count(first), count("")),
            (Some(1), Some(5), None)
        );
    }

    #[test]
    fn last_words_tell_more_than_the_signal() {
        let abort = WorkerExit::Signal(6);
        let cause = |words: &str, exit| {
            let lost = WorkerLost::new(1, exit, true);
            complete(lost, words, None, None).cause()
        };
        let overflow = "\nthread 'main' has overflowed its stack\nfatal runtime error";
        assert_eq!(cause(overflow, abort), DeathCause::StackOverflow);
        assert_eq!(cause(overflow, WorkerExit::Code(0)), DeathCause::Exit);
        let memory = "memory allocation of 99 bytes failed\n";
        assert_eq!(cause(memory, abort), DeathCause::OutOfMemory);
        let with_backtrace = format!("{memory}{}", "  12: somewhere::deep\n".repeat(99));
        assert_eq!(cause(&with_backtrace, abort), DeathCause::OutOfMemory);
        assert_eq!(cause("", abort), DeathCause::Abort);
    }
}
