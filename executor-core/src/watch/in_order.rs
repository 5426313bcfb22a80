//! [`InOrder`]: until all tasks of a row are done, or one that decides.
//!
//! # Protocol
//!
//! Who needs all tasks need not be told by each. It waits for one at a time: it is
//! told when that is done, looks which of the others are, and goes on to the next
//! that is not. A task that is done is thus looked at and no more, and one that is
//! pending costs nothing but a look.
//!
//! * *Look at the front*: as many as are done, one after the other, are reported,
//!   so that their outcomes can be taken while the rest is still at work.
//! * *The first is pending*: it is not the one to wait for, or there would be a
//!   wake-up for each. There is a *window* of tasks from there on, and the last of
//!   it that is pending is waited for; when that is done, the next one before it,
//!   until the whole window is. So in whatever order they complete, each task is
//!   looked at a few times altogether. Each window is twice as long as the one
//!   before, but no longer than half of the rest: so there are few of them, and
//!   little is left to do when the last task is done.
//! * *A failure anywhere* ends the wait at once. Before it first sleeps it listens
//!   for failures (see `watch/failures.rs`), **then** looks at all tasks once. If
//!   it hears of one that is not among its own it stops listening, and has each
//!   task tell of itself through a [`Countdown`]: else others who fail often would
//!   have it search the row again and again.
//!
//! A few tasks are given to a `Countdown` at once: it needs no list that is shared
//! with others, and wakes once. So are all if a value decides, since only failures
//! can be heard of.
//!
//! The waiter leaves its waker, **then** looks at what it has heard and at the task
//! that it waits for, so it sees what it will not be woken for. The models in
//! `watch/loom/in_order.rs` check this.

use super::failures::{Listening, Wanted};
use super::{Countdown, Settled};
use crate::task::Task;
use std::fmt;
use std::task::{Context, Poll};

/// How many tasks tell each for themselves.
const FEW: usize = if cfg!(loom) { 1 } else { 64 };
/// The shortest window.
const WINDOW: usize = if cfg!(loom) { 2 } else { 1024 };

/// Waits for a row of tasks from the first to the last, or for one whose end
/// decides the wait, wherever it stands.
///
/// For those who write combinators: it is what `gather` and `wait` are made of.
/// Where tasks differ in type, [`Countdown`] is for them. For each of many tasks it
/// costs little more than to await them one after the other, it is woken as often
/// as that pays, and hears of a failure at once.
///
/// Dropping it leaves the tasks as they are.
///
/// # Cancel safety
/// Polling may be given up at any time.
///
/// ```
/// use executor_core::{InOrder, Progress, Settled, Task, promise};
/// use std::future::poll_fn;
///
/// let (promises, mut tasks): (Vec<_>, Vec<Task<u32>>) = (0..3).map(|_| promise("")).unzip();
/// for (number, promise) in (0..).zip(promises) {
///     promise.resolve(Ok(number));
/// }
/// let mut in_order = InOrder::new(|settled| settled != Settled::Value);
/// let progress = poll_fn(|context| in_order.poll(&mut tasks, context));
/// assert_eq!(futures::executor::block_on(progress), Progress::Done(3));
/// ```
pub struct InOrder {
    decides: fn(Settled) -> bool,
    how: How,
    /// The length of the window, when it began.
    window: usize,
    /// So many tasks follow those of the window that may be pending. Places are
    /// counted from the end, which stays where it is when tasks at the front go.
    after: usize,
    /// So many tasks follow the one that tells when it is done.
    after_teller: Option<usize>,
}

enum How {
    /// It has not slept yet.
    Looking,
    OneByOne(Listening),
    /// The place of a task is the number of those that follow it.
    Each(Countdown),
}

/// How far an [`InOrder`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many of the tasks given, from the first on, are done, and none of them has
    /// decided. Zero if none was given.
    Done(usize),
    /// The task at this place among those given has decided the wait.
    Decided(usize),
}

impl InOrder {
    /// Ends when all tasks are done, or one that `decides` it.
    pub fn new(decides: fn(Settled) -> bool) -> Self {
        Self {
            decides,
            how: How::Looking,
            window: 0,
            after: usize::MAX,
            after_teller: None,
        }
    }

