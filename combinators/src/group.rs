//! [`Group`]: a set of tasks and what waits for them.

use crate::set::{TaskSet, WaitedSet, cancel_all, give_up};
use executor_core::{Settled, TaskError, TaskRef, current_task};
use std::fmt;
use std::task::{Context, Poll, ready};

/// Tasks that are waited for together.
pub(crate) struct Group<S: TaskSet> {
    /// `None` once the wait is over.
    tasks: Option<S::Waited>,
    /// There is one from the first poll on.
    wait: Option<<S::Waited as WaitedSet>::Wait>,
    /// What went on when one decided has been cancelled.
    cancelled: bool,
}

impl<S: TaskSet> Group<S> {
    pub(crate) fn new(tasks: S) -> Self {
        Self {
            tasks: Some(tasks.into_waited()),
            wait: None,
            cancelled: false,
        }
    }

    /// Why it would wait for ever, if it would: one of them is the task that waits.
    pub(crate) fn waits_for_itself(&mut self) -> Option<TaskError> {
        let waits = current_task()?;
        let mut found = false;
        self.tasks.as_mut()?.visit(&mut |task| {
            found |= task.id() == waits.id() && !waits.is_done();
            !found
        });
        found.then(|| waits_for_itself(&waits))
    }

    /// Ready when all tasks are done, or with the place of one that `decides` it.
    pub(crate) fn poll(
        &mut self,
        context: &mut Context<'_>,
        decides: fn(Settled) -> bool,
    ) -> Poll<Option<usize>> {
        let Some(tasks) = &mut self.tasks else {
            return Poll::Ready(None);
        };
        let wait = self.wait.get_or_insert_with(|| tasks.wait(decides));
        tasks.poll(wait, context)
    }

    /// Ready when all tasks are done, of which the first that `cancels` the others
    /// does so. It is either this or [`poll`](Self::poll), from the first on.
    pub(crate) fn poll_all(
        &mut self,
        context: &mut Context<'_>,
        cancels: fn(Settled) -> bool,
    ) -> Poll<()> {
        if !self.cancelled {
            let decided = ready!(self.poll(context, cancels));
            if let (Some(_), Some(tasks)) = (decided, &mut self.tasks) {
                // First, so that whoever waits is not woken for what is cancelled
                // here. From now on, nothing decides.
                self.wait = None;
                cancel_all(tasks);
            }
            self.cancelled = true;
        }
        self.poll(context, |_| false).map(drop)
    }

    /// The tasks, once the wait is over.
    ///
    /// # Panics
    /// When called again: a future was polled after it was ready.
    pub(crate) fn finish(&mut self) -> S::Waited {
        self.wait = None;
        match self.tasks.take() {
            Some(tasks) => tasks,
            None => panic!("polled after it was ready"),
        }
    }

    /// Whether somebody has begun to wait, and the wait is not over.
    pub(crate) fn is_awaited(&self) -> bool {
        self.wait.is_some()
    }

    /// Cancels what is not done: nobody waits for it any more.
    pub(crate) fn cancel(&mut self) {
        // First, so that whoever waited is not woken for it.
        self.wait = None;
        if let Some(tasks) = self.tasks.take() {
            give_up(tasks);
        }
    }
}

/// The error of a task that would wait for itself.
pub(crate) fn waits_for_itself(task: &TaskRef) -> TaskError {
    TaskError::would_deadlock("it waits for itself").for_task(task.id(), task.name())
}

/// Nobody needs to look at the errors.
pub(crate) fn ignore_errors<W: WaitedSet>(tasks: &mut W) {
    tasks.visit(&mut |task| {
        task.ignore_error();
        true
    });
}

/// The error of the task at this place.
pub(crate) fn take_error<W: WaitedSet>(tasks: &mut W, place: usize) -> Option<TaskError> {
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
