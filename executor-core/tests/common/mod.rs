//! What the tests share: a deadline for every wait, a listener for what is
//! reported through `tracing`.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::cell::RefCell;
use std::fmt::{Debug, Write as _};
use std::sync::Once;
use std::sync::mpsc::Receiver;
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// How long anything is waited for before the test fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);

/// Waits for a message; panics if none comes.
pub(crate) fn receive<T>(receiver: &Receiver<T>) -> T {
    receiver.recv_timeout(DEADLINE).expect("a message in time")
}

thread_local! {
    /// What this thread has reported since somebody began to listen.
    static HEARD: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// Runs `f` and gives what this thread reported meanwhile, a line an event.
pub(crate) fn reports_of(f: impl FnOnce()) -> Vec<String> {
    // One listener for good: where listeners come and go on several threads, what is
    // reported for the first time meanwhile may be heard by none.
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| tracing::subscriber::set_global_default(Listener).unwrap());
    HEARD.set(Some(Vec::new()));
    f();
    HEARD.take().unwrap()
}

struct Listener;

impl Subscriber for Listener {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        HEARD.with_borrow_mut(|heard| {
            heard
                .iter_mut()
                .for_each(|heard| heard.push(line.0.clone()))
        });
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}
