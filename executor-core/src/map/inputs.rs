//! Reading inputs, so far ahead and no further, and submitting them.

use super::Map;
use super::chunk::Chunk;
use super::flight::{Flight, Flying};
use super::items::{Items, Left};
use super::limit::Limit;
use super::pace::in_nanos;
use super::run::Plan;
use crate::error::TaskError;
use crate::executor::Executor;
use crate::ext::ExecutorExt as _;
use crate::job::{Job, JobOptions};
use crate::task::Task;
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
            if self.input_limit.is_some() && self.retries == 0 {
                // One that exceeds it would take others along.
                return 1;
            }
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

    /// Submits inputs until enough are ahead, there are no more, or the limit has passed.
    pub(super) fn fill(&mut self) {
        let (most, chunk) = (self.most_ahead(), self.chunk());
        // Before each input: to read one may take its time.
        while self.ahead < most && !self.is_over() {
            let Some(inputs) = &mut self.inputs else {
                return;
            };
            let room = most - self.ahead;
            if self.chunk.is_none() && room < chunk {
                // Or else chunks would be as small as what is yielded in between.
                return;
            }
            if chunk == 1 && self.read.len() == 0 {
                match inputs.next() {
                    Some(input) => self.submit_one(input),
                    None => self.inputs = None,
                }
            } else {
                // Should it panic, what has been read is there when it is asked again.
                while self.read.len() < chunk.min(room) {
                    if self.limit.as_ref().is_some_and(Limit::has_passed) {
                        return;
                    }
                    match inputs.next() {
                        Some(input) => self.read.push(input),
                        None => {
                            self.inputs = None;
                            break;
                        }
                    }
                }
                let read = std::mem::replace(&mut self.read, Items::new());
                if read.len() > 0 {
                    self.submit_chunk(read);
                }
            }
        }
    }

    fn submit_one(&mut self, input: A) {
        self.ahead += 1;
        let flight = self.single(input);
        self.flights.add(flight);
    }

    fn submit_chunk(&mut self, inputs: Items<A>) {
        self.ahead += inputs.len();
        let flight = self.several(inputs);
        self.flights.add(flight);
    }

    /// Submits inputs again that a job gave back, before all others.
    ///
    /// If one among them is `suspect`, the first of them goes alone, since it is most
    /// likely the one, and the others in halves: so whichever it is, it stands alone
    /// after a few rounds, and its neighbours have their results.
    pub(super) fn submit_again(&mut self, inputs: Vec<A>, suspect: bool) {
        let mut inputs = Left::of(inputs);
        let count = inputs.size_hint().0;
        let (first, then) = match suspect {
            true => (1, (count / 2).max(1)),
            false => (self.chunk(), self.chunk()),
        };
        let (mut flights, mut size) = (Vec::new(), first);
        while inputs.size_hint().0 > 0 {
            let mut next: Vec<A> = inputs.by_ref().take(size).collect();
            let only = if next.len() == 1 { next.pop() } else { None };
            flights.push(match only {
                Some(input) => self.single(input),
                None => self.several(next.into()),
            });
            size = then;
        }
        self.flights.add_foremost(flights);
    }

    fn single(&self, input: A) -> Flight<A, R> {
        match self.chunk {
            Some(_) => Flight::One(self.alone(self.function, input)),
            None => {
                let function = self.function;
                // It captures nothing but a function of size zero.
                let timed = move |input: A| -> (R, u64) {
                    let start = Instant::now();
                    (function(input), in_nanos(start.elapsed()))
                };
                Flight::Timed(self.alone(timed, input))
            }
        }
    }

    /// Submits a job of one input.
    fn alone<G, T>(&self, function: G, input: A) -> Task<T>
    where
        G: Fn(A) -> T + Copy + Send + 'static,
        T: Serialize + DeserializeOwned + Send + 'static,
    {
        let mut task = self.executor.task(function, input).retries(self.retries);
        if type_name::<G>() != type_name::<F>() {
            task = task.name(type_name::<F>());
        }
        if let Some(limit) = self.input_limit {
            task = task.timeout(limit);
        }
        task.submit().cancel_on_drop()
    }

    fn several(&self, inputs: Items<A>) -> Flight<A, R> {
        let (again, count) = (self.retries > 0, inputs.len());
        let mut plan = match self.chunk {
            Some(_) => Plan::whole(again),
            None => Plan::of_pace(again),
        };
        // Without retries: a chunk that is lost is divided at once.
        let mut options = JobOptions::default();
        if let Some(limit) = self.input_limit {
            let (limited, whole) = plan.limited(limit);
            (plan, options.timeout) = (limited, Some(whole));
        }
        let (chunk, shelf, results) = Chunk::new(self.function, inputs, plan);
        let (job, task) = Job::new(chunk, options);
        self.executor.execute(job);
        let flying = Flying::new(task, shelf, results, count);
        Flight::Chunk(flying.planned(plan.gives_back(), self.input_limit))
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
