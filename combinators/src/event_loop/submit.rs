//! How work gets onto a loop: coroutines and callbacks, from any thread.

use super::call::{Call, CallHandle};
use super::node::Node;
use super::ready::Ready;
use super::shared::{Phase, Shared, closed};
use super::timers::Due;
use crate::coroutine::{Coroutine, Home};
use executor_core::panic::discard;
use executor_core::{Task, TaskError};
use std::future::Future;
use std::sync::Arc;

impl Shared {
    /// Starts a coroutine of this loop; its task is resolved with what `outcome`
    /// makes of its output. On a closed loop the task has failed already, and the
    /// future is dropped.
    pub(crate) fn start<F, T>(
        self: &Arc<Self>,
        future: F,
        outcome: fn(F::Output) -> Result<T, TaskError>,
    ) -> Task<T>
    where
        F: Future + Send + 'static,
        T: Send + 'static,
    {
        let home = Home::Loop(Arc::downgrade(self));
        let (coroutine, task) = Coroutine::new(future, outcome, home);
        let node = Node::new(self, task.reference(), Box::new(coroutine));
        let mut state = self.lock();
        if state.phase == Phase::Closed {
            drop(state);
            node.abandon("its event loop is closed");
            return Task::ready(task.name(), Err(closed()));
        }
        state.nodes.insert(task.id(), node.clone());
        state.ready.push_back(Ready::Node(node));
        drop(state);
        self.sleeper.wake();
        task
    }

    /// # Errors
    /// If the loop is closed; the function is dropped.
    pub(super) fn call_soon(
        &self,
        function: impl FnOnce() + Send + 'static,
    ) -> Result<CallHandle, TaskError> {
        let call = Call::soon(Box::new(function));
        match self.try_push(Ready::Call(call.clone())) {
            Ok(()) => Ok(CallHandle::new(call)),
            Err(refused) => {
                discard((refused, call));
                Err(closed())
            }
        }
    }

    /// # Errors
    /// As for `call_soon`.
    pub(super) fn call_when(
        self: &Arc<Self>,
        due: Due,
        function: impl FnOnce() + Send + 'static,
    ) -> Result<CallHandle, TaskError> {
        let call = Call::later(due, self, Box::new(function));
        if self.set_timer(due, &call) {
            return Ok(CallHandle::new(call));
        }
        discard(call);
        Err(closed())
    }
}
