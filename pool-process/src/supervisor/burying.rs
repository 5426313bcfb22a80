//! The start and the end of a worker: ready, dismissed, or dead, with its jobs to be
//! sorted.
//!
//! Nothing here waits. A worker that breaks the protocol, or is not needed, is killed or
//! asked to go, and buried when the kernel announces its end. If that does not come
//! within two seconds of a kill, see `looking`, the worker is buried all the same: its job
//! resolves, its seat is free, and the process is kept on a list until it ends.

use super::{Down, Supervisor};
use crate::blame;
use crate::boot::BootError;
use crate::config::MAX_MOVES;
use crate::flight::{Home, Loss, Remains};
use crate::seat::{Occupant, Phase};
use crate::starter::Ready;
use crate::transport::Transport;
use executor_core::{HeldJob, ShutdownMode, TaskError, TaskErrorKind, WorkerExit, WorkerLost, say};
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Supervisor<'_> {
    // ----- starts -----

    /// A start has come to its end.
    pub(super) fn ready(&mut self, (id, ready): Ready) {
        let worker = match ready {
            Ok(worker) => Arc::new(Occupant::new(id, worker, self.dispatch)),
            Err(error) => return self.not_started(id, error),
        };
        let watched = self.watch(&worker);
        if let Some(exit) = worker.process.reap() {
            return self.not_started(id, BootError::Died(exit));
        }
        worker.flight.serve(Home::of(self.dispatch, &worker));
        self.dispatch.serve(&worker);
        if let Err(error) = watched {
            self.down(&worker, Down::Broken(error));
        }
    }

    fn watch(&self, worker: &Occupant) -> std::io::Result<()> {
        let poller = &self.dispatch.poller;
        if self.dispatch.config.transport == Transport::SharedMemory {
            poller.watch_bell(worker.id, worker.board.bell())?;
        }
        poller.watch_wire(worker.id, &*worker.desk.wire())
    }

    /// The worker is not listened to any more. Its wire stays readable from its end on,
    /// and longer than the worker is there, where a forked process has it as well.
    fn unwatch(&self, worker: &Occupant) {
        self.dispatch.poller.forget(&*worker.desk.wire());
    }

    fn not_started(&mut self, id: u64, error: BootError) {
        let seat = self.dispatch.lock().roster.free(id);
        if let Some(process) = seat.and_then(|seat| seat.process)
            && process.exit().is_none()
        {
            // It was killed, and its end is awaited on the list.
            process.kill();
            self.dispatch.lock().keep_unkilled(id, process);
        }
        self.dispatch.failed_to_start(&error);
        self.tell_of_start(error);
    }

    // ----- ends -----

    /// The process of this occupant has ended.
    pub(super) fn ended(&mut self, id: u64) {
        let mut state = self.dispatch.lock();
        if state.is_unkilled(id) {
            drop(state);
            self.reap_unkilled();
            return;
        }
        let Some(seat) = state.roster.seat(id) else {
            return;
        };
        let (process, cutter) = (seat.process.clone(), seat.cutter.clone());
        let worker = seat.serving().cloned();
        let leaves = matches!(seat.phase, Phase::Leaving(_));
        drop(state);
        let Some(process) = process else { return };
        let Some(exit) = process.reap() else {
            // Announced and not to be had: looked at again in the next round.
            return;
        };
        if let Some(cutter) = cutter {
            cutter.cut();
        }
        let (pid, misbehaved) = (process.pid(), process.misbehaved());
        self.dispatch.tell(move |pool| match misbehaved {
            Some(what) => say!(error, pool, pid, what, "a worker misbehaved and was killed"),
            None => say!(debug, pool, pid, %exit, "a worker ended"),
        });
        if let Some(worker) = worker {
            self.bury(&worker, exit, true);
        } else if leaves {
            self.left(id);
        }
    }

    /// Reaps those that have ended of the processes that nobody waits for any more.
    pub(super) fn reap_unkilled(&self) {
        let state = self.dispatch.lock();
        let unkilled: Vec<_> = state.unkilled().cloned().collect();
        drop(state);
        for (id, process) in unkilled {
            // Announced, it may still not be to be had: then it is looked at again.
            if process.reap().is_some() {
                self.dispatch.lock().forget_unkilled(id);
            }
        }
    }

    /// A worker can serve no longer: it is killed, and buried when it has ended.
    pub(super) fn down(&mut self, worker: &Arc<Occupant>, down: Down) {
        if worker.process.reap().is_some() {
            // That is what is wrong with it.
            return self.ended(worker.id);
        }
        self.unwatch(worker);
        match down {
            // Its end is mostly that of the process, of which the news is on its way.
            Down::Broken(error) => {
                worker.rounds().closed();
                let pid = worker.process.pid();
                let say = move |pool: &str| {
                    say!(debug, pool, pid, %error, "a worker's wire is broken");
                };
                self.dispatch.tell(say);
            }
            Down::Closed => {
                worker
                    .process
                    .kill_for("it closed its wire and did not end");
            }
            Down::Misbehaved(what) => {
                worker.distrust();
                worker.flight.close();
                worker.process.kill_for(what);
            }
        }
    }

    /// The worker is not needed, or worn out: lets it go.
    pub(super) fn dismiss(&mut self, worker: &Arc<Occupant>) {
        let mut state = self.dispatch.lock();
        // Whatever follows: who has a job is not idle, and is found when it is again.
        state.roster.not_idle(worker.id);
        // Not if it was given a job at the last moment.
        if !worker.hand().is_empty() || !worker.flight.close_if_empty() {
            return;
        }
        if !state.roster.leave(worker.id) {
            return;
        }
        drop(state);
        self.unwatch(worker);
        worker.board.close();
        worker.desk.dismiss();
    }

    /// A worker that was asked to go is gone.
    pub(super) fn left(&mut self, id: u64) {
        self.dispatch.lock().roster.left(id);
        // A job may wait for the seat.
        self.dispatch.poller.poke();
    }

    /// The worker is gone, or is given up. Its jobs are sorted, a replacement is
    /// started, and then the owner of the job it was at learns of it.
    pub(super) fn bury(&mut self, worker: &Arc<Occupant>, exit: WorkerExit, ended: bool) {
        if !worker.is_distrusted() {
            self.read_last_results(worker);
        }
        self.unwatch(worker);
        self.dispatch.empty_hand(worker);
        let mut remains = worker.flight.bury(exit, ended);
        if let Some(lost) = self.suspect(worker, &mut remains, exit) {
            remains.lost.push(lost);
        }
        let died_over_a_job = !remains.lost.is_empty() || remains.suspicious;
        let mode = self.dispatch.lock().mode();
        // Those that come after first, and each at once: what is said of one may not come
        // back, where it is listened to.
        self.dispatch.put_back(remains.unharmed.into_iter());
        for (job, loss) in remains.lost.into_iter().rev() {
            self.judge(worker, job, loss, mode);
        }
        if died_over_a_job {
            self.dispatch.prove(worker);
        }
        let mut state = self.dispatch.lock();
        // Not a second time, if a former supervisor comes to this late.
        if state.roster.free(worker.id).is_none() {
            return;
        }
        if !ended {
            state.keep_unkilled(worker.id, worker.process.clone());
        }
        let useful = worker.proved.load(Ordering::Relaxed);
        if useful {
            state.roster.replace();
        }
        drop(state);
        if !useful {
            self.dispatch.failed_to_start(&BootError::Died(exit));
        }
        // A job may wait for the seat.
        self.dispatch.poller.poke();
    }

    /// A job that workers die of before they begin it, as one may that is too
    /// large for them, must not go round for ever.
    fn suspect(
        &self,
        worker: &Occupant,
        remains: &mut Remains,
        exit: WorkerExit,
    ) -> Option<(HeldJob, Loss)> {
        let first = remains.first_was_waiting.take()?;
        let times = first.count_death(false);
        if times < MAX_MOVES {
            remains.suspicious = times > 1;
            remains.unharmed.splice(0..0, first.release());
            return None;
        }
        let lost = WorkerLost::new(worker.process.pid(), exit, false);
        Some((first, Loss::Death(lost.with_attempt(times, true))))
    }

    /// Decides about a job that the worker had begun: it is failed, or comes back to be
    /// run again.
    fn judge(&self, worker: &Arc<Occupant>, job: HeldJob, loss: Loss, mode: Option<ShutdownMode>) {
        let lost = match loss {
            Loss::Stopped(error) => {
                return self.fail(job, error);
            }
            Loss::Death(_) if mode == Some(ShutdownMode::Kill) => {
                let error = TaskError::cancelled("its pool was shut down while it ran");
                return self.fail(job, error);
            }
            Loss::Death(lost) => lost,
        };
        let retries = job.retries();
        if lost.is_quarantined() || retries == 0 || mode >= Some(ShutdownMode::CancelPending) {
            return self.blame(worker, job, lost);
        }
        let attempt = job.count_death(true);
        if attempt <= retries {
            let (pid, name, why) = (lost.pid(), job.owned_name(), lost.exit());
            self.dispatch.put_back(job.release().into_iter());
            let again = "a worker died over a job; it is run again";
            self.dispatch
                .tell(move |pool| say!(warn, pool, pid, %name, attempt, %why, "{again}"));
            return;
        }
        self.blame(worker, job, lost.with_attempt(attempt, true));
    }

    fn fail(&self, job: HeldJob, error: TaskError) {
        // Its worker is free, whatever its callbacks do.
        job.leave_ledger();
        match error.is_cancelled() {
            true => self.dispatch.tally.cancel(1),
            false => self.dispatch.tally.finish(1),
        }
        // Why a part of it cannot be read is known where it was read.
        let firm = error.kind() != TaskErrorKind::Decode;
        self.dispatch.unresolved.fail(job, firm, || error);
    }

    /// Fails a job with its worker, once all is known that can be known of its death: the
    /// last of what it wrote may be on its way.
    fn blame(&self, worker: &Arc<Occupant>, job: HeldJob, lost: WorkerLost) {
        self.dispatch.tally.finish(1);
        job.leave_ledger();
        let worker = worker.clone();
        self.dispatch.unresolved.fail(job, false, move || {
            let process = &worker.process;
            let words = process.stderr.last_words();
            let lost = blame::complete(lost, &words, worker.oom_kills, process.misbehaved());
            TaskError::worker_lost(lost)
        });
    }
}
