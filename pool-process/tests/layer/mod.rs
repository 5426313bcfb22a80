//! A tracing layer that remembers, blocks or panics, by the name of the pool.

use crate::latch::block;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, Once};
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// What the supervisor of the pool `warm` says.
pub(crate) static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// Where that of the pool `blocks` blocks when it says something.
pub(crate) static BLOCKS: AtomicU64 = AtomicU64::new(0);

struct Odd;

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

impl<S: tracing::Subscriber> Layer<S> for Odd {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        match std::thread::current().name() {
            Some("warm-supervisor") => {
                let mut message = Message(String::new());
                event.record(&mut message);
                SEEN.lock().unwrap().push(message.0);
            }
            Some("blocks-supervisor") => block(BLOCKS.load(Ordering::SeqCst)),
            Some("panics-supervisor") => panic!("a layer that panics"),
            _ => {}
        }
    }
}

pub(crate) fn watch_events() {
    static ONCE: Once = Once::new();
    let levels = tracing_subscriber::filter::LevelFilter::INFO;
    ONCE.call_once(|| tracing_subscriber::registry().with(levels).with(Odd).init());
}
