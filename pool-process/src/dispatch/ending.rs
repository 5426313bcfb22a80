//! How a pool ends: draining, cancelling, killing, and the report.
//!
//! From the first shutdown on, no job is taken. The end is there when no seat is taken,
//! nothing waits, and everything is resolved. A deadline turns any mode into `Kill`;
//! then neither a process that the kernel cannot end nor code that does not come back
//! holds up the report for longer than [`KILL_BOUND`].

use super::Dispatch;
use crate::config::KILL_BOUND;
use crate::seat::Occupant;
use crate::tally::Counts;
use executor_core::exit::HoldExit;
use executor_core::timer::{self, Timer};
use executor_core::{
    HeldJob, Promise, Shutdown, ShutdownMode, ShutdownReport, Task, TaskError, promise,
};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// The end of a pool, from the first shutdown on.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) mode: ShutdownMode,
    /// How many jobs had come to their end before.
    before: Counts,
    waiting: VecDeque<Promise<ShutdownReport>>,
    deadlines: Vec<Timer>,
    /// How many calls are still handing over what they took off the queue.
    handing_over: usize,
    /// When it became a kill.
    killed: Option<Instant>,
    /// The end is there, and nobody supervises any more.
    over: bool,
    /// Until the last worker is gone, the process does not end by itself.
    hold: Option<HoldExit>,
}

impl Dispatch {
    /// Begins to end the pool, or tightens the way it ends.
    pub(crate) fn shutdown(self: &Arc<Self>, how: Shutdown) -> Task<ShutdownReport> {
        let (promise, task) = promise("shutdown");
        let deadline = how.deadline().map(|deadline| {
            let weak = Arc::downgrade(self);
            timer::after(deadline, move || {
                if let Some(dispatch) = weak.upgrade() {
                    dispatch.end(ShutdownMode::Kill, None);
                }
            })
        });
        self.end(how.mode(), Some((promise, deadline)));
        task
    }

    pub(crate) fn end(
        &self,
        mode: ShutdownMode,
        caller: Option<(Promise<ShutdownReport>, Option<Timer>)>,
    ) {
        let mut guard = self.lock();
        self.is_ending.store(true, Ordering::SeqCst);
        let state = &mut *guard;
        let busy = !state.roster.seats.is_empty()
            || !state.nothing_waits()
            || self.unresolved.is_clear() != (true, true);
        let ending = state.ending.get_or_insert_with(|| Ending {
            mode,
            before: self.counts(),
            waiting: VecDeque::new(),
            deadlines: Vec::new(),
            handing_over: 0,
            killed: None,
            over: false,
            hold: busy.then(HoldExit::new),
        });
        ending.mode = ending.mode.max(mode);
        if let Some((promise, deadline)) = caller {
            ending.waiting.push_back(promise);
            ending.deadlines.extend(deadline);
        }
        if ending.mode == ShutdownMode::Kill {
            ending.killed.get_or_insert_with(Instant::now);
        }
        ending.handing_over += 1;
        let cancels = ending.mode >= ShutdownMode::CancelPending;
        let kills = ending.mode == ShutdownMode::Kill;
        // Whoever has queued a job is about to see to it that somebody supervises.
        let over = ending.over || !busy && !self.crew.has_begun();
        state.roster.end();
        let workers: Vec<_> = state.roster.serving().cloned().collect();
        // Whoever supervises tells them. If nobody does, `announce` does.
        let warming = match over {
            true => Vec::new(),
            false => std::mem::take(&mut state.warming),
        };
        let seats = &state.roster.seats;
        let processes = seats.iter().filter_map(|seat| seat.process.clone());
        let processes: Vec<_> = processes.filter(|_| kills).collect();
        drop(guard);

        // The kills first: nothing that is resolved here holds them up.
        for process in processes {
            process.kill();
        }
        for promise in warming {
            self.unresolved.call(|| promise.resolve(Err(shut_down())));
        }
        if cancels {
            self.cancel(self.empty_queue().into_iter());
        }
        for worker in &workers {
            self.cancel_if_ending(worker);
        }
        if let Some(ending) = &mut self.lock().ending {
            ending.handing_over -= 1;
        }
        if over {
            // Nobody supervises any more, or has ever had to.
            self.announce();
        } else {
            self.poller.poke();
        }
    }

    /// Takes back what has not begun and cancels it, if the pool is being shut
    /// down that way.
    pub(crate) fn cancel_if_ending(&self, worker: &Occupant) {
        if self.is_ending() && self.lock().mode() >= Some(ShutdownMode::CancelPending) {
            self.empty_hand(worker);
            let jobs = worker.flight.take_back_all();
            self.cancel(jobs.into_iter().filter_map(HeldJob::release));
        }
    }

    /// Whether nothing is left to be done, so that the pool is at its end.
    pub(crate) fn is_over(&self) -> bool {
        // Before, so that what was moved stands in a table by now; and after, for what
        // another supervisor has taken out of one meanwhile.
        let nothing_moved = self.crew.moves_nothing();
        let state = self.lock();
        let Some(ending) = &state.ending else {
            return false;
        };
        if !state.roster.seats.is_empty() || !state.nothing_waits() || ending.handing_over > 0 {
            return false;
        }
        let (nothing_waits, nobody_works) = self.unresolved.is_clear();
        let nobody_works = nobody_works && nothing_moved && self.crew.moves_nothing();
        let given_up = ending.killed.is_some_and(|at| at.elapsed() >= KILL_BOUND);
        nothing_waits && (nobody_works || given_up)
    }

    /// Tells those who wait for the end that it is there.
    ///
    /// They are taken out one at a time: a callback of theirs may not come back, and then
    /// the next supervisor tells the others.
    pub(crate) fn announce(&self) {
        let (deadlines, report) = {
            let state = &mut *self.lock();
            let unkilled = state.unkilled.iter().map(|(_, its)| its.pid()).collect();
            let Some(ending) = &mut state.ending else {
                return;
            };
            ending.over = true;
            let counts = self.counts() - ending.before;
            let mut report = ShutdownReport::default();
            report.finished = counts.finished;
            report.cancelled = counts.cancelled;
            report.unkilled = unkilled;
            (std::mem::take(&mut ending.deadlines), report)
        };
        drop(deadlines);
        while let Some(promise) = self.next_warming() {
            promise.resolve(Err(shut_down()));
        }
        while let Some(promise) = self.next_waiting() {
            promise.resolve(Ok(report.clone()));
        }
        let hold = self.lock().ending.as_mut().and_then(|its| its.hold.take());
        drop(hold);
    }

    fn next_warming(&self) -> Option<Promise<()>> {
        self.lock().warming.pop()
    }

    fn next_waiting(&self) -> Option<Promise<ShutdownReport>> {
        self.lock().ending.as_mut()?.waiting.pop_front()
    }
}

/// Why a pool that is ending takes nothing.
pub(super) fn shut_down() -> TaskError {
    TaskError::rejected("the process pool has been shut down")
}
