//! Without the supervisor: who submits a job posts it to a worker that is idle, and who waits
//! for its result looks for that where it comes in. So a job goes there and back with two
//! switches between threads, or none where both sides are awake, and not with four.
//!
//! Whoever does this is to the tables what a supervisor is that has lost its role: each of
//! them has a lock of its own, and what stands in a worker's hand is found by whoever
//! supervises. It never runs code of the user's but the decoding of the result, for the
//! thread that waits for that.
//!
//! The supervisor sleeps meanwhile, and must not miss what becomes of the job:
//!
//! * of the worker's end it hears from the kernel, and of the result by the worker's bell,
//!   which stands for all workers whenever it sleeps, idle or not;
//! * that a worker does not answer it finds on its rounds, for which it wakes as long as a
//!   worker has a job, or anything was done since the last one. Else it sleeps until
//!   somebody pokes, and says so under the lock: then whoever posts a job pokes.

use super::{Dispatch, State};
use crate::crew::AtRound;
use crate::seat::Occupant;
use crate::transport::Transport;
use executor_core::queue::Husks;
use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard};

thread_local! {
    /// Whether this thread has waited for the job that it submitted last: then it will
    /// presumably wait for the next one, too.
    static WAITS: Cell<bool> = const { Cell::new(false) };
}

/// This thread waits for a job.
pub(crate) fn wait_here() {
    let _ = WAITS.try_with(|waits| waits.set(true));
}

/// What a thread moves from one table to another stands in neither for a moment: until this
/// is dropped the pool does not come to its end.
pub(crate) struct Moving<'a> {
    dispatch: &'a Dispatch,
    at_round: Option<AtRound<'a>>,
}

impl Drop for Moving<'_> {
    fn drop(&mut self) {
        self.at_round = None;
        // It may be waited for.
        if self.dispatch.is_ending() {
            self.dispatch.poller.poke();
        }
    }
}

impl Dispatch {
    /// A thread that does not supervise is about to move jobs.
    pub(crate) fn begin_moving(&self) -> Moving<'_> {
        Moving {
            dispatch: self,
            at_round: Some(self.crew.at_round()),
        }
    }

    /// The worker to which a job is posted that comes now; `None` if it has to wait.
    pub(super) fn direct_to(&self, state: &mut State) -> Option<Arc<Occupant>> {
        if self.config.transport != Transport::SharedMemory || !state.queue.is_empty() {
            return None;
        }
        state.roster.take_idle()
    }

    /// Posts what is in a worker's hand, on a thread that does not supervise; `pokes` says
    /// whether the supervisor is to hear of it.
    pub(super) fn give_directly(&self, worker: &Occupant, pokes: bool) {
        let _moving = self.begin_moving();
        worker.tidy.store(false, Ordering::Relaxed);
        let mut husks = Husks::new();
        let posted = worker.post(&mut husks);
        let waits = WAITS.try_with(|waits| waits.replace(false));
        if waits == Ok(true) && !posted.is_empty() {
            worker.board.look_for(posted.start);
        }
        worker.flight.release();
        self.bury_husks(husks);
        // It may have been closed, or be full.
        self.empty_hand(worker);
        self.cancel_if_ending(worker);
        if worker.is_idle() {
            self.enter_idle(self.lock(), worker);
        }
        // Of a heap somebody may take who has become idle meanwhile, or is to be started. And
        // a large argument is fed as the worker reads it.
        let heap = worker.flight.is_anything_behind();
        let concerns = || heap && self.lock().roster.may_take_jobs();
        if pokes || worker.flight.is_feeding() || concerns() {
            self.poller.poke();
        }
    }

    /// A worker has finished a job: it is of use.
    pub(crate) fn prove(&self, worker: &Occupant) {
        if !worker.proved.load(Ordering::Relaxed) {
            worker.proved.store(true, Ordering::Relaxed);
            self.lock().roster.forgive();
            // A start that was put off may be due now.
            self.poller.poke();
        }
    }

    /// A worker has nothing, which is found by a thread that does not supervise.
    pub(crate) fn at_rest(&self, worker: &Occupant) {
        let mut state = self.lock();
        // It may have been given a job since that was found.
        if worker.is_idle() && !state.nothing_waits() && state.ending.is_none() {
            let (waiting, room) = (state.waiting(), worker.room());
            let most = state.roster.share_of_idle(worker.id, waiting, room);
            state.hand_out(worker, most);
            let pokes = state.sleeps_long;
            drop(state);
            return self.give_directly(worker, pokes);
        }
        self.enter_idle(state, worker);
    }

    /// Enters a worker as idle, if it still is, and pokes the supervisor if that matters.
    fn enter_idle(&self, mut state: MutexGuard<'_, State>, worker: &Occupant) {
        if worker.is_idle() {
            state.roster.idle(worker.id);
        }
        // What waits at another worker is taken back for this one, which may go if not.
        let is_anything_behind = |its: &Arc<Occupant>| its.flight.is_anything_behind();
        let concerns = !state.nothing_waits()
            || state.ending.is_some()
            || state.roster.serving().any(is_anything_behind)
            || state.sleeps_too_long(&self.config);
        drop(state);
        if concerns {
            self.poller.poke();
        }
    }
}
