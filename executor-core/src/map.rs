//! [`Map`]: the results of one function for many inputs, as a stream.
//!
//! `map/inputs.rs` reads inputs and submits them; `map/flights.rs` has the jobs that
//! are under way and says which is next; `map/pace.rs` finds out how many inputs
//! go into one; `map/limit.rs` has the time limit.

mod flights;
mod inputs;
mod limit;
mod pace;
#[cfg(test)]
mod tests;

use self::flights::{Flights, Landed};
use self::limit::Limit;
use self::pace::Pace;
use crate::error::TaskError;
use crate::executor::Executor;
use futures_core::Stream;
use serde::{Serialize, de::DeserializeOwned};
use std::any::type_name;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// A stream of results in the order of their inputs, or
/// [`unordered`](Self::unordered): made by
/// [`ExecutorExt::map`](crate::ExecutorExt::map).
///
/// Inputs are read lazily, so they may be endless: at most
/// [`buffered`](Self::buffered) of them are submitted and not yet yielded. An
/// input whose job fails yields its error in its place, and the stream goes on.
/// Neither an input that was used nor a result that was yielded is kept.
///
/// Dropping the stream cancels what it has submitted.
///
/// # Cancel safety
/// Waiting for the next item may be given up at any time.
///
/// ```
/// use executor_core::{ExecutorExt as _, Inline, TaskError};
/// use futures::{StreamExt as _, executor::block_on};
///
/// let pool = Inline::new();
/// let squares = pool.map(|n: u64| n * n, 0..).buffered(4).take(3);
/// let squares: Vec<Result<u64, TaskError>> = block_on(squares.collect());
/// assert_eq!(squares.into_iter().collect::<Result<Vec<_>, _>>()?, [0, 1, 4]);
/// # Ok::<(), TaskError>(())
/// ```
#[must_use = "a stream reads no input until it is polled"]
pub struct Map<'e, E: ?Sized, F, I, R>
where
    I: Iterator<Item: Send + 'static>,
    R: Send + 'static,
{
    executor: &'e E,
    function: F,
    /// `None` once they have ended, or are to be read no further.
    inputs: Option<I>,
    /// How many inputs may be ahead; `None` is the default.
    buffered: Option<usize>,
    /// `None` if it is to be found out.
    chunk: Option<usize>,
    pace: Pace,
    flights: Flights<I::Item, R>,
    /// Inputs that were submitted and whose results were not yielded.
    ahead: usize,
    /// Results of the chunk at hand that were not yielded yet.
    ready: std::vec::IntoIter<Result<R, TaskError>>,
    called: Instant,
    limit: Option<Limit>,
    result: PhantomData<fn() -> R>,
}

// Nothing in it is pinned.
impl<E: ?Sized, F, I, R> Unpin for Map<'_, E, F, I, R>
where
    I: Iterator<Item: Send + 'static>,
    R: Send + 'static,
{
}

