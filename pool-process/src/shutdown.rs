//! How a pool ends: draining, cancelling, killing, and the report.

use crate::dispatch::{Dispatch, State};
use executor_core::exit::HoldExit;
use executor_core::timer::{self, Timer};
use executor_core::{Promise, Shutdown, ShutdownMode, ShutdownReport, Task, TaskError, promise};
use std::sync::Arc;

/// The end of a pool, from the first shutdown on.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) mode: ShutdownMode,
    pub(crate) report: ShutdownReport,
    waiting: Vec<Promise<ShutdownReport>>,
    deadlines: Vec<Timer>,
    /// How many calls are still cancelling what they took off the queue: until
    /// they have counted it, there is no report.
    cancelling: usize,
    over: bool,
    /// Until the last worker is gone, the process does not end by itself.
    hold: Option<HoldExit>,
}

/// The news that a shutdown is over, to be told outside the lock.
pub(crate) struct Over {
    waiting: Vec<Promise<ShutdownReport>>,
    /// Those who waited for all workers, which will never be there.
    warming: Vec<Promise<()>>,
    report: ShutdownReport,
    _deadlines: Vec<Timer>,
    _hold: Option<HoldExit>,
}

impl Over {
    pub(crate) fn announce(self) {
        for promise in self.warming {
            let error = TaskError::rejected("the process pool has been shut down");
            promise.resolve(Err(error));
        }
        for promise in self.waiting {
            promise.resolve(Ok(self.report.clone()));
        }
    }
}

impl State {
    /// Takes the news out, if there is no seat and no job left and somebody waits
    /// for it.
    pub(crate) fn over(&mut self) -> Option<Over> {
        let done = self.seats.is_empty() && self.queue.is_empty();
        let ending = self.ending.as_mut().filter(|_| done)?;
        if ending.cancelling > 0 {
            return None;
        }
        ending.over = true;
        Some(Over {
            waiting: std::mem::take(&mut ending.waiting),
            warming: std::mem::take(&mut self.warming),
            report: ending.report.clone(),
            _deadlines: std::mem::take(&mut ending.deadlines),
            _hold: ending.hold.take(),
        })
    }
}

impl Dispatch {
    /// Begins to end the pool, or tightens the way it ends.
    pub(crate) fn shutdown(self: &Arc<Self>, how: Shutdown) -> Task<ShutdownReport> {
        let (promise, task) = promise("shutdown");
        self.end(how.mode(), Some(promise));
        if let Some(deadline) = how.deadline() {
            let weak = Arc::downgrade(self);
            let timer = timer::after(deadline, move || {
                if let Some(dispatch) = weak.upgrade() {
                    dispatch.end(ShutdownMode::Kill, None);
                }
            });
            if let Some(ending) = &mut self.lock().ending
                && !ending.over
            {
                ending.deadlines.push(timer);
            }
        }
        task
    }

    pub(crate) fn end(&self, mode: ShutdownMode, promise: Option<Promise<ShutdownReport>>) {
        let mut guard = self.lock();
        let state = &mut *guard;
        let busy = !state.seats.is_empty();
        let ending = state.ending.get_or_insert_with(|| Ending {
            mode,
            report: ShutdownReport::default(),
            waiting: Vec::new(),
            deadlines: Vec::new(),
            cancelling: 0,
            over: false,
            hold: busy.then(HoldExit::new),
        });
        ending.mode = ending.mode.max(mode);
        ending.waiting.extend(promise);
        ending.cancelling += 1;
        let cancelling = ending.mode >= ShutdownMode::CancelPending;
        let pending = match cancelling {
            true => std::mem::take(&mut state.queue),
            false => Default::default(),
        };
        let seats = state.seats.clone();
        drop(guard);

        for seat in &seats {
            seat.wake();
        }
        self.cancel_all(pending);
        for flight in seats.iter().filter_map(|seat| seat.flight()) {
            self.cancel_if_ending(&flight);
        }
        if mode == ShutdownMode::Kill {
            for occupant in seats.iter().filter_map(|seat| seat.occupant()) {
                occupant.process.kill();
            }
        }
        let mut guard = self.lock();
        if let Some(ending) = &mut guard.ending {
            ending.cancelling -= 1;
        }
        let over = guard.over();
        drop(guard);
        if let Some(over) = over {
            over.announce();
        }
    }
}
