//! What an event loop has to do next.

use super::call::Call;
use super::node::Node;
use std::sync::Arc;

/// One entry of the queue.
pub(super) enum Ready {
    /// A callback is to be called, unless it was cancelled meanwhile.
    Call(Arc<Call>),
    /// A coroutine was woken.
    Node(Arc<Node>),
    /// The future that this run is for was woken. Like the next, it says which run
    /// that is: a later one has nothing to do with it.
    Main(u64),
    /// The future that this run was for is done, and what it had scheduled before
    /// has been done as well.
    End(u64),
}
