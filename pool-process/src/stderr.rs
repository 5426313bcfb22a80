//! The standard error of a pool's workers: passed on as it comes, and its end remembered.
//!
//! What a process writes last is often the only word about its death: the
//! message of an overflowed stack, a failed allocation, a C library's assertion.
//!
//! One thread reads from all workers of a pool. It writes to the program's own standard
//! error, which may block; then the workers' lines wait, and nothing else does.

use crate::process::Process;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, Event, EventData, EventFlags};
use std::collections::{HashMap, VecDeque};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::ChildStderr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How much of it is remembered, in bytes: enough for a backtrace, which may
/// come after the line that tells.
const REMEMBERED: usize = 16 * 1024;
/// How many lines of that an error shows.
const LINES: usize = 12;
/// How long to wait for the rest after a death; a grandchild may keep it open.
const PATIENCE: Duration = Duration::from_millis(100);

/// The thread that reads, and what it reads from.
#[derive(Debug)]
pub(crate) struct Relay(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    epoll: OwnedFd,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    pipes: HashMap<u64, (Arc<Process>, ChildStderr)>,
    last: u64,
    /// Whether there is a thread.
    read: bool,
}

impl Relay {
    pub(crate) fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let open = Mutex::default();
        Ok(Self(Arc::new(Shared { epoll, open })))
    }

    /// Passes on what a process writes, to the end.
    ///
    /// # Errors
    /// Nothing is read, of this process or, if there is no thread, of any.
    pub(crate) fn follow(&self, process: Arc<Process>, stderr: ChildStderr) -> io::Result<()> {
        let mut open = self.0.open();
        open.last += 1;
        let key = open.last;
        let data = EventData::new_u64(key);
        if let Err(error) = epoll::add(&self.0.epoll, &stderr, data, EventFlags::IN) {
            drop(open);
            process.stderr.close();
            return Err(error.into());
        }
        open.pipes.insert(key, (process, stderr));
        if open.read {
            return Ok(());
        }
        let shared = self.0.clone();
        let builder = std::thread::Builder::new().name("stderr".to_owned());
        match builder.spawn(move || shared.read()) {
            Ok(_) => {
                open.read = true;
                Ok(())
            }
            Err(error) => {
                let closed: Vec<_> = open.pipes.drain().collect();
                drop(open);
                closed.iter().for_each(|(_, (its, _))| its.stderr.close());
                Err(error)
            }
        }
    }
}

impl Shared {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads until there is nothing left to be read from.
    fn read(&self) {
        let _quiet = crate::signals::Blocked::all();
        let mut events: Vec<Event> = Vec::with_capacity(16);
        let mut buffer = [0; 4096];
        loop {
            let mut open = self.open();
            if open.pipes.is_empty() {
                open.read = false;
                return;
            }
            drop(open);
            events.clear();
            let _ = epoll::wait(&self.epoll, spare_capacity(&mut events), None);
            for event in &events {
                self.read_some(event.data.u64(), &mut buffer);
            }
        }
    }

    fn read_some(&self, key: u64, buffer: &mut [u8]) {
        let mut open = self.open();
        let Some((process, pipe)) = open.pipes.get_mut(&key) else {
            return;
        };
        // There is something to be read, so this does not block.
        let read = match pipe.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return,
            read => read.unwrap_or(0),
        };
        let process = process.clone();
        let closed = match read {
            0 => open.pipes.remove(&key),
            _ => None,
        };
        drop(open);
        if let Some((_, pipe)) = closed {
            // A child that is being started at this moment may have the descriptor too,
            // so that closing it is not enough.
            let _ = epoll::delete(&self.epoll, &pipe);
        }
        match read {
            0 => process.stderr.close(),
            read => {
                process.stderr.remember(&buffer[..read]);
                // Where ours is closed, theirs goes nowhere.
                let _ = io::stderr().write_all(&buffer[..read]);
            }
        }
    }
}

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
