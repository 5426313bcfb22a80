//! [`Flights`]: the jobs of a map that are under way, and which of them is next.

use super::pace::Part;
use crate::error::TaskError;
use crate::panic::PanicReport;
use crate::task::{Task, TaskId};
use crate::watch::Completions;
use std::collections::VecDeque;
use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Jobs that were submitted and whose results were not fetched.
pub(super) enum Flights<A: Send + 'static, R: Send + 'static> {
    /// The foremost is the next.
    InOrder(VecDeque<Flight<A, R>>),
    /// The first that is done is the next.
    AsDone(AsDone<A, R>),
}

/// Jobs in slots: the number of a slot is the token of its job.
pub(super) struct AsDone<A: Send + 'static, R: Send + 'static> {
    slots: Vec<Option<Flight<A, R>>>,
    free: Vec<usize>,
    completions: Completions,
}

/// One job.
pub(super) enum Flight<A: Send + 'static, R: Send + 'static> {
    One(Task<R>),
    /// So many inputs.
    Chunk(Task<Vec<Result<R, PanicReport>>>, usize),
    /// One that tells how many nanoseconds it took.
    Timed(Task<(R, u64)>),
    /// So many inputs, of which it may give some back.
    Part(Task<Part<A, R>>, usize),
}

/// What became of one job.
pub(super) enum Landed<A, R> {
    One(Result<R, TaskError>),
    /// One outcome for each input.
    Chunk(Vec<Result<R, TaskError>>),
    /// One, and how many nanoseconds it took if it did not fail.
    Timed(Result<R, TaskError>, Option<u64>),
    /// One outcome for each of the first inputs, the others, and how many
    /// nanoseconds it took if it did not fail.
    Part(Vec<Result<R, TaskError>>, Vec<A>, Option<u64>),
}

impl<A: Send + 'static, R: Send + 'static> Flights<A, R> {
    pub(super) fn in_order() -> Self {
        Self::InOrder(VecDeque::new())
    }

    /// The same jobs, the next of which is the first that is done.
    pub(super) fn into_as_done(self) -> Self {
        let Self::InOrder(flights) = self else {
            return self;
        };
        let mut as_done = AsDone {
            slots: Vec::new(),
            free: Vec::new(),
            completions: Completions::new(),
        };
        flights.into_iter().for_each(|flight| as_done.add(flight));
        Self::AsDone(as_done)
    }

    pub(super) fn add(&mut self, flight: Flight<A, R>) {
        match self {
            Self::InOrder(flights) => flights.push_back(flight),
            Self::AsDone(as_done) => as_done.add(flight),
        }
    }

    /// Adds jobs whose inputs come before all others.
    pub(super) fn add_foremost(&mut self, foremost: Vec<Flight<A, R>>) {
        match self {
            Self::InOrder(flights) => {
                let backwards = foremost.into_iter().rev();
                backwards.for_each(|flight| flights.push_front(flight));
            }
            Self::AsDone(as_done) => foremost.into_iter().for_each(|f| as_done.add(f)),
        }
    }

    /// Inputs whose job is not done.
    pub(super) fn unfinished(&self) -> usize {
        match self {
            Self::InOrder(flights) => flights.iter().map(Flight::unfinished).sum(),
            Self::AsDone(it) => it.slots.iter().flatten().map(Flight::unfinished).sum(),
        }
    }

    /// What became of the next job, or `None` if none is under way.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Landed<A, R>>> {
        match self {
            Self::InOrder(flights) => {
                let Some(flight) = flights.front_mut() else {
                    return Poll::Ready(None);
                };
                let landed = ready!(flight.poll(cx));
                flights.pop_front();
                Poll::Ready(Some(landed))
            }
            Self::AsDone(as_done) => as_done.poll_next(cx),
        }
    }
}

impl<A: Send + 'static, R: Send + 'static> AsDone<A, R> {
    fn add(&mut self, mut flight: Flight<A, R>) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        match &mut flight {
            Flight::One(task) => self.completions.watch(task, slot),
            Flight::Chunk(task, _) => self.completions.watch(task, slot),
            Flight::Timed(task) => self.completions.watch(task, slot),
            Flight::Part(task, _) => self.completions.watch(task, slot),
        }
        self.slots[slot] = Some(flight);
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Landed<A, R>>> {
        if self.free.len() == self.slots.len() {
            return Poll::Ready(None);
        }
        loop {
            let slot = ready!(self.completions.poll_next(cx));
            // Full, since each is told of once.
            if let Some(mut flight) = self.slots[slot].take() {
                self.free.push(slot);
                // Done, so its outcome is at hand.
                return flight.poll(cx).map(Some);
            }
        }
    }
}

impl<A: Send + 'static, R: Send + 'static> Flight<A, R> {
    fn unfinished(&self) -> usize {
        match self {
            Self::One(task) => usize::from(!task.is_done()),
            Self::Timed(task) => usize::from(!task.is_done()),
            Self::Chunk(task, _) if task.is_done() => 0,
            Self::Part(task, _) if task.is_done() => 0,
            Self::Chunk(_, inputs) | Self::Part(_, inputs) => *inputs,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Landed<A, R>> {
        Poll::Ready(match self {
            Self::One(task) => Landed::One(ready!(Pin::new(task).poll(cx))),
            Self::Chunk(task, inputs) => {
                let outcome = ready!(Pin::new(&mut *task).poll(cx));
                Landed::Chunk(spread(outcome, *inputs, task.id(), task.name()))
            }
            Self::Timed(task) => match ready!(Pin::new(task).poll(cx)) {
                Ok((result, nanos)) => Landed::Timed(Ok(result), Some(nanos)),
                Err(error) => Landed::Timed(Err(error), None),
            },
            Self::Part(task, inputs) => {
                let (outcome, rest, nanos) = match ready!(Pin::new(&mut *task).poll(cx)) {
                    Ok((results, rest, nanos)) => (Ok(results), rest, Some(nanos)),
                    Err(error) => (Err(error), Vec::new(), None),
                };
                let inputs = inputs.saturating_sub(rest.len());
                let results = spread(outcome, inputs, task.id(), task.name());
                Landed::Part(results, rest, nanos)
            }
        })
    }
}

/// One outcome for each input of a chunk.
fn spread<R>(
    outcome: Result<Vec<Result<R, PanicReport>>, TaskError>,
    inputs: usize,
    id: TaskId,
    name: &str,
) -> Vec<Result<R, TaskError>> {
    let panicked = |report| TaskError::panicked(report).for_task(id, name);
    match outcome {
        Ok(results) if results.len() == inputs => results
            .into_iter()
            .map(|result| result.map_err(panicked))
            .collect(),
        Ok(results) => {
            let cause = format!("{} results came for {inputs} inputs", results.len());
            let error = || TaskError::decode("a chunk", cause.clone()).for_task(id, name);
            (0..inputs).map(|_| Err(error())).collect()
        }
        Err(error) => std::iter::repeat_n(error, inputs).map(Err).collect(),
    }
}
