//! Which tasks of a group are not done, what went wrong, and who waits.
//!
//! # Protocol
//!
//! A group is *open*, *ending* once something has failed, and *closed* when
//! nothing is left to wait for; it never goes back. All of this is under one lock,
//! under which no code runs that is not ours.
//!
//! * *join*: a child is written down while the group is open, **then** followed.
//!   So nothing is followed that nobody waits for;
//! * *a child fails*: its done callback, which runs before the child counts as
//!   done, records the error and makes the group ending. Whoever sees the child's
//!   error finds the group ending;
//! * *a child is done*: whoever follows it strikes it off. Of an ending group the
//!   first one to come by cancels those that are left. Nobody joins any more, so
//!   those are all;
//! * *abandon*: the waiter is dropped. The group is closed at once, and those that
//!   are left are cancelled. Those that do not end for that are struck off, and
//!   those that may not are put aside: see `cancelled.rs`;
//! * *close*: the waiter, whose body is over, leaves its waker, **then** looks
//!   whether anybody is left, and closes the group in the same step.
//!
//! A child that is done is struck off exactly once: `Task::follow` says of one that
//! is done already that it will not tell, and then whoever joined it strikes it off.

use crate::cancelled::{Leftover, Rest, cancel, leave, leave_for_a_while};
use executor_core::panic::discard;
use executor_core::{Settled, Task, TaskError, TaskRef, Watcher, say};
use futures::task::AtomicWaker;
use std::collections::HashMap;
use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

#[derive(Default)]
pub(crate) struct Children {
    state: Mutex<State>,
    waker: AtomicWaker,
}

#[derive(Default)]
struct State {
    phase: Phase,
    /// Those that are not done, by the token they are followed with.
    running: HashMap<usize, TaskRef>,
    /// Functions that were asked to end when the group was abandoned.
    asked: HashMap<usize, TaskRef>,
    next: usize,
    errors: Vec<TaskError>,
    /// Those that were running when the group began to end have been cancelled.
    cancelled: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    #[default]
    Open,
    Ending,
    Closed,
}

impl Children {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn phase(&self) -> Phase {
        self.state().phase
    }

    pub(super) fn running(&self) -> usize {
        self.state().running.len()
    }

    /// Makes `task` a child.
    ///
    /// # Errors
    /// The phase, if the group is not open any more.
    pub(super) fn join<T: Send + 'static>(self: &Arc<Self>, task: &Task<T>) -> Result<(), Phase> {
        let token = {
            let mut state = self.state();
            if state.phase != Phase::Open {
                return Err(state.phase);
            }
            let token = state.next;
            state.next += 1;
            state.running.insert(token, task.reference());
            token
        };
        // Whose outcome was taken already has been looked at.
        if !task.is_done() || task.outcome().is_some() {
            let group = self.clone();
            task.add_done_callback(move |outcome| {
                if let Err(error) = outcome
                    && !error.is_cancelled()
                {
                    group.fail(error.clone());
                }
            });
        }
        if !task.follow(self.clone(), token) {
            self.strike_off(token);
        }
        Ok(())
    }

    /// Records an error; the group is ending from now on.
    fn fail(&self, error: TaskError) {
        let mut state = self.state();
        if state.phase != Phase::Closed {
            state.phase = Phase::Ending;
            state.errors.push(error);
            return;
        }
        drop(state);
        say!(error, %error, "a task failed after its group had been dropped");
        discard(error);
    }

    fn strike_off(&self, token: usize) {
        let mut state = self.state();
        let gone = state.running.remove(&token);
        let gone = gone.or_else(|| state.asked.remove(&token));
        let ending = state.phase == Phase::Ending;
        let wake = ending || state.running.is_empty();
        drop(state);
        // It may be the last to reach the task, and free what that holds.
        discard(gone);
        if ending {
            self.cancel();
        }
        if wake {
            self.waker.wake();
        }
    }

    /// Cancels those that are not done, unless that was done already.
    fn cancel(&self) {
        let running: Vec<_> = {
            let mut state = self.state();
            if std::mem::replace(&mut state.cancelled, true) {
                return;
            }
            state.running.values().cloned().collect()
        };
        for task in running {
            task.cancel();
        }
    }

    /// Ends the group because of its body: with this error, if nobody has reported
    /// it, which a child has whose error the body passes on.
    pub(super) fn fail_by_body(&self, error: TaskError) {
        let mut state = self.state();
        let id = error.task_id();
        let known = id.is_some() && state.errors.iter().any(|known| known.task_id() == id);
        if !known {
            state.errors.push(error);
        }
        state.phase = Phase::Ending;
        drop(state);
        self.cancel();
    }

    /// Closes the group if no child is left, and gives what went wrong; otherwise
    /// `waker` is woken when none is.
    pub(super) fn close(&self, waker: &Waker) -> Option<Vec<TaskError>> {
        self.watch(waker);
        let mut state = self.state();
        if !state.running.is_empty() {
            return None;
        }
        state.phase = Phase::Closed;
        let mut errors = take(&mut state.errors);
        drop(state);
        self.waker.take();
        // Where something failed, that is why the body was cancelled, if it was.
        if errors.iter().any(|error| !error.is_cancelled()) {
            errors.retain(|error| !error.is_cancelled());
        }
        Some(errors)
    }

    /// Has `waker` woken when the group is ending, or no child is left.
    pub(super) fn watch(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// Closes the group, whoever is left, cancels those, and leaves them to whoever
    /// collects. Errors are nobody's.
    pub(super) fn abandon(self: &Arc<Self>) {
        let mut state = self.state();
        state.phase = Phase::Closed;
        state.cancelled = true;
        let errors = take(&mut state.errors);
        let running = state
            .running
            .iter()
            .map(|(&token, task)| (token, task.clone()));
        let running: Vec<_> = running.collect();
        drop(state);
        discard(errors);
        self.waker.take();
        for (token, task) in running {
            match cancel(&task) {
                Rest::Ends => {}
                Rest::Asked => {
                    let mut state = self.state();
                    if let Some(task) = state.running.remove(&token) {
                        state.asked.insert(token, task);
                    }
                }
                Rest::Nothing => {
                    if !task.is_done() {
                        say!(
                            warn,
                            task = task.name(),
                            "a function that cannot be stopped outlives its task group"
                        );
                    }
                    self.strike_off(token);
                }
            }
        }
        let (running, asked) = {
            let state = self.state();
            (!state.running.is_empty(), !state.asked.is_empty())
        };
        if running {
            leave(Box::new(Ending(self.clone())));
        }
        if asked {
            leave_for_a_while(Box::new(Asked(self.clone())));
        }
    }
}

/// The children of a group that was abandoned.
struct Ending(Arc<Children>);

impl Leftover for Ending {
    fn poll_ended(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.0.watch(context.waker());
        match self.0.running() {
            0 => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }
}

/// Those that were asked to end. The waker is the same, that of whoever collects.
struct Asked(Arc<Children>);

impl Leftover for Asked {
    fn poll_ended(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.0.watch(context.waker());
        match self.0.state().asked.is_empty() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

impl Watcher for Children {
    fn settled(&self, token: usize, _settled: Settled) {
        self.strike_off(token);
    }
}
