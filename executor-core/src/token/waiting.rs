//! [`UntilCancelled`]: awaiting a token.

use super::node::Node;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The future of a token's being cancelled: made by
/// [`CancelToken::cancelled`](super::CancelToken::cancelled).
#[must_use = "a future does nothing unless it is awaited"]
pub struct UntilCancelled {
    node: Arc<Node>,
    key: Option<u64>,
}

impl UntilCancelled {
    pub(super) fn new(node: Arc<Node>) -> Self {
        Self { node, key: None }
    }
}

impl Future for UntilCancelled {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.node.is_cancelled() {
            return Poll::Ready(());
        }
        // Cloning a waker is foreign code: not under the lock.
        let waker = context.waker().clone();
        self.key = self.node.register(self.key, waker);
        match self.key {
            Some(_) => Poll::Pending,
            None => Poll::Ready(()),
        }
    }
}

impl Drop for UntilCancelled {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.node.forget(key);
        }
    }
}

impl fmt::Debug for UntilCancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UntilCancelled")
            .field("cancelled", &self.node.is_cancelled())
            .finish_non_exhaustive()
    }
}
