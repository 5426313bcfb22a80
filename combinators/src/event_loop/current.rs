//! Which loop runs on this thread.
//!
//! A coroutine on a pool's worker may block for a job of that pool, which the worker
//! then runs meanwhile, in the midst of the loop. For that job there is no loop: it
//! may run one of its own. So there may be several, each with the depth at which it
//! runs, and only one of the present depth is *the* loop. Whoever blocks blocks all
//! of them.

use super::handle::Handle;
use super::shared::Shared;
use executor_core::current;
use std::cell::RefCell;
use std::sync::Arc;

thread_local! {
    /// The innermost is the last.
    static RUNNING: RefCell<Vec<(usize, Arc<Shared>)>> = const { RefCell::new(Vec::new()) };
}

/// The loop that runs on this thread.
pub(crate) fn running() -> Option<Arc<Shared>> {
    let here = |running: &RefCell<Vec<(usize, Arc<Shared>)>>| {
        let running = running.borrow();
        let (depth, shared) = running.last()?;
        (*depth == current::depth()).then(|| shared.clone())
    };
    // There is none while the thread is torn down.
    RUNNING.try_with(here).ok()?
}

pub(super) fn enter(running: Arc<Shared>) {
    let _ = RUNNING.try_with(|all| all.borrow_mut().push((current::depth(), running)));
}

pub(super) fn leave() {
    let left = RUNNING.try_with(|all| all.borrow_mut().pop());
    drop(left);
}

/// Whether it runs on this thread, at whatever depth.
pub(super) fn is(shared: &Shared) -> bool {
    let is_it = |running: &RefCell<Vec<(usize, Arc<Shared>)>>| {
        let running = running.borrow();
        running.iter().any(|(_, it)| std::ptr::eq(&**it, shared))
    };
    RUNNING.try_with(is_it).unwrap_or(false)
}

/// The handle of the loop that runs on this thread: Python's `get_running_loop`,
/// with `None` where that raises.
///
/// ```
/// use combinators::{EventLoop, get_running_loop};
/// use executor_core::TaskError;
///
/// assert!(get_running_loop().is_none());
/// let mut event_loop = EventLoop::new();
/// let inside = event_loop.run_until_complete(async {
///     Ok::<_, TaskError>(get_running_loop().is_some_and(|handle| handle.is_running()))
/// })?;
/// assert!(inside);
/// # Ok::<(), TaskError>(())
/// ```
pub fn get_running_loop() -> Option<Handle> {
    running().map(Handle::new)
}
