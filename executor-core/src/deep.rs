//! Code of the user's that may call back into us without end: a done callback resolves the
//! next task, whose callback resolves the next; a job that is cancelled drops the last handle
//! of another, which is cancelled by that. Each is a few frames, and a hundred thousand of
//! them overflow any stack. So the stack is made longer where it is nearly used up.

/// With less than this left the stack is made longer.
#[cfg(not(loom))]
const LEFT: usize = 32 << 10;
/// By so much.
#[cfg(not(loom))]
const MORE: usize = 1 << 20;

/// Runs `f`, on more stack if there is little left.
#[cfg(not(loom))]
#[inline]
pub(crate) fn deeply<R>(f: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(LEFT, MORE, f)
}

/// A model has stacks of its own.
#[cfg(loom)]
pub(crate) fn deeply<R>(f: impl FnOnce() -> R) -> R {
    f()
}
