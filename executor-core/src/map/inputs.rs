//! Reading inputs, so far ahead and no further, and submitting them.

use super::Map;
use super::flights::Flight;
use super::pace::{Part, in_nanos, run_part};
use crate::error::TaskError;
use crate::executor::Executor;
use crate::ext::ExecutorExt as _;
use crate::panic::{PanicReport, catch};
use serde::{Serialize, de::DeserializeOwned};
use std::any::type_name;
use std::time::Instant;

impl<E, F, A, R, I> Map<'_, E, F, I, R>
where
    E: Executor + ?Sized,
    F: Fn(A) -> R + Copy + Send + 'static,
    A: Serialize + DeserializeOwned + Send + 'static,
    R: Serialize + DeserializeOwned + Send + 'static,
    I: Iterator<Item = A>,
{
    /// How many inputs go into the next job.
    fn chunk(&self) -> usize {
        self.chunk.unwrap_or_else(|| {
            // Enough jobs to go round, however few inputs may be ahead.
            let jobs = self.executor.concurrency().saturating_mul(2).max(1);
            let most = self.buffered.map_or(usize::MAX, |buffered| buffered / jobs);
            self.pace.chunk().min(most).max(1)
        })
    }

    fn most_ahead(&self) -> usize {
        self.buffered.unwrap_or_else(|| {
            let jobs = self.executor.concurrency().saturating_mul(4);
            jobs.saturating_mul(self.chunk())
        })
    }

    /// Submits inputs until enough are ahead, or there are no more.
    pub(super) fn fill(&mut self) {
        let (most, chunk) = (self.most_ahead(), self.chunk());
        while self.ahead < most {
            let Some(inputs) = &mut self.inputs else {
                return;
            };
            let room = most - self.ahead;
            if self.chunk.is_none() && room < chunk {
                // Or else chunks would be as small as what is yielded in between.
                return;
            }
            if chunk == 1 {
                match inputs.next() {
                    Some(input) => self.submit_one(input),
                    None => self.inputs = None,
                }
            } else {
                let want = chunk.min(room);
                let inputs: Vec<A> = inputs.take(want).collect();
                if inputs.len() < want {
                    self.inputs = None;
                }
                if !inputs.is_empty() {
                    self.submit_chunk(inputs);
                }
            }
        }
    }

    fn submit_one(&mut self, input: A) {
        self.ahead += 1;
        let flight = match self.chunk {
            Some(_) => {
                let task = self.executor.submit(self.function, input);
                Flight::One(task.cancel_on_drop())
            }
            None => self.timed(input),
        };
        self.flights.add(flight);
    }

    fn submit_chunk(&mut self, inputs: Vec<A>) {
        self.ahead += inputs.len();
        let flight = match self.chunk {
            Some(_) => self.whole(inputs),
            None => self.part(inputs),
        };
        self.flights.add(flight);
    }

    /// Submits inputs again that a job gave back, before all others.
    pub(super) fn submit_again(&mut self, inputs: Vec<A>) {
        let chunk = self.chunk();
        let mut inputs = inputs.into_iter();
        let mut flights = Vec::new();
        while inputs.len() > 0 {
            let mut next: Vec<A> = inputs.by_ref().take(chunk).collect();
            let only = if next.len() == 1 { next.pop() } else { None };
            flights.push(match only {
                Some(input) => self.timed(input),
                None => self.part(next),
            });
        }
        self.flights.add_foremost(flights);
    }

    // The closures capture nothing but a function of size zero.

    fn whole(&self, inputs: Vec<A>) -> Flight<A, R> {
        let (function, count) = (self.function, inputs.len());
        let run = move |inputs: Vec<A>| -> Vec<Result<R, PanicReport>> {
            let call = |input| catch(|| function(input));
            inputs.into_iter().map(call).collect()
        };
        let task = self.executor.task(run, inputs).name(type_name::<F>());
        Flight::Chunk(task.submit().cancel_on_drop(), count)
    }

    fn timed(&self, input: A) -> Flight<A, R> {
        let function = self.function;
        let run = move |input: A| -> (R, u64) {
            let start = Instant::now();
            (function(input), in_nanos(start.elapsed()))
        };
        let task = self.executor.task(run, input).name(type_name::<F>());
        Flight::Timed(task.submit().cancel_on_drop())
    }

    fn part(&self, inputs: Vec<A>) -> Flight<A, R> {
        let (function, count) = (self.function, inputs.len());
        let run = move |inputs: Vec<A>| -> Part<A, R> {
            let start = Instant::now();
            run_part(inputs, function, || start.elapsed())
        };
        let task = self.executor.task(run, inputs).name(type_name::<F>());
        Flight::Part(task.submit().cancel_on_drop(), count)
    }

    /// Why it cannot be begun, if it cannot.
    pub(super) fn refusal(&self) -> Option<TaskError> {
        let (what, zero) = match (self.buffered, self.chunk) {
            (Some(0), _) => ("buffered(0)", true),
            (_, Some(0)) => ("chunks(0)", true),
            _ => ("", false),
        };
        let why = || format!("`map` cannot make progress with {what}: it must be greater than 0");
        zero.then(|| TaskError::rejected(why()))
    }
}
