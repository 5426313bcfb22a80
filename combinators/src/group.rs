//! [`Group`]: a set of tasks and the countdown that waits for them.

use crate::set::{TaskSet, cancel_all, give_up};
use executor_core::{Countdown, Settled, TaskError};
use std::fmt;
use std::task::{Context, Poll};

/// Tasks that are waited for together.
pub(crate) struct Group<S: TaskSet> {
    /// `None` once the wait is over.
    tasks: Option<S>,
    decides: fn(Settled) -> bool,
    /// There is one from the first poll on.
    countdown: Option<Countdown>,
    /// What went on when one decided has been cancelled.
    cancelled: bool,
}

impl<S: TaskSet> Group<S> {
    /// Ends when all tasks are done, or one that `decides` it.
    pub(crate) fn new(tasks: S, decides: fn(Settled) -> bool) -> Self {
        Self {
            tasks: Some(tasks),
            decides,
            countdown: None,
            cancelled: false,
        }
    }

    /// Ready when the wait has ended, with the place of the task that decided it
    /// if one has.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<usize>> {
        // Nothing further matters once it is decided.
        self.registered(self.decides, true).poll(context)
    }

    /// Ready when all tasks are done, of which the first that `cancels` the others
    /// does so. It is either this or [`poll`](Self::poll), from the first on.
    pub(crate) fn poll_all(
        &mut self,
        context: &mut Context<'_>,
        cancels: fn(Settled) -> bool,
    ) -> Poll<()> {
        let decided = self.registered(cancels, false).poll(context);
        if !self.cancelled
            && matches!(decided, Poll::Ready(Some(_)))
            && let Some(tasks) = &mut self.tasks
        {
            self.cancelled = true;
            cancel_all(tasks);
        }
        self.registered(cancels, false).poll_all(context)
    }

    fn registered(&mut self, decides: fn(Settled) -> bool, until_decided: bool) -> &mut Countdown {
        let tasks = &mut self.tasks;
        self.countdown.get_or_insert_with(|| {
            let count = tasks.as_ref().map_or(0, TaskSet::count);
            let mut countdown = Countdown::new(count, decides);
            let mut place = 0;
            if let Some(tasks) = tasks {
                tasks.visit(&mut |task| {
                    task.watch(&mut countdown, place);
                    place += 1;
                    !until_decided || countdown.decided_by().is_none()
                });
            }
            countdown
        })
    }

    /// The tasks, once the wait is over.
    ///
    /// # Panics
    /// When called again: a future was polled after it was ready.
    pub(crate) fn finish(&mut self) -> S {
        self.countdown = None;
        match self.tasks.take() {
            Some(tasks) => tasks,
            None => panic!("polled after it was ready"),
        }
    }

    /// Whether somebody has begun to wait, and the wait is not over.
    pub(crate) fn is_awaited(&self) -> bool {
        self.countdown.is_some()
    }

    /// Cancels what is not done: nobody waits for it any more.
    pub(crate) fn cancel(&mut self) {
        // First, so that whoever waited is not woken for it.
        self.countdown = None;
        if let Some(tasks) = self.tasks.take() {
            give_up(tasks);
        }
    }
}

/// Nobody needs to look at the errors.
pub(crate) fn ignore_errors<S: TaskSet>(tasks: &mut S) {
    tasks.visit(&mut |task| {
        task.ignore_error();
        true
    });
}

/// The error of the task at this place.
pub(crate) fn take_error<S: TaskSet>(tasks: &mut S, place: usize) -> Option<TaskError> {
    let (mut at, mut error) = (0, None);
    tasks.visit(&mut |task| {
        if at == place {
            error = task.take_error();
        }
        at += 1;
        at <= place
    });
    error
}

impl<S: TaskSet> fmt::Debug for Group<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        if let Some(tasks) = &self.tasks {
            tasks.list(&mut list);
        }
        list.finish()
    }
}
