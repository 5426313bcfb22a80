//! [`Shared`]: what a loop, its handles and its coroutines have in common. The
//! states and races are explained in the header of the parent module.

use super::call::Call;
use super::current;
use super::default_executor::DefaultExecutor;
use super::exceptions::ExceptionContext;
use super::node::Node;
use super::ready::Ready;
use super::timers::{Due, Timers};
use executor_core::panic::{catch, discard};
use executor_core::{TaskError, TaskId, TaskRef, say};
use futures::task::AtomicWaker;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread::{self, ThreadId};

pub(super) type Handler = Arc<dyn Fn(&ExceptionContext) + Send + Sync>;

#[derive(Default)]
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Of the thread that sleeps in a run.
    pub(super) sleeper: AtomicWaker,
    pub(super) handler: Mutex<Option<Handler>>,
    pub(super) executor: Mutex<DefaultExecutor>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) phase: Phase,
    /// How many runs there were: the number of the present one.
    pub(super) runs: u64,
    pub(super) stop: bool,
    pub(super) ready: VecDeque<Ready>,
    pub(super) timers: Timers,
    /// The coroutines that are not done, in the order of their creation.
    pub(super) nodes: BTreeMap<TaskId, Arc<Node>>,
    /// The task of the future that this run is for.
    pub(super) main: Option<TaskRef>,
    /// A thread was told that it may block until a coroutine is done.
    pub(super) awaited: bool,
    /// Of the runner that is ending and waits for coroutines to go.
    pub(super) departure: Option<Waker>,
    /// A runner is ending: whatever fails now is reported, and nobody stops that.
    pub(super) winding_up: bool,
    /// The thread that closes the loop, for as long as it is about it.
    closing: Option<ThreadId>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    #[default]
    New,
    Running,
    Stopped,
    Closed,
}

pub(super) fn closed() -> TaskError {
    TaskError::rejected("Event loop is closed")
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues what is ready. On a closed loop it is dropped.
    pub(super) fn push(&self, ready: Ready) {
        let refused = self.try_push(ready).err();
        discard(refused);
    }

    /// # Errors
    /// Of a closed loop, what was not queued comes back.
    pub(super) fn try_push(&self, ready: Ready) -> Result<(), Ready> {
        let mut state = self.lock();
        if state.phase == Phase::Closed {
            return Err(ready);
        }
        state.ready.push_back(ready);
        drop(state);
        self.sleeper.wake();
        Ok(())
    }

    /// Puts a callback among the timers; false if the loop is closed.
    pub(super) fn set_timer(&self, due: Due, call: &Arc<Call>) -> bool {
        let mut state = self.lock();
        if state.phase == Phase::Closed {
            return false;
        }
        state.timers.insert(due, call.clone());
        let first = state.timers.next_at() == Some(due.at());
        drop(state);
        if first {
            self.sleeper.wake();
        }
        true
    }

    pub(super) fn forget_timer(&self, due: Due) {
        let forgotten = self.lock().timers.remove(due);
        drop(forgotten);
    }

    pub(super) fn stop(&self) {
        let mut state = self.lock();
        if state.phase != Phase::Closed && !state.winding_up {
            state.stop = true;
        }
        drop(state);
        self.sleeper.wake();
    }

    /// A runner is ending: a wish to stop, that came before or comes now, is no
    /// reason not to wait for what it waits for.
    pub(super) fn wind_up(&self) {
        let mut state = self.lock();
        state.winding_up = true;
        state.stop = false;
    }

    /// Why this thread would block for a coroutine of this loop for ever.
    pub(crate) fn stuck(&self) -> Option<TaskError> {
        if current::is(self) {
            return Some(TaskError::would_deadlock(
                "its event loop runs on the very thread that blocks for it",
            ));
        }
        let mut state = self.lock();
        match state.phase {
            Phase::New | Phase::Running => {
                state.awaited = true;
                None
            }
            Phase::Stopped => Some(TaskError::would_deadlock("its event loop was stopped")),
            // Some code of the user's, which is called by `close`: those that are
            // not cancelled by now will be when it returns.
            Phase::Closed if state.closing == Some(thread::current().id()) => {
                Some(TaskError::would_deadlock(
                    "its event loop is being closed by the very thread that blocks for it",
                ))
            }
            // Its coroutines are being cancelled, if they are not by now.
            Phase::Closed => None,
        }
    }

    /// The coroutines that are not done, oldest first.
    pub(super) fn tasks(&self) -> Vec<TaskRef> {
        let state = self.lock();
        let nodes = state.nodes.values().map(|node| &node.task);
        let tasks: Vec<_> = state.main.iter().chain(nodes).cloned().collect();
        drop(state);
        let mut tasks = tasks;
        tasks.retain(|task| !task.is_done());
        tasks.sort_unstable_by_key(TaskRef::id);
        tasks
    }

    /// Tells the exception handler, or else `tracing`.
    pub(crate) fn report(&self, context: &ExceptionContext) {
        let handler = self.handler().clone();
        let Some(handler) = handler else {
            return context.report();
        };
        if let Err(report) = catch(|| handler(context)) {
            say!(error, %report, "an exception handler panicked");
            context.report();
        }
        discard(handler);
    }

    pub(super) fn handler(&self) -> MutexGuard<'_, Option<Handler>> {
        self.handler.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A coroutine has ended with an error, which is its owner's affair; but while
    /// a runner ends there may be none.
    pub(crate) fn failed(&self, task: &TaskRef, error: &TaskError) {
        if !error.is_cancelled() && self.lock().winding_up {
            let message = "a task failed while the runner was closing";
            self.report(&ExceptionContext::new(message).task(task).error(error));
        }
    }

    /// Closes the loop: see `EventLoop::close`.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Closed {
            return;
        }
        let State {
            ready,
            mut timers,
            nodes,
            ..
        } = std::mem::take(&mut *state);
        state.phase = Phase::Closed;
        state.closing = Some(thread::current().id());
        drop(state);
        for node in nodes.values().filter(|node| !node.task.is_done()) {
            let message = "Task was destroyed but it is pending!";
            self.report(&ExceptionContext::new(message).task(&node.task));
            node.abandon("its event loop was closed");
        }
        let calls = ready.iter().filter_map(|ready| match ready {
            Ready::Call(call) => Some(call.clone()),
            _ => None,
        });
        // Their handles may live on: not so what they captured.
        for call in calls.chain(timers.take_all()) {
            call.revoke();
        }
        discard((ready, nodes));
        self.executor().leave();
        let handler = self.handler().take();
        discard(handler);
        self.lock().closing = None;
    }

    pub(super) fn show(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        let (phase, ready) = (state.phase, state.ready.len());
        let (timers, tasks) = (state.timers.len(), state.nodes.len());
        drop(state);
        f.debug_struct(name)
            .field("state", &phase)
            .field("ready", &ready)
            .field("timers", &timers)
            .field("tasks", &tasks)
            .finish()
    }
}
