//! The end of a pool: by a shutdown, or by the drop of its last handle.
//!
//! From the first of them on, no job is taken. What is queued runs, or is
//! cancelled in a stricter mode; a worker that finds the queue empty leaves. The
//! mode only ever becomes stricter: by another call, or by a deadline, which
//! turns any mode into `Kill`.
//!
//! A shutdown is over when nothing is queued and all workers have left, but for
//! those that are not waited for:
//!
//! * with `Kill`, those that run a function, since nothing can stop it: it is asked
//!   to, by its token, and may come to its end later;
//! * those whose function runs although its time limit has resolved its task;
//! * the one that runs the job that asked for the shutdown: it may be waiting
//!   for the outcome.
//!
//! The reports name them as abandoned. The process is held, so that a return
//! from `main` loses nothing, until each job is resolved or abandoned.
//!
//! [`State::settle`] finds out what is over. It is called after each change that
//! may matter, and its result is carried out without the lock: it runs the
//! user's callbacks, and may let the process end.

use crate::seats::Running;
use crate::shared::{Shared, State};
use crate::worker::seat_here;
use executor_core::exit::HoldExit;
use executor_core::timer::{self, Timer};
use executor_core::{Promise, Shutdown, ShutdownMode, ShutdownReport, Task, promise};
use std::collections::VecDeque;
use std::sync::Arc;

pub(crate) struct Closing {
    mode: ShutdownMode,
    callers: Vec<Caller>,
    hold: Option<HoldExit>,
    /// Jobs that came to their end since the pool was closed.
    pub(crate) finished: usize,
    /// Jobs that were cancelled since then, but for those the queue removed.
    pub(crate) cancelled: usize,
    /// What the queue had removed before.
    removed_before: usize,
    /// Jobs that are out of the queue and about to be cancelled.
    cancelling: usize,
}

/// Somebody who waits for the end.
struct Caller {
    promise: Promise<ShutdownReport>,
    /// The job that called, by its number, if it is one of this pool.
    job: Option<u64>,
    /// Dropped with the caller: nobody needs the deadline any more.
    deadline: Option<Timer>,
}

/// What is over, to be made known once the lock is released.
#[must_use = "somebody may wait for it"]
#[derive(Default)]
pub(crate) struct Settled {
    reports: Vec<(Caller, ShutdownReport)>,
    hold: Option<HoldExit>,
}

impl Settled {
    pub(crate) fn carry_out(self) {
        for (caller, report) in self.reports {
            drop(caller.deadline);
            caller.promise.resolve(Ok(report));
        }
        // Last: the process may end with it.
        drop(self.hold);
    }
}

impl Shared {
    pub(crate) fn shutdown(self: &Arc<Self>, how: Shutdown) -> Task<ShutdownReport> {
        let (promise, task) = promise(format!("shutdown of {}", self.settings.name));
        let deadline = how.deadline().map(|limit| {
            let pool = Arc::downgrade(self);
            timer::after(limit, move || {
                if let Some(pool) = pool.upgrade() {
                    pool.close(ShutdownMode::Kill, None);
                }
            })
        });
        self.close(how.mode(), Some((promise, deadline)));
        task
    }

    /// Closes the pool, or makes its end stricter.
    pub(crate) fn close(
        &self,
        mode: ShutdownMode,
        caller: Option<(Promise<ShutdownReport>, Option<Timer>)>,
    ) {
        let mut guard = self.lock();
        let state = &mut *guard;
        let here = seat_here(self).and_then(|seat| state.seats.job_at(seat, None));
        let job = here.map(|running| running.number);
        let idle = state.queue.live() == 0 && state.seats.running().next().is_none();
        let closing = state.closing.get_or_insert_with(|| Closing {
            mode,
            callers: Vec::new(),
            hold: (!idle).then(HoldExit::new),
            finished: 0,
            cancelled: 0,
            removed_before: state.queue.removed(),
            cancelling: 0,
        });
        closing.mode = closing.mode.max(mode);
        closing
            .callers
            .extend(caller.map(|(promise, deadline)| Caller {
                promise,
                job,
                deadline,
            }));
        let pending = match closing.mode {
            ShutdownMode::Drain => VecDeque::new(),
            _ => state.queue.take_all(),
        };
        let killed = closing.mode >= ShutdownMode::Kill;
        closing.cancelling += pending.len();
        let sleepers: Vec<_> = std::iter::from_fn(|| state.seats.wake()).collect();
        let settled = state.settle();
        drop(guard);
        sleepers.iter().for_each(|bell| bell.ring());
        if killed {
            // Before the report: who reads it finds that they were asked.
            self.killed.cancel();
        }
        settled.carry_out();
        let count = pending.len();
        if count == 0 {
            return;
        }
        for job in pending {
            job.cancel("its pool was shut down");
        }
        let mut state = self.lock();
        if let Some(closing) = &mut state.closing {
            closing.cancelling -= count;
            closing.cancelled += count;
        }
        let settled = state.settle();
        drop(state);
        settled.carry_out();
    }

    /// The time limit of this job has resolved it.
    pub(crate) fn expired(&self, seat: usize, number: u64) {
        let mut state = self.lock();
        // The worker may have gone on to another job, or have left.
        if let Some(running) = state.seats.job_at(seat, Some(number)) {
            running.expired = true;
        }
        let settled = state.settle();
        drop(state);
        settled.carry_out();
    }
}

impl State {
    /// Finds out what is over, if the pool is closed.
    pub(crate) fn settle(&mut self) -> Settled {
        let Some(closing) = &mut self.closing else {
            return Settled::default();
        };
        if closing.cancelling > 0 || self.queue.live() > 0 {
            return Settled::default();
        }
        let killed = closing.mode >= ShutdownMode::Kill;
        let mut settled = Settled::default();
        let over = |caller: &mut Caller| {
            let seats = &self.seats;
            seats.only(|job| killed || job.expired || Some(job.number) == caller.job)
        };
        for caller in closing.callers.extract_if(.., over) {
            let running = self.seats.running();
            let mut report = ShutdownReport::default();
            report.finished = closing.finished;
            report.cancelled = closing.cancelled + self.queue.removed() - closing.removed_before;
            for (job, returned) in running {
                // One that is over, but for its callbacks, is not abandoned.
                match returned {
                    true => report.finished += 1,
                    false => {
                        let names = [&job.name].into_iter().chain(&job.meanwhile);
                        report.abandoned.extend(names.map(ToString::to_string));
                    }
                }
            }
            settled.reports.push((caller, report));
        }
        let open = |(job, _): (&Running, _)| !(killed || job.expired);
        if !self.seats.running().any(open) {
            settled.hold = closing.hold.take();
        }
        settled
    }
}
