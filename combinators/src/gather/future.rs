//! The futures of [`gather`](crate::gather) and
//! [`gather_settled`](crate::gather_settled).

use super::policy::{Policy, policies};
use crate::group::{Group, ignore_errors, take_error};
use crate::set::{TaskSet, WaitedSet as _, cancel_all};
use executor_core::{Settled, TaskError};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

fn failed(settled: Settled) -> bool {
    settled != Settled::Value
}

/// The future of all values: made by [`gather`](crate::gather).
///
/// `S` is a vector or a tuple of tasks, and it gives a vector or a tuple of their
/// values.
///
/// ```
/// use combinators::{create_task, gather};
/// use executor_core::TaskError;
///
/// # futures::executor::block_on(async {
/// let endless = create_task(std::future::pending::<u8>());
/// let reference = endless.reference();
/// let fails = create_task(async { Err::<u8, _>("no luck") }).flatten();
/// assert!(gather((endless, fails)).cancel_siblings().await.is_err());
/// # while !reference.is_done() { std::thread::yield_now(); }
/// assert!(reference.is_done());
/// # });
/// ```
#[must_use = "the tasks run by themselves, but nobody learns how they end unless this is awaited"]
pub struct Gather<S: TaskSet> {
    group: Group<S>,
    policy: Policy,
}

impl<S: TaskSet> Gather<S> {
    pub(super) fn new(tasks: S) -> Self {
        Self {
            group: Group::new(tasks),
            policy: Policy::default(),
        }
    }

    policies!(policy);
}

impl<S: TaskSet> Future for Gather<S> {
    type Output = Result<S::Values, TaskError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let begins = !self.group.is_awaited();
        let polled = self.group.poll(context, failed);
        if begins
            && polled.is_pending()
            && let Some(error) = self.group.waits_for_itself()
        {
            drop(self.group.finish());
            return Poll::Ready(Err(error));
        }
        let failed = ready!(polled);
        let mut tasks = self.group.finish();
        let Some(place) = failed else {
            return Poll::Ready(tasks.into_values());
        };
        let error = take_error(&mut tasks, place);
        match self.policy.cancel_siblings {
            true => cancel_all(&mut tasks),
            false => ignore_errors(&mut tasks),
        }
        Poll::Ready(error.map_or_else(|| tasks.into_values(), Err))
    }
}

impl<S: TaskSet> Drop for Gather<S> {
    fn drop(&mut self) {
        if self.policy.cancels_dropped(self.group.is_awaited()) {
            self.group.cancel();
        }
    }
}

/// The future of all outcomes: made by
/// [`gather_settled`](crate::gather_settled).
///
/// `S` is a vector or a tuple of tasks, and it gives a vector or a tuple of
/// results.
#[must_use = "the tasks run by themselves, but nobody learns how they end unless this is awaited"]
pub struct GatherSettled<S: TaskSet> {
    group: Group<S>,
    policy: Policy,
}

impl<S: TaskSet> GatherSettled<S> {
    pub(super) fn new(tasks: S) -> Self {
        Self {
            group: Group::new(tasks),
            policy: Policy::default(),
        }
    }

    policies!(policy);
}

impl<S: TaskSet> Future for GatherSettled<S> {
    type Output = S::Outcomes;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        ready!(match this.policy.cancel_siblings {
            true => this.group.poll_all(context, failed),
            false => this.group.poll(context, |_| false).map(drop),
        });
        Poll::Ready(this.group.finish().into_outcomes())
    }
}

impl<S: TaskSet> Drop for GatherSettled<S> {
    fn drop(&mut self) {
        if self.policy.cancels_dropped(self.group.is_awaited()) {
            self.group.cancel();
        }
    }
}

impl<S: TaskSet> fmt::Debug for Gather<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gather").field(&self.group).finish()
    }
}

impl<S: TaskSet> fmt::Debug for GatherSettled<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GatherSettled").field(&self.group).finish()
    }
}
