//! [`Map`]: the results of one function for many inputs, as a stream.
//!
//! `map/inputs.rs` reads inputs and submits them; `map/flights.rs` has the jobs that
//! are under way and says which is next; `map/pace.rs` finds out how many inputs
//! go into one; `map/options.rs` has what users say, `map/limit.rs` the time limit.
//!
//! A job of several inputs is a chunk (`map/chunk.rs`). Its results stand on a shelf
//! (`map/shelf.rs`) as they are finished, whether it runs in this process or, as records
//! (`map/records.rs`), in another one; `map/run.rs` goes through the inputs.

mod chunk;
mod flight;
mod flights;
mod inputs;
mod items;
mod landed;
mod limit;
mod options;
mod pace;
mod records;
mod run;
mod shelf;
#[cfg(test)]
mod tests;

use self::flights::Flights;
use self::items::{Items, Left};
use self::landed::Landed;
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
    /// Inputs that were read for a chunk and not submitted, because reading the next
    /// one has panicked.
    read: Items<I::Item>,
    /// `None` if it is to be found out.
    chunk: Option<usize>,
    pace: Pace,
    flights: Flights<I::Item, R>,
    /// Inputs that were submitted and whose results were not yielded.
    ahead: usize,
    /// Results of the chunk at hand that were not yielded yet.
    ready: Left<Result<R, TaskError>>,
    called: Instant,
    limit: Option<Limit>,
    retries: u32,
    input_limit: Option<Duration>,
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
            read: Items::new(),
            chunk: None,
            pace: Pace::new(),
            flights: Flights::in_order(),
            ahead: 0,
            ready: Left::of(Vec::new()),
            called: Instant::now(),
            limit: None,
            retries: 0,
            input_limit: None,
            result: PhantomData,
        }
    }

    fn is_over(&self) -> bool {
        self.limit.as_ref().is_some_and(Limit::has_passed)
    }

    /// The end of a stream whose limit has passed. `None` if it was its end
    /// anyway.
    fn give_up(&mut self) -> Option<TaskError> {
        // Nobody has learnt as yet whether there would have been another one. To
        // read it would be a loss, and may block.
        let unread = self.inputs.take().map_or((0, Some(0)), |i| i.size_hint());
        let unfinished = self.flights.unfinished() + self.read.len();
        self.read = Items::new();
        self.flights = Flights::in_order();
        self.ahead = 0;
        let limit = self.limit.as_ref()?.length();
        (unread.1 != Some(0) || unfinished > 0).then(|| {
            let rest = match unread {
                (_, Some(0)) => "",
                (0, _) => ", others may be unread",
                _ => ", others were not read",
            };
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
            if !this.is_over() {
                this.fill();
            }
            // Perhaps only now, when an input has taken its time.
            let over = this.is_over();
            match this.flights.poll_next(cx) {
                Poll::Ready(Some(Landed::One(item))) => {
                    this.ahead -= 1;
                    return Poll::Ready(Some(item));
                }
                Poll::Ready(Some(Landed::Early(results))) => this.ready = Left::of(results),
                Poll::Ready(Some(Landed::Timed(item, nanos))) => {
                    this.pace.learn(1, nanos);
                    this.ahead -= 1;
                    return Poll::Ready(Some(item));
                }
                Poll::Ready(Some(Landed::Chunk(chunk))) => {
                    this.pace.learn(chunk.ran.0, chunk.ran.1);
                    this.submit_again(chunk.rest, chunk.suspect);
                    this.ready = Left::of(chunk.results);
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
