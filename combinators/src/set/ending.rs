//! Cancelling tasks together, and what that leaves running.

use super::TaskSet;
use crate::cancelled::{Leftover, leave};
use executor_core::Countdown;
use std::task::{Context, Poll};

/// Cancels what is not done. Nobody needs to look at the errors.
pub(crate) fn cancel_all<S: TaskSet>(tasks: &mut S) {
    tasks.visit(&mut |task| {
        task.cancel();
        true
    });
}

/// Cancels what is not done, since nobody waits for it any more; what has not ended
/// then is left to whoever cancels.
pub(crate) fn give_up<S: TaskSet>(mut tasks: S) {
    let mut ends_later = Vec::with_capacity(tasks.count());
    tasks.visit(&mut |task| {
        ends_later.push(task.cancel());
        true
    });
    let count = ends_later.iter().filter(|&&ends_later| ends_later).count();
    if count == 0 {
        return;
    }
    let mut countdown = Countdown::new(count, |_| false);
    let mut ends_later = ends_later.into_iter();
    tasks.visit(&mut |task| {
        if ends_later.next() == Some(true) {
            task.watch(&mut countdown, 0);
        }
        true
    });
    leave(Box::new(Ending(countdown)));
}

/// Tasks that were cancelled, and have not ended.
struct Ending(Countdown);

impl Leftover for Ending {
    fn poll_ended(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.0.poll_all(context)
    }
}
