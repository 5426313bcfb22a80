//! Which loop runs on this thread.

use super::handle::Handle;
use super::shared::Shared;
use std::cell::RefCell;
use std::sync::Arc;

thread_local! {
    static RUNNING: RefCell<Option<Arc<Shared>>> = const { RefCell::new(None) };
}

/// The loop that runs on this thread.
pub(crate) fn running() -> Option<Arc<Shared>> {
    // There is none while the thread is torn down.
    RUNNING.try_with(|running| running.borrow().clone()).ok()?
}

pub(super) fn set(running: Option<Arc<Shared>>) {
    let former = RUNNING.try_with(|slot| slot.replace(running));
    drop(former);
}

pub(super) fn is(shared: &Shared) -> bool {
    let is_it = |running: &RefCell<Option<Arc<Shared>>>| match &*running.borrow() {
        Some(running) => std::ptr::eq(&**running, shared),
        None => false,
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
