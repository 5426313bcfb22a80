//! Dropping what was cancelled, and waiting for what that leaves running.
//!
//! A `Drop` cannot wait. A task group that is dropped has cancelled its children,
//! and a `wait_for` its task; but a coroutine ends at its next await, and a function
//! on a thread when it is through. So they are left to whoever cancelled, who can
//! wait: a coroutine that is cancelled is done, a timeout returns and a group around
//! closes only once they have ended, as in Python. Where nobody collects, because
//! the future was simply dropped, nobody waits.

use executor_core::panic::discard;
use executor_core::{Task, current};
use std::cell::RefCell;
use std::task::{Context, Poll};

/// Something that was cancelled and has not ended.
pub(crate) trait Leftover: Send {
    /// Ready when it has ended.
    fn poll_ended(&mut self, context: &mut Context<'_>) -> Poll<()>;
}

impl<T: Send + 'static> Leftover for Task<T> {
    fn poll_ended(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.poll_done(context)
    }
}

type Collected = Vec<Box<dyn Leftover>>;

thread_local! {
    static COLLECTED: RefCell<Option<Collected>> = const { RefCell::new(None) };
}

/// Drops `cancelled`: what it awaits is cancelled with it, and what that leaves
/// running is returned.
pub(crate) fn drop_cancelled<T>(cancelled: T) -> Leftovers {
    collect(|| current::cancelling(|| discard(cancelled)))
}

/// Runs `f`, which drops what was cancelled, and returns what that leaves running.
fn collect(f: impl FnOnce()) -> Leftovers {
    struct Restore(Option<Collected>);
    impl Drop for Restore {
        fn drop(&mut self) {
            let _ = COLLECTED.try_with(|collected| collected.replace(self.0.take()));
        }
    }
    let former = COLLECTED.try_with(|collected| collected.replace(Some(Vec::new())));
    let _restore = Restore(former.ok().flatten());
    f();
    let collected = COLLECTED.try_with(|collected| collected.take());
    Leftovers(collected.ok().flatten().unwrap_or_default())
}

/// Leaves `leftover` to whoever collects, if somebody does.
pub(crate) fn leave(leftover: Box<dyn Leftover>) {
    let mut leftover = Some(leftover);
    let _ = COLLECTED.try_with(|collected| {
        if let Some(collected) = &mut *collected.borrow_mut() {
            collected.extend(leftover.take());
        }
    });
    // Nobody does, and what it drops is not ours.
    discard(leftover);
}

/// Tasks that were cancelled and have not ended.
#[derive(Default)]
pub(crate) struct Leftovers(Collected);

impl Leftovers {
    /// Ready when all have ended.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.0
            .retain_mut(|left| left.poll_ended(context).is_pending());
        match self.0.is_empty() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

impl Drop for Leftovers {
    /// Whoever waited for them is itself being dropped.
    fn drop(&mut self) {
        self.0.drain(..).for_each(leave);
    }
}
