//! One run of a loop, from its beginning to its end on every path.

use super::current;
use super::drive::Drive;
use super::ready::Ready;
use super::shared::{Phase, Shared, closed};
use crate::coroutine::{Routine, polls_for_runtime};
use crate::runtime;
use executor_core::{TaskError, TaskRef};
use std::sync::Arc;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The future that it was for is done.
    Complete,
    /// Somebody stopped the loop.
    Stopped,
}

/// The future that a run is for, with its task.
pub(super) type Main<'f> = (Box<dyn Routine + 'f>, TaskRef);

/// Runs the loop on this thread.
///
/// # Errors
/// If it is closed, or if this thread drives a loop or a coroutine of the runtime already.
pub(super) fn go(shared: &Arc<Shared>, main: Option<Main<'_>>) -> Result<Ended, TaskError> {
    if current::running().is_some() {
        let why = "Cannot run the event loop while another loop is running";
        return Err(TaskError::invalid_state(why));
    }
    if polls_for_runtime() {
        let why = "Cannot run the event loop inside a coroutine of the shared runtime, whose \
                   thread it would block";
        return Err(TaskError::invalid_state(why));
    }
    let (routine, task) = main.unzip();
    let _run = Run::begin(shared, task)?;
    Ok(runtime::block_on(Drive::new(shared, routine)))
}

/// A run; dropping it ends it, also where the runtime panics.
struct Run<'s>(&'s Arc<Shared>);

impl<'s> Run<'s> {
    fn begin(shared: &'s Arc<Shared>, main: Option<TaskRef>) -> Result<Self, TaskError> {
        let mut state = shared.lock();
        if state.phase == Phase::Closed {
            return Err(closed());
        }
        state.phase = Phase::Running;
        state.runs += 1;
        if main.is_some() {
            let run = state.runs;
            state.ready.push_back(Ready::Main(run));
        }
        state.main = main;
        drop(state);
        current::enter(shared.clone());
        Ok(Self(shared))
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        current::leave();
        let mut state = self.0.lock();
        state.phase = Phase::Stopped;
        // A wish to stop has been granted by now: it is not for the next run.
        state.stop = false;
        let main = state.main.take();
        let awaited: Vec<_> = match std::mem::take(&mut state.awaited) {
            true => state.nodes.values().map(|node| node.task.clone()).collect(),
            false => Vec::new(),
        };
        drop(state);
        drop(main);
        for task in awaited {
            task.nudge();
        }
    }
}
