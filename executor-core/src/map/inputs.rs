//! Reading inputs, so far ahead and no further, and submitting them.

use super::Map;
use crate::error::TaskError;
use crate::executor::Executor;
use crate::ext::ExecutorExt as _;
use crate::panic::{PanicReport, catch};
use serde::{Serialize, de::DeserializeOwned};
use std::any::type_name;

impl<E, F, A, R, I> Map<'_, E, F, I, R>
where
    E: Executor + ?Sized,
    F: Fn(A) -> R + Copy + Send + 'static,
    A: Serialize + DeserializeOwned + Send + 'static,
    R: Serialize + DeserializeOwned + Send + 'static,
    I: Iterator<Item = A>,
{
    fn most_ahead(&self) -> usize {
        self.buffered.unwrap_or_else(|| {
            let jobs = self.executor.concurrency().saturating_mul(4);
            jobs.saturating_mul(self.chunk)
        })
    }

    /// Submits inputs until enough are ahead, or there are no more.
    pub(super) fn fill(&mut self) {
        let most = self.most_ahead();
        while self.ahead < most {
            let Some(inputs) = &mut self.inputs else {
                return;
            };
            let want = self.chunk.min(most - self.ahead);
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
        self.ahead += 1;
        let task = self.executor.submit(self.function, input);
        self.flights.one(task.cancel_on_drop());
    }

    fn submit_chunk(&mut self, chunk: Vec<A>) {
        let function = self.function;
        let inputs = chunk.len();
        self.ahead += inputs;
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
        self.flights.chunk(task.cancel_on_drop(), inputs);
    }

    /// Why it cannot be begun, if it cannot.
    pub(super) fn refusal(&self) -> Option<TaskError> {
        let (what, zero) = match (self.buffered, self.chunk) {
            (Some(0), _) => ("buffered(0)", true),
            (_, 0) => ("chunks(0)", true),
            _ => ("", false),
        };
        let why = || format!("`map` cannot make progress with {what}: it must be greater than 0");
        zero.then(|| TaskError::rejected(why()))
    }
}
