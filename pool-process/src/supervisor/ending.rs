//! The end of a worker: dismissed, or dead, with its jobs to be sorted.

use super::{Down, Served, Supervisor, begin};
use crate::boot::BootError;
use crate::config::GRACE;
use crate::flight::Violation;
use executor_core::{ShutdownMode, TaskError, WorkerExit};

impl Supervisor<'_> {
    /// The worker is not needed: lets it go, and sees that it does.
    pub(super) fn leave(self) -> Served {
        self.seat.seat(None);
        let process = self.worker.process;
        self.worker.end.dismiss();
        if process.wait(GRACE).is_none() {
            process.end();
        }
        if self.dispatch.leave(self.seat) {
            return Served::Left;
        }
        Served::Replace(begin(self.dispatch, self.seat))
    }

    /// The worker is gone, or has to go. Its jobs are sorted, a replacement is
    /// started, and then the owner of the job it was at learns of it.
    pub(super) fn bury(mut self, down: Down) -> Served {
        self.dispatch.not_idle(self.seat);
        let exit = self.end_worker(down);
        // A violation found here changes nothing any more.
        let _ = self.harvest();
        self.seat.seat(None);
        let remains = self.flight.bury(exit);
        let mut unharmed = remains.unharmed;
        unharmed.extend(self.hand.drain(..));
        let mode = self.dispatch.mode();
        let mut cancelled = 0;
        if mode >= Some(ShutdownMode::CancelPending) {
            for job in unharmed {
                cancelled += usize::from(job.cancel("its pool was shut down"));
            }
        } else {
            self.dispatch.put_back(unharmed);
        }
        let next = match (self.proved || !remains.lost.is_empty()) && !self.dispatch.is_finished() {
            true => Some(begin(self.dispatch, self.seat)),
            false => None,
        };
        let mut finished = 0;
        for (job, error) in remains.lost {
            self.prove();
            let error = match mode == Some(ShutdownMode::Kill) && error.is_worker_lost() {
                true => TaskError::cancelled("its pool was shut down while it ran"),
                false => error,
            };
            match error.is_cancelled() {
                true => cancelled += 1,
                false => finished += 1,
            }
            job.fail(error);
        }
        self.dispatch.count(finished, cancelled);
        match next {
            Some(next) => Served::Replace(next),
            None if self.dispatch.is_finished() && self.dispatch.leave(self.seat) => Served::Left,
            None => Served::Useless(BootError::Died(exit)),
        }
    }

    /// Makes sure that the process has ended, and says how.
    fn end_worker(&self, down: Down) -> WorkerExit {
        let (pid, pool) = (self.worker.process.pid(), &self.dispatch.config.name);
        match down {
            Down::Exited => {}
            Down::Violation(Violation(what)) => {
                tracing::error!(pool, pid, what, "a worker broke the protocol and is killed");
            }
            Down::Channel(error) => {
                // Mostly it is dying already, and its exit says more.
                if self.worker.process.wait(GRACE).is_none() {
                    tracing::error!(pool, pid, %error, "a worker's channel broke; it is killed");
                }
            }
        }
        let exit = self.worker.process.end();
        tracing::debug!(pool, pid, %exit, "a worker ended");
        exit
    }
}
