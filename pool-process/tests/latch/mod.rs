//! Code of the user's that blocks where the pool calls it, until the test lets it go; and
//! the jobs of others meanwhile.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use crate::common::{LONG, finish};
use executor_core::ExecutorExt as _;
use pool_process::ProcessPool;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

/// Where code of this process blocks, once, until this is opened or dropped.
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

    #[track_caller]
    pub(crate) fn wait_until_somebody_blocks(&self) {
        self.arrived.recv_timeout(LONG).expect("somebody blocks");
    }

    pub(crate) fn open(self) {
        self.open.send(()).expect("somebody blocks");
    }
}

/// Blocks, if this is the process that made the latch. Only the first time.
pub(crate) fn block(key: u64) {
    let ends = LATCHES
        .lock()
        .unwrap()
        .as_mut()
        .and_then(|all| all.remove(&key));
    if let Some((arrive, opened)) = ends {
        // The latch may be gone, which lets it go as well.
        let _ = arrive.send(());
        let _ = opened.recv_timeout(LONG);
    }
}

/// A value that blocks in the parent while it is encoded.
pub(crate) struct SlowOut(pub(crate) u64);
/// One that blocks in the parent while it is decoded.
pub(crate) struct SlowIn(pub(crate) u64);

impl Serialize for SlowOut {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        block(self.0);
        self.0.serialize(serializer)
    }
}
impl<'de> Deserialize<'de> for SlowOut {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::deserialize(deserializer).map(Self)
    }
}
impl Serialize for SlowIn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
impl<'de> Deserialize<'de> for SlowIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = u64::deserialize(deserializer)?;
        block(key);
        Ok(Self(key))
    }
}

pub(crate) fn take(slow: SlowOut) -> u64 {
    slow.0
}

pub(crate) fn give(key: u64) -> SlowIn {
    SlowIn(key)
}

pub(crate) fn double(n: u64) -> u64 {
    2 * n
}

/// Jobs that come meanwhile are done.
pub(crate) fn others_are_done(pool: &ProcessPool) {
    let tasks: Vec<_> = (0..40).map(|n| pool.submit(double, n)).collect();
    for (n, task) in (0..).zip(tasks) {
        assert_eq!(finish(task).unwrap(), 2 * n);
    }
}
