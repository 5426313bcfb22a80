//! The end of a worker: dismissed, or dead, with its jobs to be sorted.

use super::{Begun, Down, Served, Supervisor};
use crate::blame;
use crate::boot::BootError;
use crate::config::{GRACE, MAX_MOVES};
use crate::flight::{Loss, Remains};
use crate::transport::{Incoming, Transport};
use executor_core::{DeathCause, HeldJob, Job, ShutdownMode, TaskError, WorkerExit, WorkerLost};

/// What is done about a job that was lost with its worker.
enum Verdict {
    Fail(HeldJob, TaskError),
    RunAgain(Job),
}

impl Supervisor<'_> {
    /// The worker is not needed, or worn out: lets it go, and sees that it does.
    pub(super) fn leave(self) -> Served {
        let process = self.worker.process;
        self.worker.board.close();
        self.worker.ends.dismiss();
        if process.wait(GRACE).is_none() {
            process.end();
        }
        self.seat.seat(None);
        match self.dispatch.step_down(self.seat) {
            true => Served::Left,
            false => Served::Replace(None),
        }
    }

    /// The worker is gone, or has to go. Its jobs are sorted, a replacement is
    /// started, and then the owner of the job it was at learns of it.
    pub(super) fn bury(mut self, down: Down) -> Served {
        self.dispatch.not_idle(self.seat);
        let trusted = !matches!(down, Down::Misbehaved(_));
        let exit = self.end_worker(down);
        if trusted {
            self.read_last_results();
        }
        self.dispatch.not_idle(self.seat);
        self.seat.seat(None);
        let mut remains = self.flight.bury(exit);
        if let Some(lost) = self.suspect(&mut remains, exit) {
            remains.lost.push(lost);
        }
        let died_over_a_job = !remains.lost.is_empty() || remains.suspicious;
        let mode = self.dispatch.mode();
        let lost = remains.lost.into_iter();
        let verdicts: Vec<_> = lost
            .map(|(job, loss)| self.judge(job, loss, mode))
            .collect();

        let mut failed = Vec::new();
        let mut queued = Vec::new();
        for verdict in verdicts {
            match verdict {
                Verdict::Fail(job, error) => failed.push((job, error)),
                Verdict::RunAgain(job) => queued.push(job),
            }
        }
        queued.extend(remains.unharmed);
        queued.extend(self.hand.drain(..));
        let mut cancelled = 0;
        self.dispatch.put_back(queued);
        if died_over_a_job {
            self.prove();
        }
        let useful = self.proved && !self.dispatch.is_finished();
        // Before the news is told, unless too many are starting already.
        let slot = useful.then(|| self.dispatch.try_boot_slot()).flatten();
        let next = slot.map(|slot| Box::new(Begun::begin(self.dispatch, self.seat, slot)));
        let mut finished = 0;
        for (job, error) in failed {
            match error.is_cancelled() {
                true => cancelled += 1,
                false => finished += 1,
            }
            job.fail(error);
        }
        self.dispatch.count(finished, cancelled);
        if useful {
            return Served::Replace(next);
        }
        if self.dispatch.is_finished() && self.dispatch.step_down(self.seat) {
            return Served::Left;
        }
        Served::Useless(BootError::Died(exit))
    }

    /// What the worker had finished before its end is not lost, wherever it is.
    fn read_last_results(&mut self) {
        if self.dispatch.config.transport == Transport::SharedMemory {
            let _ = self.take_in(None);
            return;
        }
        // The wire is cut when the process has ended, so this comes to an end.
        while let Ok(Incoming::Message(head, bytes)) = self.worker.wire.recv() {
            // Whatever is wrong now changes nothing any more.
            if self.take_in(Some((head, bytes))).is_err() {
                return;
            }
        }
        let _ = self.take_in(None);
    }

    /// A job that workers die of before they begin it, as one may that is too
    /// large for them, must not go round for ever.
    fn suspect(&self, remains: &mut Remains, exit: WorkerExit) -> Option<(HeldJob, Loss)> {
        let first = remains.first_was_waiting.take()?;
        let times = first.count_death(false);
        if times < MAX_MOVES {
            remains.suspicious = times > 1;
            remains.unharmed.splice(0..0, first.release());
            return None;
        }
        let lost = WorkerLost::new(self.worker.process.pid(), exit, false);
        let lost = self.blame(lost).with_attempt(times, true);
        Some((first, Loss::Stopped(TaskError::worker_lost(lost))))
    }

    /// Decides about a job that the worker had begun.
    fn judge(&self, job: HeldJob, loss: Loss, mode: Option<ShutdownMode>) -> Verdict {
        let lost = match loss {
            Loss::Stopped(error) => return Verdict::Fail(job, error),
            Loss::Death(_) if mode == Some(ShutdownMode::Kill) => {
                let error = TaskError::cancelled("its pool was shut down while it ran");
                return Verdict::Fail(job, error);
            }
            Loss::Death(lost) => self.blame(lost),
        };
        let retries = job.retries();
        if retries == 0 || mode >= Some(ShutdownMode::CancelPending) {
            return Verdict::Fail(job, TaskError::worker_lost(lost));
        }
        let attempt = job.count_death(true);
        if attempt <= retries {
            let (pid, name, why) = (lost.pid(), job.name(), lost.exit());
            tracing::warn!(pid, name, attempt, %why, "a worker died over a job; it is run again");
            return match job.release() {
                Some(job) => Verdict::RunAgain(job),
                // Nothing else resolves a job that a worker has.
                None => unreachable!("a held job is ours to release"),
            };
        }
        let lost = lost.with_attempt(attempt, true);
        Verdict::Fail(job, TaskError::worker_lost(lost))
    }

    fn blame(&self, lost: WorkerLost) -> WorkerLost {
        let process = &self.worker.process;
        blame::complete(
            lost,
            &process.stderr.last_words(),
            self.worker.oom_kills,
            process.killed_for(),
        )
    }

    /// Makes sure that the process has ended, and says how.
    fn end_worker(&self, down: Down) -> WorkerExit {
        let process = &self.worker.process;
        let (pid, pool) = (process.pid(), &self.dispatch.config.name);
        match down {
            // The end of its wire is mostly that of the process.
            Down::Exited | Down::Channel(_) => {
                if process.wait(GRACE).is_none() {
                    let error = match down {
                        Down::Channel(error) => error.to_string(),
                        _ => "it closed its wire".to_owned(),
                    };
                    tracing::error!(pool, pid, error, "a worker's wire broke; it is killed");
                    process.kill_for(DeathCause::Misbehaved);
                }
            }
            Down::Misbehaved(what) => {
                tracing::error!(pool, pid, what, "a worker misbehaves and is killed");
                process.kill_for(DeathCause::Misbehaved);
            }
        }
        let exit = process.end();
        tracing::debug!(pool, pid, %exit, "a worker ended");
        exit
    }
}
