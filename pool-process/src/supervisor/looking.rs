//! Looking after everybody twice a second: who is busy, starting, leaving, or killed and
//! not ended; after idle workers; and after the pool, whether it is at its end.

use super::Supervisor;
use crate::config::{GRACE, KILL_BOUND};
use crate::seat::{Occupant, Phase};
use executor_core::WorkerExit;
use executor_core::say;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

impl Supervisor<'_> {
    /// Looks after everybody who is busy, starting or leaving.
    pub(super) fn look_after_all(&mut self) {
        let state = self.dispatch.lock();
        let seats: Vec<_> = state
            .roster
            .seats
            .iter()
            .filter_map(|seat| {
                let leaving = match seat.phase {
                    Phase::Leaving(since) => Some(since),
                    _ => None,
                };
                let cutter = match seat.phase {
                    Phase::Starting => seat.cutter.clone(),
                    _ => None,
                };
                let worker = seat.serving().cloned();
                Some((seat.id, seat.process.clone()?, worker, leaving, cutter))
            })
            .collect();
        drop(state);
        self.reap_unkilled();
        for (id, process, worker, leaving, cutter) in seats {
            let overdue = process
                .killed_at()
                .is_some_and(|at| at.elapsed() >= KILL_BOUND);
            if process.reap().is_some() {
                self.ended(id);
            } else if let Some(worker) = worker {
                if overdue {
                    self.give_up(&worker);
                } else if !worker.flight.is_empty() && !worker.is_distrusted() {
                    // A bell that did not ring hides nothing for long.
                    let looked = match self.collect(&worker) {
                        Ok(false) => super::rounds::look_after(&worker).map(|()| false),
                        other => other,
                    };
                    self.follow_up(&worker, looked);
                }
            } else if let Some(since) = leaving {
                if overdue {
                    self.dispatch.lock().keep_unkilled(id, process);
                    self.left(id);
                } else if since.elapsed() >= GRACE {
                    process.kill();
                }
            } else if overdue && let Some(cutter) = cutter {
                // Its start ends with the wire, and does not wait for the process.
                cutter.cut();
            }
        }
    }

    /// The kernel cannot end the process of this worker: goes on without it.
    fn give_up(&mut self, worker: &Arc<Occupant>) {
        let pid = worker.process.pid();
        self.bury(worker, WorkerExit::Unknown, false);
        let what = "a worker was killed and has not ended; another takes its place";
        self.dispatch
            .tell(move |pool| say!(error, pool, pid, "{what}"));
    }

    /// Looks whether the quick ones get on. What is behind a job that is long is queued
    /// again, in front, if a few others suffice for it: those take nothing back themselves
    /// as long as any job waits in the queue.
    pub(super) fn look_at_paces(&self) {
        for worker in &self.workers {
            let stands_still = worker.pace.look(worker.flight.first_published());
            if stands_still
                && worker.flight.is_anything_behind()
                && self.dispatch.lock().roster.few_suffice()
            {
                let behind = worker.flight.take_back(usize::MAX);
                self.dispatch.put_back(behind.into_iter());
            }
        }
    }

    /// Lets workers go that have had nothing for long, and has others give memory back.
    pub(super) fn look_after_idle(&mut self) {
        let untidy = self.dispatch.lock().untidy();
        if let Some((worker, at)) = untidy
            && Instant::now() >= at
        {
            worker.tidy.store(true, Ordering::Relaxed);
            worker.flight.shrink();
        }
        while self.dispatch.config.idle_timeout.is_some() {
            let idle = self.dispatch.lock().idle_for_long(&self.dispatch.config);
            match idle {
                Some(worker) => self.dismiss(&worker),
                None => return,
            }
        }
    }

    // ----- the end of the pool -----

    /// Whether there is nothing left to supervise. Then those who wait are told.
    pub(super) fn has_ended(&mut self) -> bool {
        if !self.dispatch.is_ending() {
            return false;
        }
        self.dismiss_all_idle();
        if !self.dispatch.is_over() {
            return false;
        }
        self.dispatch.announce();
        // A thread that was given up may have come back just before.
        self.resolve();
        self.dispatch.starter.dismiss();
        if self.dispatch.lock().has_unkilled() {
            return false;
        }
        self.dispatch.crew.dissolve();
        // Whoever added something before has left it to this thread, and after it, works
        // at it.
        self.dispatch.unresolved.work_off(&mut self.scratch);
        true
    }

    fn dismiss_all_idle(&mut self) {
        let state = self.dispatch.lock();
        if !state.nothing_waits() {
            return;
        }
        let idle: Vec<_> = state
            .roster
            .serving()
            .filter(|its| its.is_idle())
            .cloned()
            .collect();
        drop(state);
        for worker in idle {
            self.dismiss(&worker);
        }
    }
}
