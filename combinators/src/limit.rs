//! [`limit`]: no more than so many at the same time.

mod feed;

use self::feed::{Feed, OnFailure};
use crate::ensure_future::ensure_future;
use crate::gather::policy::policies;
use executor_core::{BoxError, TaskError};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Limits how many tasks of a [`gather`](Limit::gather) are unfinished at any
/// time.
///
/// The first of them are started by the call; a further one is taken from the
/// iterator whenever one is done. So an iterator that submits jobs as it goes
/// submits no more than that, and of those that are done only the results are
/// kept. It is taken from where the future is polled: while nobody awaits it,
/// nothing new is started. A task that was started elsewhere counts as well.
///
/// A limit of zero could never start anything: it is an error of the kind
/// [`Rejected`](executor_core::TaskErrorKind::Rejected), and nothing is taken from
/// the iterator.
///
/// ```
/// use combinators::limit;
/// use executor_core::{ExecutorExt as _, Inline, TaskError};
///
/// # futures::executor::block_on(async {
/// let executor = Inline::new(); // or a pool: no more than three jobs are on it
/// let jobs = (0..100).map(|n| executor.submit(|n: u64| n * n, n));
/// let squares = limit(3).gather(jobs).await?;
/// assert_eq!(squares[99], 9801);
/// # Ok::<(), TaskError>(())
/// # }).unwrap();
/// ```
pub fn limit(unfinished: usize) -> Limit {
    Limit(unfinished)
}

/// How many tasks may be unfinished at any time: made by [`limit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "it limits what is gathered through it"]
pub struct Limit(usize);

impl Limit {
    /// [`gather`](crate::gather)s an iterator, so many at a time: the values in the
    /// order of the iterator, or the first failure.
    ///
    /// After a failure nothing more is taken from the iterator; what runs then
    /// goes on, unless [`cancel_siblings`](LimitedGather::cancel_siblings) was
    /// said.
    ///
    /// # Errors
    /// The error of the task that failed first, which names it; or that the limit
    /// is zero.
    ///
    /// # Panics
    /// If it is polled again after it was ready.
    ///
    /// # Cancel safety
    /// As for [`gather`](crate::gather); nothing more is started.
    pub fn gather<I, T, E>(self, tasks: I) -> LimitedGather<I::IntoIter, T>
    where
        I: IntoIterator,
        I::Item: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Into<BoxError>,
    {
        LimitedGather {
            feed: Feed::new(tasks.into_iter(), ensure_future, self.0),
        }
    }

    /// [`gather_settled`](crate::gather_settled)s an iterator, so many at a time:
    /// how each task ended, in the order of the iterator.
    ///
    /// With [`cancel_siblings`](LimitedGatherSettled::cancel_siblings), nothing more
    /// is taken from the iterator after a failure, and the outcomes are those of
    /// what had been started. A limit of zero gives one error.
    ///
    /// # Panics
    /// If it is polled again after it was ready.
    ///
    /// # Cancel safety
    /// As for [`gather`](crate::gather); nothing more is started.
    ///
    /// ```
    /// use combinators::limit;
    ///
    /// let parse = |text: &'static str| async move { text.parse::<u8>() };
    /// let outcomes = limit(2).gather_settled(["1", "x", "3"].map(parse));
    /// let outcomes = futures::executor::block_on(outcomes);
    /// assert!(outcomes[1].is_err() && *outcomes[2].as_ref().unwrap() == 3);
    /// ```
    pub fn gather_settled<I, T, E>(self, tasks: I) -> LimitedGatherSettled<I::IntoIter, T>
    where
        I: IntoIterator,
        I::Item: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Into<BoxError>,
    {
        LimitedGatherSettled {
            feed: Feed::new(tasks.into_iter(), ensure_future, self.0),
        }
    }
}

/// The future of all values, some at a time: made by [`Limit::gather`].
#[must_use = "nothing more is started, and nobody learns how it ends, unless this is awaited"]
pub struct LimitedGather<I: Iterator, T: Send + 'static> {
    feed: Feed<I, T>,
}

impl<I: Iterator, T: Send + 'static> LimitedGather<I, T> {
    policies!(feed.policy);
}

impl<I: Iterator, T: Send + 'static> Future for LimitedGather<I, T> {
    type Output = Result<Vec<T>, TaskError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let outcomes = match ready!(self.feed.poll(context, OnFailure::End)) {
            None => self.feed.finish(),
            Some(error) => {
                self.feed.finish();
                return Poll::Ready(Err(error));
            }
        };
        Poll::Ready(outcomes.into_iter().collect())
    }
}

/// The future of all outcomes, some at a time: made by [`Limit::gather_settled`].
#[must_use = "nothing more is started, and nobody learns how it ends, unless this is awaited"]
pub struct LimitedGatherSettled<I: Iterator, T: Send + 'static> {
    feed: Feed<I, T>,
}

impl<I: Iterator, T: Send + 'static> LimitedGatherSettled<I, T> {
    policies!(feed.policy);
}

impl<I: Iterator, T: Send + 'static> Future for LimitedGatherSettled<I, T> {
    type Output = Vec<Result<T, TaskError>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let refused = ready!(self.feed.poll(context, OnFailure::Keep));
        let outcomes = self.feed.finish();
        Poll::Ready(refused.map(Err).into_iter().chain(outcomes).collect())
    }
}

impl<I: Iterator, T: Send + 'static> fmt::Debug for LimitedGather<I, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LimitedGather").field(&self.feed).finish()
    }
}

impl<I: Iterator, T: Send + 'static> fmt::Debug for LimitedGatherSettled<I, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LimitedGatherSettled")
            .field(&self.feed)
            .finish()
    }
}
