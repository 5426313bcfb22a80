//! Watching what may block: sending to a worker that does not read.
//!
//! A worker reads what it is sent, since nothing is sent that it is not free to
//! read, unless it is stopped, or says that it has done its jobs while it has not
//! even read them. Then the supervisor would be blocked for ever, and its jobs
//! with it. Killing the worker releases it.
//!
//! There is a message for every job or few, so a timer for each would be too
//! much. A count tells whether a step is being made and how many there were; one
//! timer looks at it from time to time, for as long as anything is sent at all.

use crate::config::READ_DEADLINE;
use crate::process::Process;
use executor_core::timer::{self, Timer};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError, Weak};

#[derive(Debug)]
pub(super) struct Watched {
    process: Arc<Process>,
    /// Odd while a step is being made.
    steps: AtomicU64,
    /// Whether somebody looks at the count later. It is cleared before the count
    /// is looked at once more, and set after the count has changed: so no step is
    /// made unwatched.
    armed: AtomicBool,
    timer: Mutex<Option<Timer>>,
    myself: Weak<Self>,
}

impl Watched {
    /// Steps that depend on this process.
    pub(super) fn new(process: Arc<Process>) -> Arc<Self> {
        Arc::new_cyclic(|myself| Self {
            process,
            steps: AtomicU64::new(0),
            armed: AtomicBool::new(false),
            timer: Mutex::new(None),
            myself: myself.clone(),
        })
    }

    /// Makes a step. If it takes too long, the process is killed.
    pub(super) fn watch<R>(&self, step: impl FnOnce() -> R) -> R {
        let seen = self.steps.fetch_add(1, SeqCst) + 1;
        if !self.armed.load(SeqCst) {
            self.arm(seen);
        }
        let made = step();
        self.steps.fetch_add(1, SeqCst);
        made
    }

    fn arm(&self, seen: u64) {
        if !self.armed.swap(true, SeqCst) {
            self.look_later(seen);
        }
    }

    fn look_later(&self, seen: u64) {
        let myself = self.myself.clone();
        let timer = timer::after(READ_DEADLINE, move || {
            if let Some(myself) = myself.upgrade() {
                myself.look(seen);
            }
        });
        let mut place = self.timer.lock().unwrap_or_else(PoisonError::into_inner);
        let former = place.replace(timer);
        drop(place);
        drop(former);
    }

    fn look(&self, seen: u64) {
        let now = self.steps.load(SeqCst);
        if now != seen {
            self.look_later(now);
        } else if now % 2 == 1 {
            self.process.kill_for("it does not read what it is sent");
        } else {
            // Nothing was sent for a while: whoever sends next sees to it.
            self.armed.store(false, SeqCst);
            let now = self.steps.load(SeqCst);
            if now != seen {
                self.arm(now);
            }
        }
    }
}
