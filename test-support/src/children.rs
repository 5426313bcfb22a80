//! Child processes: how one ends that was forked, and whose child a process is.

/// Waits for a forked child of this process, and gives its exit code.
///
/// # Panics
/// If it is killed by a signal, is no child of this process, or does not end within
/// `limit`; then it is killed.
#[cfg(unix)]
#[track_caller]
pub fn exit_code(child: libc::pid_t, limit: std::time::Duration) -> i32 {
    let start = std::time::Instant::now();
    loop {
        let mut status = 0;
        // SAFETY: `status` is there to be written to, and the child is this process's own.
        let ended = unsafe { libc::waitpid(child, &raw mut status, libc::WNOHANG) };
        if ended == child {
            assert!(libc::WIFEXITED(status), "it ended with status {status:#x}");
            return libc::WEXITSTATUS(status);
        }
        assert_eq!(ended, 0, "it is no child");
        if start.elapsed() > limit {
            // SAFETY: the child has not been waited for, so the number is still its own.
            unsafe { libc::kill(child, libc::SIGKILL) };
            panic!("the child hangs");
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

/// The parent of a process, where the system tells.
pub fn parent_of(pid: u32) -> Option<u32> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The name before these may hold any bytes.
    let stat = String::from_utf8_lossy(&stat);
    let fields = stat.rsplit_once(')')?.1;
    fields.split_whitespace().nth(1)?.parse().ok()
}

/// Whether this process has started that one, itself or through others that still run.
pub fn descends_from_us(pid: u32) -> bool {
    let us = std::process::id();
    std::iter::successors(Some(pid), |pid| parent_of(*pid)).any(|pid| pid == us)
}
