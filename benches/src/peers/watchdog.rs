//! [`Watchdog`]: no measurement hangs unnoticed.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// The longest that one measurement may take: the slowest takes seconds.
const LIMIT: Duration = Duration::from_secs(300);

/// Ends the program, with the name of the subject, if a measurement takes too long.
pub(crate) struct Watchdog(Sender<Option<String>>);

impl Watchdog {
    pub(crate) fn start() -> Self {
        let (tell, told) = channel::<Option<String>>();
        std::thread::spawn(move || {
            while let Ok(what) = told.recv() {
                let Some(name) = what else { continue };
                if told.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
                    eprintln!("peers: {name}: no result after {} s", LIMIT.as_secs());
                    std::process::abort();
                }
            }
        });
        Self(tell)
    }

    pub(crate) fn watch(&self, name: &str) {
        // Without the thread, nobody watches: no reason to stop.
        let _ = self.0.send(Some(name.to_owned()));
    }

    pub(crate) fn rest(&self) {
        let _ = self.0.send(None);
    }
}
