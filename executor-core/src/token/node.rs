//! The tree of tokens.

use crate::panic::discard;
use crate::wakeups::Wakeups;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;
use std::time::Duration;

pub(super) struct Node {
    cancelled: AtomicBool,
    /// All below it are marked as well.
    settled: AtomicBool,
    present: Mutex<Present>,
    /// Told after `cancelled` was set, for threads that wait.
    changed: Condvar,
    /// With this node's key among its children.
    parent: Option<(Arc<Node>, u64)>,
}

/// Who is to be told. Once the node is cancelled there are no wakers, and no child comes.
#[derive(Default)]
pub(super) struct Present {
    next: u64,
    wakers: BTreeMap<u64, Waker>,
    children: BTreeMap<u64, Weak<Node>>,
}

impl Present {
    fn next_key(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

impl Node {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self::with(false, None))
    }

    fn with(cancelled: bool, parent: Option<(Arc<Self>, u64)>) -> Self {
        Self {
            cancelled: AtomicBool::new(cancelled),
            settled: AtomicBool::new(cancelled),
            present: Mutex::default(),
            changed: Condvar::new(),
            parent,
        }
    }

    pub(super) fn child_of(parent: &Arc<Self>) -> Arc<Self> {
        let mut present = parent.lock();
        if parent.is_cancelled() {
            return Arc::new(Self::with(true, None));
        }
        let key = present.next_key();
        let child = Arc::new(Self::with(false, Some((parent.clone(), key))));
        present.children.insert(key, Arc::downgrade(&child));
        child
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wait_timeout(&self, limit: Duration) -> bool {
        let waits = |_: &mut Present| !self.is_cancelled();
        let waited = self.changed.wait_timeout_while(self.lock(), limit, waits);
        drop(waited);
        self.is_cancelled()
    }

    /// Has `waker` woken at the end, in place of the one that stands under `key`.
    /// `None` if the node is cancelled.
    pub(super) fn register(&self, key: Option<u64>, waker: Waker) -> Option<u64> {
        let mut present = self.lock();
        if self.is_cancelled() {
            drop(present);
            discard(waker);
            return None;
        }
        let key = key.unwrap_or_else(|| present.next_key());
        let former = present.wakers.insert(key, waker);
        drop(present);
        // Foreign code, as is each waker.
        discard(former);
        Some(key)
    }

    pub(super) fn forget(&self, key: u64) {
        let former = self.lock().wakers.remove(&key);
        discard(former);
    }

    #[cfg(test)]
    pub(super) fn counts(&self) -> (usize, usize) {
        let present = self.lock();
        (present.wakers.len(), present.children.len())
    }
}

/// Marks a node and all below it, then tells whoever waits. Who comes while another thread
/// is at this does the same: when either returns, all are marked.
pub(super) fn cancel(node: &Arc<Node>) {
    // They are called when all are marked.
    let mut wakeups = Wakeups::new();
    let (mut below, mut all) = (vec![node.clone()], Vec::new());
    // Not by recursion: a chain may be long.
    while let Some(node) = below.pop() {
        mark(&node, &mut wakeups, &mut below);
        all.push(node);
    }
    all.iter()
        .for_each(|node| node.settled.store(true, Ordering::Release));
    drop(all);
    // Nobody has to go that way any more.
    let children = std::mem::take(&mut node.lock().children);
    drop(children);
}

fn mark(node: &Node, wakeups: &mut Wakeups, below: &mut Vec<Arc<Node>>) {
    if node.settled.load(Ordering::Acquire) {
        return;
    }
    // Under the lock, so that no child and no waker comes after this.
    let mut present = node.lock();
    let is_first = !node.cancelled.swap(true, Ordering::AcqRel);
    let wakers = std::mem::take(&mut present.wakers);
    below.extend(present.children.values().filter_map(Weak::upgrade));
    drop(present);
    if is_first {
        node.changed.notify_all();
    }
    for waker in wakers.into_values() {
        wakeups.add(waker);
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Not by recursion, either.
        let mut up = self.parent.take();
        while let Some((parent, key)) = up {
            let _ = parent.lock().children.remove(&key);
            up = Arc::into_inner(parent).and_then(|mut parent| parent.parent.take());
        }
    }
}
