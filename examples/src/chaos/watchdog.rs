//! [`Watchdog`]: ends the program if it does not end by itself.

use rustix::process::{Signal, getpid, kill_process};
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::Duration;

/// Knows what is being done, and kills the program if that takes too long.
#[derive(Debug)]
pub struct Watchdog(Arc<Mutex<&'static str>>);

impl Watchdog {
    /// Gives the program so long, its exit included.
    pub fn start(limit: Duration) -> Self {
        let stage = Arc::new(Mutex::new("starting"));
        let seen = stage.clone();
        std::thread::spawn(move || {
            sleep(limit);
            let stage = *seen.lock().unwrap_or_else(PoisonError::into_inner);
            println!("STUCK: not over after {limit:?}; at this: {stage}");
            let _ = std::io::stdout().flush();
            // An exit would wait for the pools that hang.
            let _ = kill_process(getpid(), Signal::KILL);
        });
        Self(stage)
    }

    /// Notes what is done from now on.
    pub fn stage(&self, what: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = what;
    }
}
