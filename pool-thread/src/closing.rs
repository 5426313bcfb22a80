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
//! [`Both::settle`] finds out what is over. It is called after each change that
//! may matter, and its result is carried out without the lock: it runs the
//! user's callbacks, and may let the process end.

use crate::dispatch::Running;
use crate::intake::Both;
use crate::shared::Shared;
use crate::worker::seat_here;
use executor_core::exit::HoldExit;
use executor_core::timer::{self, Timer};
use executor_core::{Promise, Shutdown, ShutdownMode, ShutdownReport, Task, promise};
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub(crate) struct Closing {
    mode: ShutdownMode,
    callers: Vec<Caller>,
    hold: Option<HoldExit>,
    /// How many jobs had come to their end before the pool was closed.
    finished_before: usize,
    /// Jobs that were cancelled since then, but for those that were withdrawn.
    cancelled: usize,
    /// How many had been withdrawn before.
    withdrawn_before: usize,
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
        let name = format!("shutdown of {}", self.settings.name);
        if self.made.is_foreign() {
            return Task::ready(name, Err(self.forked()));
        }
        let (promise, task) = promise(name);
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
        // Made and dropped under no lock.
        let mut hold = Some(HoldExit::new());
        let mut both = self.lock();
        self.closed.store(true, Ordering::Release);
        let here = seat_here(self).and_then(|seat| both.dispatch.at(seat));
        let job = here.map(|running| running.number);
        let idle = both.none_wait() && both.dispatch.running().next().is_none();
        let (finished_before, withdrawn_before) = (both.dispatch.finished(), both.withdrawn());
        let closing = both.intake.closing.get_or_insert_with(|| Closing {
            mode,
            callers: Vec::new(),
            hold: hold.take_if(|_| !idle),
            finished_before,
            cancelled: 0,
            withdrawn_before,
        });
        closing.mode = closing.mode.max(mode);
        closing
            .callers
            .extend(caller.map(|(promise, deadline)| Caller {
                promise,
                job,
                deadline,
            }));
        let mode = closing.mode;
        let cancels = mode >= ShutdownMode::CancelPending;
        let killed = mode >= ShutdownMode::Kill;
        both.dispatch.stopped |= cancels;
        both.intake.clearing += usize::from(cancels);
        let sleepers: Vec<_> = std::iter::from_fn(|| both.intake.seats.wake()).collect();
        let settled = both.settle();
        drop(both);
        drop(hold);
        sleepers.iter().for_each(|bell| bell.ring());
        if killed {
            // Before the report: who reads it finds that they were asked.
            self.killed.cancel();
        }
        settled.carry_out();
        if !cancels {
            return;
        }
        let cancelled = self.clear(
            |_| true,
            |job| {
                job.cancel("its pool was shut down");
            },
        );
        let mut both = self.lock();
        both.intake.clearing -= 1;
        if let Some(closing) = &mut both.intake.closing {
            closing.cancelled += cancelled;
        }
        let settled = both.settle();
        drop(both);
        settled.carry_out();
    }

    /// The time limit of this job has resolved it.
    pub(crate) fn expired(&self, seat: usize, number: u64) {
        let mut both = self.lock();
        // The worker may have gone on to another job, or have left.
        if let Some(running) = both.dispatch.at(seat)
            && running.number == number
        {
            running.expired = true;
        }
        let settled = both.settle();
        drop(both);
        settled.carry_out();
    }
}

impl Both<'_> {
    /// Finds out what is over, if the pool is closed.
    pub(crate) fn settle(&mut self) -> Settled {
        if self.intake.closing.is_none() {
            return Settled::default();
        }
        let (none_wait, withdrawn) = (self.none_wait(), self.withdrawn());
        let (dispatch, intake) = (&*self.dispatch, &mut *self.intake);
        let seats = &intake.seats;
        let mut settled = Settled::default();
        let Some(closing) = &mut intake.closing else {
            return settled;
        };
        if intake.clearing > 0 || !none_wait {
            return settled;
        }
        let killed = closing.mode >= ShutdownMode::Kill;
        let given_up = |job: &Running| killed || job.expired;
        let over = |caller: &mut Caller| {
            let excused = |job: &Running| given_up(job) || Some(job.number) == caller.job;
            seats.taken() == seats.working() && dispatch.running().all(|(job, _)| excused(job))
        };
        for caller in closing.callers.extract_if(.., over) {
            let mut report = ShutdownReport::default();
            report.finished = dispatch.finished() - closing.finished_before;
            report.cancelled = closing.cancelled + withdrawn - closing.withdrawn_before;
            for (job, returned) in dispatch.running() {
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
        if dispatch.running().all(|(job, _)| given_up(job)) {
            settled.hold = closing.hold.take();
        }
        settled
    }
}
