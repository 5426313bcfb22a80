//! What is reported through `tracing`, on whatever thread.

use super::DEADLINE;
use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Condvar, Mutex, Once, PoisonError};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());
static ANOTHER: Condvar = Condvar::new();

/// Keeps what is reported from now on, a line an event.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let listener = Listener {
            most: Level::TRACE,
            write: |line| {
                let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
                lines.push(line);
                ANOTHER.notify_all();
            },
        };
        tracing::subscriber::set_global_default(listener).expect("the only one of this program");
    });
}

fn about(lines: &[String], task: &str) -> Vec<String> {
    let name = format!("`{task}`");
    lines
        .iter()
        .filter(|line| line.contains(&name))
        .cloned()
        .collect()
}

/// Waits for a report about the task of this name; panics if none comes, or more
/// than one did.
pub(crate) fn once_about(task: &str) -> String {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    let (lines, waited) = ANOTHER
        .wait_timeout_while(lines, DEADLINE, |lines| about(lines, task).is_empty())
        .unwrap_or_else(PoisonError::into_inner);
    assert!(!waited.timed_out(), "nothing about {task}: {lines:?}");
    let mut found = about(&lines, task);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

/// Panics if there was a report about the task of this name.
pub(crate) fn never_about(task: &str) {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    let found = about(&lines, task);
    assert!(found.is_empty(), "{found:?}");
}

/// Runs `program` and gives the warnings and errors that this thread reported
/// meanwhile.
pub(crate) fn logged(program: impl FnOnce()) -> Vec<String> {
    let log = Log::default();
    tracing::subscriber::with_default(log.listener(), program);
    log.lines()
}

/// Writes down warnings and errors, where its listener is the subscriber.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn listener(&self) -> impl Subscriber + use<> {
        let lines = self.0.clone();
        Listener {
            most: Level::WARN,
            write: move |line| lines.lock().unwrap().push(line),
        }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// Writes a line an event, of those that are no more verbose than `most`.
struct Listener<W> {
    most: Level,
    write: W,
}

impl<W: Fn(String) + Send + Sync + 'static> Subscriber for Listener<W> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.most
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        (self.write)(line.0);
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
