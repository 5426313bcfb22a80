//! [`Chunk`]: many inputs as one job, whose results leave it as they are finished.

use super::items::{Items, Left};
use super::records;
use super::run::{Plan, run};
use super::shelf::{Fault, Finished, Shelf};
use crate::codec;
use crate::entry::{CallFault, Entry, Remote, assert_captures_nothing, copy_of};
use crate::error::TaskError;
use crate::job::{Rest, Work};
use crate::panic::{catch, discard};
use crate::partial::published::{Reader, published};
use crate::partial::{Outbox, Parts, pulse};
use serde::{Serialize, de::DeserializeOwned};
use std::any::type_name;
use std::sync::Arc;

/// A function and its inputs.
pub(super) struct Chunk<F, A, R: Send> {
    function: F,
    inputs: Items<A>,
    plan: Plan,
    shelf: Arc<Shelf<A, R>>,
}

/// How a chunk ended that has not failed.
pub(super) struct Ran {
    pub(super) nanos: u64,
}

impl<F, A, R: Send> Chunk<F, A, R> {
    /// A chunk, and where its results are to be had.
    pub(super) fn new(
        function: F,
        inputs: Items<A>,
        plan: Plan,
    ) -> (Self, Arc<Shelf<A, R>>, Reader<Finished<R>>) {
        assert_captures_nothing::<F>();
        let (writer, reader) = published(inputs.len());
        let shelf = Arc::new(Shelf::new(writer));
        let chunk = Self {
            function,
            inputs,
            plan,
            shelf: shelf.clone(),
        };
        (chunk, shelf, reader)
    }
}

impl<F, A, R> Work for Chunk<F, A, R>
where
    F: Fn(A) -> R + Copy + Send + 'static,
    A: Serialize + DeserializeOwned + Send + 'static,
    R: Serialize + DeserializeOwned + Send + 'static,
{
    type Output = Ran;
    /// All of it: inputs that are lost with a worker are run again.
    type Rest = Self;

    fn function() -> &'static str {
        type_name::<F>()
    }

    fn run(self) -> Ran {
        let (function, shelf, plan) = (self.function, self.shelf, self.plan);
        let Some(mut results) = shelf.open() else {
            return Ran { nanos: 0 };
        };
        let _watched = pulse::watch(shelf.clone());
        let mut beat = pulse::beat();
        let mut one = |input| {
            let finished = catch(|| function(input));
            let finished = finished.map_err(|report| Box::new(Fault::Panicked(report)));
            // There is a place for each input.
            if let Err(lost) = results.push(finished) {
                discard(lost);
            }
            if beat != pulse::beat() {
                beat = pulse::beat();
                shelf.ring();
            }
        };
        let mut inputs = Left::of(self.inputs.into_vec());
        let nanos = if plan.is_limited() {
            // Should the limit pass at one of them, the map takes the others.
            shelf.keep(inputs);
            run(
                || shelf.next().filter(|_| !shelf.is_abandoned()),
                &mut one,
                plan,
            )
        } else {
            let next = || {
                if shelf.is_abandoned() {
                    None
                } else {
                    inputs.next()
                }
            };
            let nanos = run(next, &mut one, plan);
            shelf.keep(inputs);
            nanos
        };
        Ran { nanos }
    }

    fn entry(carries: bool) -> Option<Entry> {
        Some(Entry::to_call::<Self>(carries))
    }

    fn argument_type() -> &'static str {
        type_name::<A>()
    }

    fn encode(&self, buffer: &mut Vec<u8>) -> Result<(), String> {
        codec::encode(&self.plan, buffer)?;
        codec::encode(&self.inputs, buffer)
    }

    fn into_rest(self) -> Self {
        self
    }
}

impl<F, A, R> Rest for Chunk<F, A, R>
where
    F: Send + 'static,
    A: Send + 'static,
    R: DeserializeOwned + Send + 'static,
{
    type Output = Ran;

    fn complete(&self, bytes: &mut Vec<u8>) -> Result<Ran, String> {
        let (records, nanos) = records::split_end(bytes)?;
        self.shelf.add(records)?;
        Ok(Ran { nanos })
    }

    fn parts(&self) -> Option<Parts> {
        Some(Parts::new(self.shelf.clone()))
    }

    fn conclude(self, outcome: Result<&Ran, &TaskError>) {
        let again = match outcome {
            Ok(_) => true,
            Err(error) => self.plan.again && (error.is_worker_lost() || error.is_timed_out()),
        };
        // No part comes after this.
        discard(self.shelf.open());
        let mut inputs = Left::of(self.inputs.into_vec());
        if again {
            for _ in 0..self.shelf.finished() {
                discard(inputs.next());
            }
            self.shelf.keep(inputs);
        }
    }
}

impl<F, A, R: Send> Remote for Chunk<F, A, R>
where
    F: Fn(A) -> R + Copy + 'static,
    A: DeserializeOwned + 'static,
    R: Serialize + 'static,
{
    fn call_here(argument: &mut Vec<u8>, result: &mut Vec<u8>) -> Result<(), CallFault> {
        let (plan, inputs) = records::read_argument::<A>(argument).map_err(CallFault::Argument)?;
        // SAFETY: the entry was made for a chunk, which has a value of the function.
        let function = unsafe { copy_of::<F>() };
        let mut inputs = Left::of(inputs);
        let mut index = 0;
        let nanos = match Outbox::open() {
            None => {
                let one = |input| {
                    records::append(index, || function(input), result);
                    index += 1;
                };
                run(|| inputs.next(), one, plan)
            }
            Some(mut outbox) => {
                let mut record = Vec::new();
                let one = |input| {
                    record.clear();
                    records::append(index, || function(input), &mut record);
                    outbox.put(&record);
                    index += 1;
                };
                let nanos = run(|| inputs.next(), one, plan);
                outbox.close(result);
                nanos
            }
        };
        records::append_end(nanos, result);
        Ok(())
    }
}
