//! Which workers start, and what becomes of jobs when they do not.

use super::ending::shut_down;
use super::{Dispatch, State};
use crate::boot::BootError;
use crate::config::back_off;
use crate::process::Process;
use crate::seat::Occupant;
use crate::transport::Cutter;
use crate::unresolved::Scratch;
use executor_core::{Promise, ShutdownMode, TaskError};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Instant;

impl Dispatch {
    /// A process was started for this occupant.
    pub(crate) fn started(&self, id: u64, process: Arc<Process>, cutter: Cutter) {
        let mut state = self.lock();
        // A kill that came before there was anybody to be killed.
        let kill = state.mode() == Some(ShutdownMode::Kill);
        if let Some(seat) = state.roster.seat(id) {
            seat.process = Some(process.clone());
            seat.cutter = Some(cutter);
        }
        drop(state);
        if kill {
            process.kill();
        }
    }

    /// A worker can take jobs.
    pub(crate) fn serve(&self, worker: &Arc<Occupant>) {
        let mut state = self.lock();
        if !state.roster.serve(worker.id, worker.clone()) {
            return;
        }
        let mut warm = Vec::new();
        if state.roster.is_warm() {
            state.roster.warming = false;
            warm = std::mem::take(&mut state.warming);
        }
        drop(state);
        for promise in warm {
            self.unresolved.call(|| promise.resolve(Ok(())));
        }
    }

    /// A worker has not started, or has ended before it was of any use, and its seat is
    /// free.
    pub(crate) fn failed_to_start(&self, error: &BootError) {
        let mut state = self.lock();
        let waiting = state.waiting();
        let until = |attempts| {
            // Nothing to be kept secret: the number of a new hasher will do.
            let chance = RandomState::new().hash_one(attempts);
            Instant::now().checked_add(back_off(attempts, chance))
        };
        let most = error.most_in_a_row();
        let (attempts, again) = state.roster.failed(waiting, most, until);
        drop(state);
        if again {
            return;
        }
        let message = format!("its workers do not start, after {attempts} attempts");
        self.strand(&message, &error.to_string());
    }

    /// Fails what waits, unless there is a worker: none can be started.
    pub(crate) fn strand(&self, message: &str, cause: &str) {
        let (others_work, warming) = self.lock().give_up_starting();
        // The jobs first: who waits for the end of the pool finds them done.
        if !others_work {
            for job in self.empty_queue() {
                self.tally.finish(1);
                let error = TaskError::pool_broken(message, cause);
                self.unresolved.call(move || job.fail(error));
            }
        }
        for promise in warming {
            let error = TaskError::pool_broken("a worker did not start", cause);
            self.unresolved.call(|| promise.resolve(Err(error)));
        }
        self.poller.poke();
    }

    /// There is no thread to supervise the pool: what waits fails, here and now.
    pub(crate) fn cannot_begin(&self, error: &std::io::Error) {
        let cause = error.to_string();
        let (_, warming) = self.lock().give_up_starting();
        for job in self.empty_queue() {
            self.tally.finish(1);
            job.fail(TaskError::pool_broken("it has no thread", cause.clone()));
        }
        for promise in warming {
            promise.resolve(Err(TaskError::pool_broken(
                "it has no thread",
                cause.clone(),
            )));
        }
        // A shutdown that came before this has left it to the supervisor.
        self.unresolved.work_off(&mut Scratch::default());
        if self.lock().mode().is_some() {
            self.announce();
        }
    }

    /// Has all workers start, and resolves the promise when they have.
    pub(crate) fn warm_up(&self, promise: Promise<()>) {
        let mut state = self.lock();
        if state.ending.is_some() {
            drop(state);
            promise.resolve(Err(shut_down()));
            return;
        }
        if state.roster.is_warm() {
            drop(state);
            promise.resolve(Ok(()));
            return;
        }
        state.warming.push(promise);
        state.roster.warming = true;
        drop(state);
        self.poller.poke();
    }
}

impl State {
    /// No worker is to be started any more. Says whether there is one, and who waited for
    /// more.
    fn give_up_starting(&mut self) -> (bool, Vec<Promise<()>>) {
        let others_work = self.roster.give_up_starting();
        (others_work, std::mem::take(&mut self.warming))
    }
}
