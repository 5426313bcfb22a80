//! Dropping what was cancelled, and waiting for what that leaves running.
//!
//! A `Drop` cannot wait. A task group that is dropped has cancelled its children,
//! and a `wait_for` its task; but a coroutine ends at its next await. So they are
//! left to whoever cancelled, who can wait: a coroutine that is cancelled is done, a
//! timeout returns and a group around closes only once they have ended, as in
//! Python. Where nobody collects, because the future was simply dropped, nobody
//! waits.
//!
//! Nor does anybody who has cancelled wait for what goes on regardless, or else a
//! time limit would be worth as much as the slowest function on a thread. What is
//! left to wait for says [`cancel`]:
//!
//! * a coroutine ends at its next await, and a job in a process with its worker:
//!   they are waited for;
//! * a function on a thread that has asked for its token was asked to end. It is
//!   waited for, but no longer than [`GRACE`]: it may not look;
//! * a function on a thread that has not asked cannot be stopped, and is not waited
//!   for at all.

use crate::deadline::Deadline;
use executor_core::panic::discard;
use executor_core::{CancelOutcome, Task, TaskRef, current, say};
use std::cell::RefCell;
use std::task::{Context, Poll};
use std::time::Duration;

/// How long a function that was asked to end is waited for.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// What a cancellation leaves to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// It is done, or does not end for that.
    Nothing,
    /// It ends for that.
    Ends,
    /// It ends for that if it looks at its token.
    Asked,
}

/// Cancels a task, unless it is done.
pub(crate) fn cancel(task: &TaskRef) -> Rest {
    if task.is_done() {
        return Rest::Nothing;
    }
    match task.cancel() {
        CancelOutcome::TooLate => Rest::Nothing,
        _ if task.is_done() => Rest::Nothing,
        CancelOutcome::Requested if task.is_job() => Rest::Asked,
        _ => Rest::Ends,
    }
}

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

/// Leaves what was only asked to end to whoever collects, for a while.
pub(crate) fn leave_for_a_while(leftover: Box<dyn Leftover>) {
    leave(Box::new(ForAWhile(leftover, Deadline::after(GRACE))));
}

struct ForAWhile(Box<dyn Leftover>, Deadline);

impl Leftover for ForAWhile {
    fn poll_ended(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.0.poll_ended(context).is_ready() {
            return Poll::Ready(());
        }
        let passed = self.1.poll(context);
        if passed.is_ready() {
            say!(
                warn,
                "a function that was asked to end goes on, and nobody waits for it"
            );
        }
        passed
    }
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