impl<'e, E, F, A, R, I> Map<'e, E, F, I, R>
where
    E: Executor + ?Sized,
    F: Fn(A) -> R + Copy + Send + 'static,
    A: Serialize + DeserializeOwned + Send + 'static,
    R: Serialize + DeserializeOwned + Send + 'static,
    I: Iterator<Item = A>,
{
    pub(crate) fn new(executor: &'e E, function: F, inputs: I) -> Self {
        Self {
            executor,
            function,
            inputs: Some(inputs),
            buffered: None,
            chunk: None,
            pace: Pace::new(),
            flights: Flights::in_order(),
            ahead: 0,
            ready: Vec::new().into_iter(),
            called: Instant::now(),
            limit: None,
            result: PhantomData,
        }
    }

    /// Submits `inputs` of them ahead of the one that is yielded next, as long as
    /// there are so many: exactly as many with [`chunks`](Self::chunks), and
    /// otherwise never more, and fewer by less than a chunk.
    ///
    /// Without it that is four chunks for each job that can run at the same
    /// time. Zero, which could never yield anything, is an error: the stream
    /// yields it and ends.
    pub fn buffered(mut self, inputs: usize) -> Self {
        self.buffered = Some(inputs);
        self
    }

    /// Sends `inputs` of them as one job, which saves most of the cost of a job
    /// for short functions.
    ///
    /// The results are the same: a panic in one costs the others nothing. What
    /// ends the whole job, such as the death of its worker, fails each input of
    /// the chunk. A chunk is never larger than what is buffered. Zero is an
    /// error: the stream yields it and ends.
    ///
    /// Without it the number is found out as the stream goes, by how long inputs
    /// take: those that take half a millisecond or more go one by one, shorter ones
    /// together, up to 512 of them, as many as take about that long, and so that
    /// no more is ahead than is to be [`buffered`](Self::buffered). Where inputs
    /// turn out to be longer, a job stops when it has run for two milliseconds, and
    /// the rest of its inputs are submitted anew. Say `chunks(1)` where an input may
    /// end its worker.
    pub fn chunks(mut self, inputs: usize) -> Self {
        self.chunk = Some(inputs);
        self
    }

    /// Yields results in the order in which they are done, so that one which
    /// takes long holds up no other; those of a chunk come together.
    ///
    /// It reads as far ahead as an ordered one. What is to tell which input a
    /// result belongs to has to be part of the result.
    ///
    /// ```
    /// use executor_core::{ExecutorExt as _, Inline};
    /// use futures::{StreamExt as _, executor::block_on};
    ///
    /// let pool = Inline::new();
    /// let squares = pool.map(|n: u64| (n, n * n), 0..9).unordered();
    /// let mut squares: Vec<_> = block_on(squares.map(Result::unwrap).collect());
    /// squares.sort();
    /// assert_eq!(squares[8], (8, 64));
    /// ```
    pub fn unordered(mut self) -> Self {
        self.flights = self.flights.into_as_done();
        self
    }

    /// Ends the stream when `limit` has passed, counted from the call of `map`.
    ///
    /// From then on no input is read, and what is done already is still yielded.
    /// In place of the first result that would have to be waited for comes one
    /// error of the kind [`TimedOut`](crate::TaskErrorKind::TimedOut), which says
    /// how many inputs were unfinished; those are cancelled, and the stream ends.
    ///
    /// ```
    /// use executor_core::{ExecutorExt as _, Inline};
    /// use futures::{StreamExt as _, executor::block_on};
    /// use std::time::Duration;
    ///
    /// let pool = Inline::new();
    /// let endless = pool.map(|n: u64| n, 0..).timeout(Duration::from_millis(10));
    /// let last = block_on(endless.fold(None, async |_, item| Some(item)));
    /// assert!(last.unwrap().unwrap_err().is_timed_out());
    /// ```
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = Some(Limit::new(self.called, limit));
        self
    }

    /// The end of a stream whose limit has passed. `None` if it was its end
    /// anyway.
    fn give_up(&mut self) -> Option<TaskError> {
        // Nobody has learnt as yet whether there would have been another one.
        let unread = self.inputs.take().is_some_and(|mut i| i.next().is_some());
        let unfinished = self.flights.unfinished();
        self.flights = Flights::in_order();
        self.ahead = 0;
        let limit = self.limit.as_ref()?.length();
        (unread || unfinished > 0).then(|| {
            let rest = if unread { ", others were not read" } else { "" };
            let what_now = format!("{unfinished} inputs were unfinished and are cancelled{rest}");
            TaskError::timed_out(limit, what_now)
        })
    }
}

impl<E, F, A, R, I> Stream for Map<'_, E, F, I, R>
where
    E: Executor + ?Sized,
    F: Fn(A) -> R + Copy + Send + 'static,
    A: Serialize + DeserializeOwned + Send + 'static,
    R: Serialize + DeserializeOwned + Send + 'static,
    I: Iterator<Item = A>,
{
    type Item = Result<R, TaskError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if let Some(refusal) = this.refusal() {
            return Poll::Ready(this.inputs.take().map(|_| Err(refusal)));
        }
        loop {
            if let Some(item) = this.ready.next() {
                this.ahead -= 1;
                return Poll::Ready(Some(item));
            }
            let over = this.limit.as_ref().is_some_and(Limit::has_passed);
            if !over {
                this.fill();
            }
            match this.flights.poll_next(cx) {
                Poll::Ready(Some(Landed::One(item))) => {
                    this.ahead -= 1;
                    return Poll::Ready(Some(item));
                }
                Poll::Ready(Some(Landed::Chunk(results))) => this.ready = results.into_iter(),
                Poll::Ready(Some(Landed::Timed(item, nanos))) => {
                    this.pace.learn(1, nanos);
                    this.ahead -= 1;
                    return Poll::Ready(Some(item));
                }
                Poll::Ready(Some(Landed::Part(results, rest, nanos))) => {
                    this.pace.learn(results.len(), nanos);
                    this.submit_again(rest);
                    this.ready = results.into_iter();
                }
                Poll::Pending | Poll::Ready(None) if over => {
                    return Poll::Ready(this.give_up().map(Err));
                }
                Poll::Ready(None) => return Poll::Ready(None),
                // Looped if it has passed: what is done by now still counts.
                Poll::Pending => match this.limit.as_mut().map(|limit| limit.poll(cx)) {
                    Some(Poll::Ready(())) => {}
                    Some(Poll::Pending) | None => return Poll::Pending,
                },
            }
        }
    }
}

impl<E: ?Sized, F, I, R> std::fmt::Debug for Map<'_, E, F, I, R>
where
    I: Iterator<Item: Send + 'static>,
    R: Send + 'static,
{
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Map")
            .field("function", &type_name::<F>())
            .field("buffered", &self.buffered)
            .field("chunks", &self.chunk)
            .field("ahead", &self.ahead)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
