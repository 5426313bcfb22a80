//! The callbacks that are due later, in their order.

use super::call::Call;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// When a callback is due. Of two for the same time, the one that was asked for
/// first comes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Due(Instant, u64);

impl Due {
    pub(super) fn new(at: Instant) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(at, NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// When `delay` has passed; if no clock can represent that, in thirty years.
    pub(super) fn after(delay: Duration) -> Self {
        let now = Instant::now();
        let far = Duration::from_secs(30 * 365 * 24 * 60 * 60);
        Self::new(now.checked_add(delay).unwrap_or_else(|| now + far))
    }

    pub(super) fn at(self) -> Instant {
        self.0
    }
}

/// A cancelled timer is taken out at once, so nothing piles up behind a late one.
#[derive(Default)]
pub(super) struct Timers(BTreeMap<Due, Arc<Call>>);

impl Timers {
    pub(super) fn insert(&mut self, due: Due, call: Arc<Call>) {
        self.0.insert(due, call);
    }

    /// Takes one out; it is given back, to be dropped elsewhere.
    pub(super) fn remove(&mut self, due: Due) -> Option<Arc<Call>> {
        self.0.remove(&due)
    }

    /// The next one, if it is due by `now`.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Arc<Call>> {
        let entry = self.0.first_entry()?;
        (entry.key().at() <= now).then(|| entry.remove())
    }

    pub(super) fn next_at(&self) -> Option<Instant> {
        self.0.first_key_value().map(|(due, _)| due.at())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn take_all(&mut self) -> impl Iterator<Item = Arc<Call>> + use<> {
        std::mem::take(&mut self.0).into_values()
    }
}
