//! [`Flight`]: one job of a map that is under way.

use super::chunk::Ran;
use super::items::Items;
use super::landed::{Front, Landed, Over};
use super::shelf::{Fault, Finished, Shelf};
use crate::error::TaskError;
use crate::partial::published::Reader;
use crate::task::Task;
use crate::watch::Completions;
use std::any::type_name;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// One job.
pub(super) enum Flight<A: Send + 'static, R: Send + 'static> {
    One(Task<R>),
    /// One that tells how many nanoseconds it took.
    Timed(Task<(R, u64)>),
    Chunk(Flying<A, R>),
}

/// A chunk that is under way.
pub(super) struct Flying<A: Send + 'static, R: Send + 'static> {
    task: Task<Ran>,
    shelf: Arc<Shelf<A, R>>,
    results: Reader<Finished<R>>,
    inputs: usize,
    /// So many results were fetched.
    fetched: usize,
    /// It may give inputs back without having failed.
    gives_back: bool,
    /// What each input may take.
    limit: Option<Duration>,
    /// The shelf knows who is to be told.
    rings: bool,
}

impl<A: Send + 'static, R: Send + 'static> Flight<A, R> {
    /// Inputs that have no outcome.
    pub(super) fn unfinished(&self) -> usize {
        match self {
            Self::One(task) => usize::from(!task.is_done()),
            Self::Timed(task) => usize::from(!task.is_done()),
            Self::Chunk(flying) if flying.task.is_done() => 0,
            Self::Chunk(flying) => flying.inputs - flying.shelf.finished(),
        }
    }

    /// Has `completions` told when there is something to be looked at.
    pub(super) fn watch(&mut self, completions: &mut Completions, slot: usize) {
        match self {
            Self::One(task) => completions.watch(task, slot),
            Self::Timed(task) => completions.watch(task, slot),
            Self::Chunk(flying) => {
                flying.shelf.seen(flying.fetched);
                flying.shelf.ring_for(completions.watcher(), slot);
                completions.watch(&mut flying.task, slot);
                // What was finished before that has rung for nobody.
                if !flying.task.is_done() && flying.results.available() > 0 {
                    flying.shelf.ring();
                }
            }
        }
    }

    /// What there is, without waiting.
    pub(super) fn look(&mut self) -> Option<Landed<A, R>> {
        let done = match self {
            Self::One(task) => task.is_done(),
            Self::Timed(task) => task.is_done(),
            Self::Chunk(flying) => return flying.look(),
        };
        done.then(|| self.landed())
    }

    /// What there is. Of what comes early, `front` is told.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, front: &Arc<Front>) -> Poll<Landed<A, R>> {
        match self {
            Self::One(task) => ready!(task.poll_done(cx)),
            Self::Timed(task) => ready!(task.poll_done(cx)),
            Self::Chunk(flying) => return flying.poll(cx, front),
        }
        Poll::Ready(self.landed())
    }

    /// The outcome of one that is done.
    fn landed(&mut self) -> Landed<A, R> {
        match self {
            Self::One(task) => Landed::One(task.try_result()),
            Self::Timed(task) => match task.try_result() {
                Ok((result, nanos)) => Landed::Timed(Ok(result), Some(nanos)),
                Err(error) => Landed::Timed(Err(error), None),
            },
            Self::Chunk(flying) => Landed::Chunk(flying.land()),
        }
    }
}

impl<A: Send + 'static, R: Send + 'static> Flying<A, R> {
    pub(super) fn new(
        task: Task<Ran>,
        shelf: Arc<Shelf<A, R>>,
        results: Reader<Finished<R>>,
        inputs: usize,
    ) -> Self {
        Self {
            task: task.cancel_on_drop(),
            shelf,
            results,
            inputs,
            fetched: 0,
            gives_back: false,
            limit: None,
            rings: false,
        }
    }

    /// Says what its plan is.
    pub(super) fn planned(mut self, gives_back: bool, limit: Option<Duration>) -> Self {
        (self.gives_back, self.limit) = (gives_back, limit);
        self
    }

