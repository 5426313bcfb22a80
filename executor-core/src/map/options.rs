//! What users say about a [`Map`] before they read it.

use super::Map;
use super::limit::Limit;
use crate::executor::Executor;
use serde::{Serialize, de::DeserializeOwned};
use std::time::Duration;

impl<E, F, A, R, I> Map<'_, E, F, I, R>
where
    E: Executor + ?Sized,
    F: Fn(A) -> R + Copy + Send + 'static,
    A: Serialize + DeserializeOwned + Send + 'static,
    R: Serialize + DeserializeOwned + Send + 'static,
    I: Iterator<Item = A>,
{
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

    /// Sends `inputs` of them as one job, a *chunk*, which saves most of the cost of a
    /// job for short functions.
    ///
    /// The results are the same: a panic in one costs the others nothing, and each
    /// leaves the chunk when it is finished, or about a millisecond later, however long
    /// others take. What ends the whole job, such as the death of its worker, ends those
    /// inputs of the chunk that were not finished; with [`retries`](Self::retries) they
    /// are run again. A chunk is never larger than what is buffered. Zero is an
    /// error: the stream yields it and ends.
    ///
    /// Without it the number is found out as the stream goes, by how long inputs
    /// take: those that take half a millisecond or more go one by one, shorter ones
    /// together, up to 512 of them, as many as take about that long, and so that
    /// no more is ahead than is to be [`buffered`](Self::buffered). Where inputs
    /// turn out to be longer, a job stops when it has run for two milliseconds, and
    /// the rest of its inputs are submitted anew. Say `chunks(1)` where an input may
    /// end its worker and none may be run twice.
    pub fn chunks(mut self, inputs: usize) -> Self {
        self.chunk = Some(inputs);
        self
    }

    /// Yields results in the order in which they are done, so that one which
    /// takes long holds up no other. Those of a chunk are done one after another.
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
    /// Where it is not known whether there would have been more inputs, as of an
    /// iterator that has no size and may block, that counts as unfinished as well.
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

    /// Declares the function idempotent: an input whose worker dies may be run again,
    /// so many times. See [`TaskBuilder::retries`](crate::TaskBuilder::retries).
    ///
    /// A chunk whose worker has died is divided: what was finished is kept, and the rest
    /// runs again, the first of it alone and the others in halves, until the input that
    /// ends workers is alone in its job. That one is tried so many times again, and then
    /// fails by itself; its neighbours have their results. In this search an input may
    /// run more often than `times` says, as a neighbour of one that ends workers.
    ///
    /// Without it each input that was not finished fails with the error of its chunk.
    ///
    /// ```
    /// use executor_core::{ExecutorExt as _, Inline};
    /// use futures::{StreamExt as _, executor::block_on};
    ///
    /// let pool = Inline::new();
    /// let squares = pool.map(|n: u64| n * n, 0..9).chunks(3).retries(2);
    /// assert_eq!(block_on(squares.count()), 9);
    /// ```
    pub fn retries(mut self, times: u32) -> Self {
        self.retries = times;
        self
    }

    /// Limits how long the function may run for each input, where
    /// [`timeout`](Self::timeout) is about the stream as a whole.
    ///
    /// An input that exceeds it fails as timed out, in its place, and the stream goes
    /// on. As with [`TaskBuilder::timeout`](crate::TaskBuilder::timeout), a process
    /// stops the function, and a thread gives it up.
    ///
    /// One that exceeds it ends its chunk. Those that were finished are kept. Where
    /// nobody can have begun the others, which is so on a thread, or with
    /// [`retries`](Self::retries), they are run again, and only the one fails; else all
    /// of them fail, with an error that says so. Therefore inputs go one by one unless
    /// `retries` or [`chunks`](Self::chunks) is said too. In a chunk the limit is kept
    /// less exactly: an input may have two milliseconds more or, in one of a size that
    /// was asked for, an eighth more.
    ///
    /// [`Duration::MAX`] is no limit. Zero passes at once: an input then has a result
    /// only if its function ends before anybody looks at the clock.
    ///
    /// ```
    /// use executor_core::{ExecutorExt as _, Inline};
    /// use futures::{StreamExt as _, executor::block_on};
    /// use std::time::Duration;
    ///
    /// let nap = |millis| std::thread::sleep(Duration::from_millis(millis));
    /// let pool = Inline::new();
    /// let naps = pool.map(nap, [0, 900, 0]).input_timeout(Duration::from_millis(300));
    /// let naps: Vec<_> = block_on(naps.collect());
    /// assert!(naps[0].is_ok() && naps[2].is_ok());
    /// assert!(naps[1].as_ref().unwrap_err().is_timed_out());
    /// ```
    pub fn input_timeout(mut self, limit: Duration) -> Self {
        self.input_limit = Some(limit).filter(|limit| *limit < Duration::MAX);
        self
    }
}