    /// Ready when some more are done, or one has decided.
    ///
    /// `rest` are the tasks in their order, at each call without those that were
    /// [reported](Progress::Done) before; and without others at the front, if they
    /// are known to be done. Whoever waited for one of them before is told no more.
    pub fn poll<T: Send + 'static>(
        &mut self,
        rest: &mut [Task<T>],
        context: &mut Context<'_>,
    ) -> Poll<Progress> {
        if rest.is_empty() {
            return Poll::Ready(Progress::Done(0));
        }
        loop {
            if let How::Each(countdown) = &mut self.how {
                return countdown.poll(context).map(|decided| match decided {
                    None => Progress::Done(rest.len()),
                    Some(after) => Progress::Decided(rest.len().saturating_sub(after + 1)),
                });
            }
            let heard = self.heard();
            if !heard.is_empty() {
                match first_of(&heard, rest) {
                    Some(place) => return Poll::Ready(Progress::Decided(place)),
                    None => self.have_each_tell(rest),
                }
                continue;
            }
            if let Some(progress) = self.look(rest) {
                return Poll::Ready(progress);
            }
            // The first is pending.
            let How::OneByOne(listening) = &self.how else {
                if let Some(place) = self.settle_down(rest) {
                    return Poll::Ready(Progress::Decided(place));
                }
                continue;
            };
            listening.waker.register(context.waker());
            if listening.heard().is_empty() && self.have_the_last_tell(rest) {
                return Poll::Pending;
            }
        }
    }

    /// The cells of tasks that failed, which may be anybody's.
    fn heard(&self) -> Vec<usize> {
        match &self.how {
            How::OneByOne(listening) => listening.heard(),
            How::Looking | How::Each(_) => Vec::new(),
        }
    }

    /// Reports those at the front that are done; `None` if the first is pending.
    fn look<T: Send + 'static>(&self, rest: &[Task<T>]) -> Option<Progress> {
        let mut done = 0;
        while let Some(settled) = rest.get(done).and_then(Task::settled) {
            if (self.decides)(settled) {
                return Some(Progress::Decided(done));
            }
            done += 1;
        }
        (done > 0).then_some(Progress::Done(done))
    }

    /// Prepares for sleep: it will hear of every failure that comes from now on. The
    /// place of a task that has decided already, if one has.
    fn settle_down<T: Send + 'static>(&mut self, rest: &mut [Task<T>]) -> Option<usize> {
        let decides = self.decides;
        if rest.len() <= FEW || decides(Settled::Value) {
            self.have_each_tell(rest);
            return None;
        }
        let (mut least, mut greatest) = (usize::MAX, 0);
        for task in &mut *rest {
            task.unwatch();
            least = least.min(*task.extent().start());
            greatest = greatest.max(*task.extent().end());
        }
        let wanted = Wanted {
            errors: decides(Settled::Error),
            cancellations: decides(Settled::Cancelled),
        };
        self.how = How::OneByOne(Listening::new(wanted, least..=greatest));
        if !wanted.is_anything() {
            return None;
        }
        rest.iter()
            .position(|task| task.settled().is_some_and(decides))
    }

    fn have_each_tell<T: Send + 'static>(&mut self, rest: &mut [Task<T>]) {
        let mut countdown = Countdown::new(rest.len(), self.decides);
        let places = (0..rest.len()).rev();
        for (after, task) in places.zip(rest) {
            countdown.watch(task, after);
            if countdown.decided_by().is_some() {
                break;
            }
        }
        self.how = How::Each(countdown);
    }

    /// Has the last pending task of the window tell when it is done; false if none
    /// is left.
    fn have_the_last_tell<T: Send + 'static>(&mut self, rest: &mut [Task<T>]) -> bool {
        let How::OneByOne(listening) = &self.how else {
            return false;
        };
        if self.after >= rest.len() {
            self.window = (2 * self.window).min(rest.len() / 2).max(WINDOW);
            self.after = rest.len().saturating_sub(self.window);
        }
        while let Some(task) = rest.iter_mut().rev().nth(self.after) {
            let tells = self.after_teller == Some(self.after);
            if !task.is_done() && (tells || task.watch(listening.watcher(), self.after)) {
                self.after_teller = Some(self.after);
                return true;
            }
            self.after += 1;
        }
        false
    }
}

/// The place of the first that was heard of, among tasks of which it may be none.
fn first_of<T: Send + 'static>(heard: &[usize], rest: &[Task<T>]) -> Option<usize> {
    let when = |task: &Task<T>| heard.iter().position(|cell| *cell == task.cell());
    let known = rest.iter().enumerate();
    let known = known.filter_map(|(place, task)| Some((when(task)?, place)));
    known.min().map(|(_, place)| place)
}

impl fmt::Debug for InOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InOrder")
            .field("window", &self.window)
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