    fn look(&mut self) -> Option<Landed<A, R>> {
        if self.task.is_done() {
            return Some(Landed::Chunk(self.land()));
        }
        let early = self.fetch();
        (!early.is_empty()).then_some(Landed::Early(early))
    }

    fn poll(&mut self, cx: &mut Context<'_>, front: &Arc<Front>) -> Poll<Landed<A, R>> {
        if let Some(landed) = self.look() {
            return Poll::Ready(landed);
        }
        // Before the last look.
        front.register(cx.waker());
        if !std::mem::replace(&mut self.rings, true) {
            self.shelf.ring_for(front.clone(), 0);
        }
        if self.task.poll_done(cx).is_pending() && self.results.available() == 0 {
            return Poll::Pending;
        }
        self.look().map_or(Poll::Pending, Poll::Ready)
    }

    /// The results that are there.
    fn fetch(&mut self) -> Vec<Result<R, TaskError>> {
        let there = self.results.available();
        let mut fetched = Vec::with_capacity(there);
        let (id, name) = (self.task.id(), self.task.name());
        self.results.take(there, |finished| {
            fetched.push(finished.map_err(|fault| describe::<R>(*fault).for_task(id, name)));
        });
        self.fetched += there;
        self.shelf.seen(self.fetched);
        fetched
    }

    fn name_it(&self, error: TaskError) -> TaskError {
        error.for_task(self.task.id(), self.task.name())
    }

    /// What is left of it when its task is done.
    fn land(&mut self) -> Over<A, R> {
        let outcome = self.task.try_result();
        // Taken before the results are counted: a function that goes on, past its limit,
        // begins none of these.
        let mut rest: Vec<A> = self.shelf.take_rest().collect();
        let mut results = self.fetch();
        let nanos = outcome.as_ref().ok().map(|ran| ran.nanos);
        let missing = self.inputs.saturating_sub(self.fetched + rest.len());
        let error = match outcome {
            Ok(_) if missing == 0 && self.may_give_back(rest.len()) => None,
            Ok(_) => {
                let (came, inputs) = (self.fetched, self.inputs);
                drop(Items::from(std::mem::take(&mut rest)));
                let cause = format!("{came} results came for {inputs} inputs");
                Some(self.name_it(TaskError::decode("a chunk", cause)))
            }
            Err(error) => Some(self.blame(error, missing)),
        };
        let suspect = missing == 0 && error.is_some();
        if let Some(error) = error {
            let without = self.inputs.saturating_sub(self.fetched + rest.len());
            results.extend(std::iter::repeat_n(error, without).map(Err));
        }
        let ran = (self.fetched, nanos);
        Over {
            results,
            rest,
            suspect,
            ran,
        }
    }

    fn may_give_back(&self, inputs: usize) -> bool {
        inputs == 0 || self.gives_back && self.fetched > 0
    }

    /// The error of each of so many inputs.
    fn blame(&self, error: TaskError, inputs: usize) -> TaskError {
        let Some(limit) = self.limit.filter(|_| error.is_timed_out()) else {
            return error;
        };
        let others = inputs.saturating_sub(1);
        self.name_it(match others {
            0 => TaskError::timed_out(limit, "its job was given up"),
            _ => TaskError::timed_out(
                limit,
                format!(
                    "it, or one of the {others} others of its chunk that were unfinished, took \
                     so long: with `retries`, or `chunks(1)`, the others are run"
                ),
            ),
        })
    }
}

#[cold]
fn describe<R>(fault: Fault) -> TaskError {
    match fault {
        Fault::Panicked(report) => TaskError::panicked(report),
        Fault::Unencoded(why) => {
            TaskError::encode(format!("result of type `{}`", type_name::<R>()), why)
        }
    }
}

impl<A: Send + 'static, R: Send + 'static> Drop for Flying<A, R> {
    /// One that runs stops at its next input, where it runs in this process.
    fn drop(&mut self) {
        if !self.task.is_done() {
            self.shelf.abandon();
        }
    }
}
