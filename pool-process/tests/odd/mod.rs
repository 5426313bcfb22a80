//! Code of the user's that blocks or panics where the pool calls it: a `Serialize`, a
//! callback, a tracing layer.

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, Once};
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// How long anything may take before the test fails.
pub(crate) const LONG: Duration = Duration::from_secs(40);

/// Where code of this process blocks, once, until the test lets it go.
pub(crate) struct Latch {
    pub(crate) key: u64,
    arrived: Receiver<()>,
    open: Sender<()>,
}

type Ends = (Sender<()>, Receiver<()>);
static LATCHES: Mutex<Option<HashMap<u64, Ends>>> = Mutex::new(None);

impl Latch {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let key = NEXT.fetch_add(1, Ordering::Relaxed);
        let ((arrive, arrived), (open, opened)) = (channel(), channel());
        let mut latches = LATCHES.lock().unwrap();
        latches
            .get_or_insert_default()
            .insert(key, (arrive, opened));
        Self { key, arrived, open }
    }

    pub(crate) fn wait_until_somebody_blocks(&self) {
        self.arrived.recv_timeout(LONG).expect("somebody blocks");
    }

    pub(crate) fn open(self) {
        self.open.send(()).expect("somebody blocks");
    }
}

pub(crate) fn block(key: u64) {
    let ends = LATCHES
        .lock()
        .unwrap()
        .as_mut()
        .and_then(|all| all.remove(&key));
    if let Some((arrive, opened)) = ends {
        let _ = arrive.send(());
        let _ = opened.recv_timeout(4 * LONG);
    }
}

/// An argument that blocks in the parent while it is encoded; zero cannot be encoded.
pub(crate) struct Slow(pub(crate) u64);

impl Serialize for Slow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 == 0 {
            return Err(ser::Error::custom("never"));
        }
        block(self.0);
        self.0.serialize(serializer)
    }
}
impl<'de> Deserialize<'de> for Slow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::deserialize(deserializer).map(Self)
    }
}

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
