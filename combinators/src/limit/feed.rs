//! [`Feed`]: tasks that are taken from an iterator as others are done.
//!
//! There are as many slots as tasks may be unfinished. The number of a slot is the
//! token of the task in it; a slot whose task is done is emptied and the next task
//! is put into it. What has been taken from the iterator has a place among the
//! outcomes, in that order.

use crate::gather::policy::Policy;
use crate::group::waits_for_itself;
use crate::set::{Member, TaskSet as _, give_up};
use executor_core::panic::discard;
use executor_core::{Completions, Task, TaskError, current_task};
use std::collections::BTreeSet;
use std::fmt;
use std::task::{Context, Poll};

/// So many tasks may be done at once before others have their turn: an iterator of
/// tasks that are done already would keep its thread to itself.
const AT_ONCE: usize = 256;

pub(super) struct Feed<I: Iterator, T: Send + 'static> {
    /// `None` once they have ended, or no more is to be taken.
    inputs: Option<I>,
    start: fn(I::Item) -> Task<T>,
    /// Unfinished tasks, each with its place.
    slots: Vec<Option<(usize, Task<T>)>>,
    unfinished: usize,
    /// Slots whose tasks may be the one that waits: nobody has looked.
    fresh: BTreeSet<usize>,
    completions: Completions,
    outcomes: Vec<Option<Result<T, TaskError>>>,
    stage: Stage,
    pub(super) policy: Policy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The limit is zero.
    Refused,
    /// Nobody has begun to wait.
    Started,
    Awaited,
    Over,
}

/// What a failure does to the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnFailure {
    End,
    /// It is an outcome like others.
    Keep,
}

// Nothing in it is pinned.
impl<I: Iterator, T: Send + 'static> Unpin for Feed<I, T> {}

impl<I: Iterator, T: Send + 'static> Feed<I, T> {
    /// Starts the first of `inputs`, as many as `limit` allows.
    pub(super) fn new(inputs: I, start: fn(I::Item) -> Task<T>, limit: usize) -> Self {
        let mut feed = Self {
            inputs: Some(inputs),
            start,
            slots: Vec::new(),
            unfinished: 0,
            fresh: BTreeSet::new(),
            completions: Completions::new(),
            outcomes: Vec::new(),
            stage: match limit {
                0 => Stage::Refused,
                _ => Stage::Started,
            },
            policy: Policy::default(),
        };
        while feed.slots.len() < limit && feed.inputs.is_some() {
            feed.slots.push(None);
            feed.fill(feed.slots.len() - 1);
        }
        feed
    }

    fn read_no_more(&mut self) {
        discard(self.inputs.take());
    }

    /// Puts the next task into a slot that is empty.
    fn fill(&mut self, slot: usize) {
        let Some(inputs) = &mut self.inputs else {
            return;
        };
        let Some(input) = inputs.next() else {
            self.read_no_more();
            return;
        };
        let mut task = (self.start)(input);
        self.completions.watch(&mut task, slot);
        self.slots[slot] = Some((self.outcomes.len(), task));
        self.fresh.insert(slot);
        self.outcomes.push(None);
        self.unfinished += 1;
    }

    /// Ready when nothing is left to be done; with an error if that is the end of
    /// it.
    ///
    /// # Panics
    /// When it was over before: a future was polled after it was ready.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        on_failure: OnFailure,
    ) -> Poll<Option<TaskError>> {
        match self.stage {
            Stage::Refused => {
                let why = "`limit(0)` lets nothing start: it must be greater than 0";
                return Poll::Ready(Some(TaskError::rejected(why)));
            }
            Stage::Over => panic!("polled after it was ready"),
            Stage::Started | Stage::Awaited => self.stage = Stage::Awaited,
        }
        let mut done = 0;
        while self.unfinished > 0 {
            if done == AT_ONCE {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            done += 1;
            let (slot, own) = match self.completions.poll_next(context) {
                Poll::Ready(slot) => (slot, None),
                Poll::Pending => match self.own_task() {
                    Some((slot, error)) => (slot, Some(error)),
                    None => return Poll::Pending,
                },
            };
            let Some((place, mut task)) = self.slots[slot].take() else {
                continue;
            };
            self.unfinished -= 1;
            let outcome = match own {
                None => task.try_result(),
                Some(error) => {
                    // It has its slot to itself, should it end after all.
                    task.unwatch();
                    Err(error)
                }
            };
            if outcome.is_err() && self.policy.cancel_siblings {
                self.cancel();
            }
            match (outcome, on_failure) {
                (Err(error), OnFailure::End) => {
                    self.running().for_each(Task::ignore_error);
                    return Poll::Ready(Some(error));
                }
                (outcome, _) => self.outcomes[place] = Some(outcome),
            }
            self.fill(slot);
        }
        Poll::Ready(None)
    }

    /// The slot of the task that waits, if it is among those that nobody has looked at;
    /// with the error that it would wait for ever.
    fn own_task(&mut self) -> Option<(usize, TaskError)> {
        let fresh = std::mem::take(&mut self.fresh);
        let waits = current_task()?;
        let is_own = |slot: &usize| {
            let task = self.slots[*slot].as_ref();
            task.is_some_and(|(_, task)| task.id() == waits.id())
        };
        let slot = fresh.into_iter().find(is_own)?;
        Some((slot, waits_for_itself(&waits)))
    }

    fn running(&self) -> impl Iterator<Item = &Task<T>> {
        self.slots.iter().flatten().map(|(_, task)| task)
    }

    /// Takes nothing more, and cancels what runs.
    fn cancel(&mut self) {
        self.read_no_more();
        for task in self.running() {
            Member::cancel(task);
        }
    }

    /// The outcomes there are, in the order of the iterator; it is over now.
    pub(super) fn finish(&mut self) -> Vec<Result<T, TaskError>> {
        self.stage = Stage::Over;
        self.read_no_more();
        self.slots.clear();
        let outcomes = std::mem::take(&mut self.outcomes);
        outcomes.into_iter().flatten().collect()
    }

    /// It is over, and nobody wants the outcomes. One by one: should two of them
    /// panic in one `drop`, that would end the process.
    pub(super) fn give_up(&mut self) {
        self.finish().into_iter().for_each(discard);
    }
}

impl<I: Iterator, T: Send + 'static> Drop for Feed<I, T> {
    fn drop(&mut self) {
        let awaited = self.stage == Stage::Awaited;
        if self.stage != Stage::Over && self.policy.cancels_dropped(awaited) {
            // So that whoever waited is not woken for it.
            self.completions = Completions::new();
            let slots = std::mem::take(&mut self.slots);
            let tasks = slots.into_iter().flatten().map(|(_, task)| task);
            give_up(Vec::from_iter(tasks).into_waited());
        }
        Feed::give_up(self);
    }
}

impl<I: Iterator, T: Send + 'static> fmt::Debug for Feed<I, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed")
            .field("taken", &self.outcomes.len())
            .field("unfinished", &self.running().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
