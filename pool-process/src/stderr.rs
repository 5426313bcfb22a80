//! A worker's standard error: passed on as it comes, and its end remembered.
//!
//! What a process writes last is often the only word about its death: the
//! message of an overflowed stack, a failed allocation, a C library's assertion.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write as _};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How much of it is remembered, in bytes: enough for a backtrace, which may
/// come after the line that tells.
const REMEMBERED: usize = 16 * 1024;
/// How many lines of that an error shows.
const LINES: usize = 12;
/// How long to wait for the rest after a death; a grandchild may keep it open.
const PATIENCE: Duration = Duration::from_millis(100);

/// The end of what a worker has written.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    state: Mutex<State>,
    closed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    bytes: VecDeque<u8>,
    closed: bool,
}

impl Tail {
    /// Passes on what comes from `from`, to the end. Runs on its own thread.
    pub(crate) fn follow(&self, mut from: impl Read) {
        let mut buffer = [0; 4096];
        loop {
            match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => {
                    self.remember(&buffer[..read]);
                    // Where ours is closed, theirs goes nowhere.
                    let _ = std::io::stderr().write_all(&buffer[..read]);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        self.close();
    }

    /// Nothing more will come.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.closed.notify_all();
    }

    fn remember(&self, bytes: &[u8]) {
        let mut state = self.lock();
        state.bytes.extend(bytes);
        let surplus = state.bytes.len().saturating_sub(REMEMBERED);
        state.bytes.drain(..surplus);
    }

    /// What is remembered, once nothing more comes or patience is at its end.
    pub(crate) fn last_words(&self) -> String {
        let state = self.lock();
        let waited = self
            .closed
            .wait_timeout_while(state, PATIENCE, |state| !state.closed);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        String::from_utf8_lossy(state.bytes.make_contiguous()).into_owned()
    }

    /// The last lines of that.
    pub(crate) fn last_lines(&self) -> String {
        last_lines(&self.last_words())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As many of the last lines as an error shows.
pub(crate) fn last_lines(words: &str) -> String {
    let lines: Vec<_> = words.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_remembered_and_the_first_forgotten() {
        let tail = Tail::default();
        for n in 0..2000 {
            tail.remember(format!("line {n}\n").as_bytes());
        }
        tail.remember(b"no newline \xff");
        tail.close();
        let lines = tail.last_lines();
        assert_eq!(lines.lines().count(), LINES);
        assert!(lines.starts_with("line 1989\n"), "{lines}");
        assert!(lines.ends_with("no newline \u{fffd}"), "{lines}");
    }
}
