//! [`Flights`]: the jobs of a map that are under way, and which of them is next.
//!
//! A chunk is next as soon as it has results, and again when it has others.

use super::flight::Flight;
use super::landed::{Front, Landed};
use crate::watch::Completions;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// Jobs that were submitted and whose results were not fetched.
pub(super) enum Flights<A: Send + 'static, R: Send + 'static> {
    /// The foremost is the next.
    InOrder(VecDeque<Flight<A, R>>, Arc<Front>),
    /// The first that has something is the next.
    AsDone(AsDone<A, R>),
}

/// Jobs in slots: the number of a slot is the token of its job.
pub(super) struct AsDone<A: Send + 'static, R: Send + 'static> {
    slots: Vec<Option<Flight<A, R>>>,
    free: Vec<usize>,
    completions: Completions,
}

impl<A: Send + 'static, R: Send + 'static> Flights<A, R> {
    pub(super) fn in_order() -> Self {
        Self::InOrder(VecDeque::new(), Arc::new(Front::new()))
    }

    /// The same jobs, the next of which is the first that has something.
    pub(super) fn into_as_done(self) -> Self {
        let Self::InOrder(flights, _) = self else {
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
            Self::InOrder(flights, _) => flights.push_back(flight),
            Self::AsDone(as_done) => as_done.add(flight),
        }
    }

    /// Adds jobs whose inputs come before all others.
    pub(super) fn add_foremost(&mut self, foremost: Vec<Flight<A, R>>) {
        match self {
            Self::InOrder(flights, _) => {
                let backwards = foremost.into_iter().rev();
                backwards.for_each(|flight| flights.push_front(flight));
            }
            Self::AsDone(as_done) => foremost.into_iter().for_each(|f| as_done.add(f)),
        }
    }

    /// Inputs that have no outcome.
    pub(super) fn unfinished(&self) -> usize {
        match self {
            Self::InOrder(flights, _) => flights.iter().map(Flight::unfinished).sum(),
            Self::AsDone(it) => it.slots.iter().flatten().map(Flight::unfinished).sum(),
        }
    }

    /// What there is of the next job, or `None` if none is under way.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Landed<A, R>>> {
        match self {
            Self::InOrder(flights, front) => {
                let Some(flight) = flights.front_mut() else {
                    return Poll::Ready(None);
                };
                let landed = ready!(flight.poll(cx, front));
                if !matches!(landed, Landed::Early(_)) {
                    flights.pop_front();
                }
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
        flight.watch(&mut self.completions, slot);
        self.slots[slot] = Some(flight);
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Landed<A, R>>> {
        if self.free.len() == self.slots.len() {
            return Poll::Ready(None);
        }
        loop {
            let slot = ready!(self.completions.poll_next(cx));
            // A chunk may have told of results that were fetched meanwhile, or that were
            // those of a chunk which had this slot before.
            let Some(landed) = self.slots[slot].as_mut().and_then(Flight::look) else {
                continue;
            };
            if !matches!(landed, Landed::Early(_)) {
                self.slots[slot] = None;
                self.free.push(slot);
            }
            return Poll::Ready(Some(landed));
        }
    }
}
