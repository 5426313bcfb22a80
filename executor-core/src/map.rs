//! [`Map`]: the results of one function for many inputs, as an ordered stream.

use crate::error::TaskError;
use crate::executor::Executor;
use crate::ext::ExecutorExt as _;
use crate::panic::{PanicReport, catch};
use crate::task::{Task, TaskId};
use futures_core::Stream;
use serde::{Serialize, de::DeserializeOwned};
use std::any::type_name;
use std::collections::VecDeque;
use std::future::Future as _;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A stream of results in the order of their inputs: made by
/// [`ExecutorExt::map`](crate::ExecutorExt::map).
///
/// Inputs are read lazily, so they may be endless: at most
/// [`buffered`](Self::buffered) of them are submitted and not yet yielded. An
/// input whose job fails yields its error in its place, and the stream goes on.
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
    R: Send + 'static,
{
    executor: &'e E,
    function: F,
    inputs: Option<I>,
    /// How many inputs may be ahead; `None` is the default.
    buffered: Option<usize>,
    chunk: usize,
    in_flight: VecDeque<InFlight<R>>,
    /// Inputs in `in_flight`.
    ahead: usize,
    /// Results of the foremost chunk that were not yielded yet.
    ready: std::vec::IntoIter<Result<R, TaskError>>,
    result: PhantomData<fn() -> R>,
}

enum InFlight<R: Send + 'static> {
    One(Task<R>),
    Chunk(Task<Vec<Result<R, PanicReport>>>, usize),
}

// Nothing in it is pinned.
impl<E: ?Sized, F, I, R: Send + 'static> Unpin for Map<'_, E, F, I, R> {}

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
            chunk: 1,
            in_flight: VecDeque::new(),
            ahead: 0,
            ready: Vec::new().into_iter(),
            result: PhantomData,
        }
    }

    /// Submits exactly `inputs` of them ahead of the one that is yielded next,
    /// as long as there are so many.
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
    pub fn chunks(mut self, inputs: usize) -> Self {
        self.chunk = inputs;
        self
    }

    fn limit(&self) -> usize {
        self.buffered.unwrap_or_else(|| {
            let jobs = self.executor.concurrency().saturating_mul(4);
            jobs.saturating_mul(self.chunk)
        })
    }

    /// Submits inputs until enough are ahead, or there are no more.
    fn fill(&mut self) {
        let limit = self.limit();
        while self.ahead < limit {
            let Some(inputs) = &mut self.inputs else {
                return;
            };
            let want = self.chunk.min(limit - self.ahead);
            if self.chunk == 1 {
                match inputs.next() {
                    Some(input) => self.submit_one(input),
                    None => self.inputs = None,
                }
            } else {
                let chunk: Vec<A> = inputs.take(want).collect();
                if chunk.len() < want {
                    self.inputs = None;
                }
                if !chunk.is_empty() {
                    self.submit_chunk(chunk);
                }
            }
        }
    }

    fn submit_one(&mut self, input: A) {
        let task = self.executor.submit(self.function, input);
        self.in_flight
            .push_back(InFlight::One(task.cancel_on_drop()));
        self.ahead += 1;
    }

    fn submit_chunk(&mut self, chunk: Vec<A>) {
        let function = self.function;
        let inputs = chunk.len();
        let task = self
            .executor
            .task(
                // Captures nothing but a function of size zero.
                move |chunk: Vec<A>| -> Vec<Result<R, PanicReport>> {
                    let call = |input| catch(|| function(input));
                    chunk.into_iter().map(call).collect()
                },
                chunk,
            )
            .name(type_name::<F>())
            .submit();
        self.in_flight
            .push_back(InFlight::Chunk(task.cancel_on_drop(), inputs));
        self.ahead += inputs;
    }

    fn refusal(&self) -> Option<TaskError> {
        let (what, zero) = match (self.buffered, self.chunk) {
            (Some(0), _) => ("buffered(0)", true),
            (_, 0) => ("chunks(0)", true),
            _ => ("", false),
        };
        let why = || format!("`map` cannot make progress with {what}: it must be greater than 0");
        zero.then(|| TaskError::rejected(why()))
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
            this.fill();
            let item = match this.in_flight.front_mut() {
                None => return Poll::Ready(None),
                Some(InFlight::One(task)) => ready!(Pin::new(task).poll(cx)),
                Some(InFlight::Chunk(task, inputs)) => {
                    let outcome = ready!(Pin::new(&mut *task).poll(cx));
                    let results = spread(outcome, *inputs, task.id(), task.name());
                    this.in_flight.pop_front();
                    this.ready = results.into_iter();
                    continue;
                }
            };
            this.in_flight.pop_front();
            this.ahead -= 1;
            return Poll::Ready(Some(item));
        }
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

impl<E: ?Sized, F, I, R: Send + 'static> std::fmt::Debug for Map<'_, E, F, I, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Map")
            .field("function", &type_name::<F>())
            .field("buffered", &self.buffered)
            .field("chunks", &self.chunk)
            .field("ahead", &self.ahead)
            .finish_non_exhaustive()
    }
}
