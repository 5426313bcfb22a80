//! Cancelling tasks together, and what that leaves running.

use super::WaitedSet;
use crate::cancelled::{Leftover, Rest, leave, leave_for_a_while};
use executor_core::Countdown;
use std::task::{Context, Poll};

/// Cancels what is not done. Nobody needs to look at the errors.
pub(crate) fn cancel_all<W: WaitedSet>(tasks: &mut W) {
    tasks.visit(&mut |task| {
        task.cancel();
        true
    });
}

/// Cancels what is not done, since nobody waits for it any more; what has not ended
/// then is left to whoever cancels.
pub(crate) fn give_up<W: WaitedSet>(mut tasks: W) {
    let mut rests = Vec::with_capacity(tasks.count());
    tasks.visit(&mut |task| {
        rests.push(task.cancel());
        true
    });
    if let Some(ending) = Ending::of(&mut tasks, &rests, Rest::Ends) {
        leave(Box::new(ending));
    }
    if let Some(ending) = Ending::of(&mut tasks, &rests, Rest::Asked) {
        leave_for_a_while(Box::new(ending));
    }
}

/// Tasks that were cancelled, and have not ended.
struct Ending(Countdown);

impl Ending {
    /// Those of which this `rest` is left, if there are any.
    fn of<W: WaitedSet>(tasks: &mut W, rests: &[Rest], rest: Rest) -> Option<Self> {
        let count = rests.iter().filter(|&&its| its == rest).count();
        if count == 0 {
            return None;
        }
        let mut countdown = Countdown::new(count, |_| false);
        let mut rests = rests.iter();
        tasks.visit(&mut |task| {
            if rests.next() == Some(&rest) {
                task.watch(&mut countdown, 0);
            }
            true
        });
        Some(Self(countdown))
    }
}

impl Leftover for Ending {
    fn poll_ended(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.0.poll(context).map(drop)
    }
}
