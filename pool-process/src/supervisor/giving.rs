//! Giving jobs to workers, by posting them one after another from the hand of the worker
//! that they are meant for. Should this thread lose its role meanwhile, the next supervisor
//! puts what is left in the hand back in the queue.

use super::{Down, Supervisor};
use crate::boot::BootError;
use crate::dispatch::Plan;
use crate::seat::Occupant;
use crate::starter;
use crate::transport::Transport;
use executor_core::queue::Husks;
use executor_core::say;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Supervisor<'_> {
    /// Does what there is to be done about the queue and the seats.
    pub(super) fn give_out(&mut self) {
        let mut tried = false;
        while self.is_on_duty()
            && let Some(plan) = self.dispatch.plan(tried)
        {
            match plan {
                Plan::Give(worker) => self.give(&worker),
                Plan::TakeBack(others, worker) => tried = !self.take_back(&others, &worker),
                Plan::Start(id, number) => self.start(id, number),
            }
        }
    }

    fn start(&mut self, id: u64, number: usize) {
        let Err(error) = starter::start(self.dispatch, id, number) else {
            return;
        };
        // Put off and tried again, as any start that fails.
        self.dispatch.lock().roster.free(id);
        let error = BootError::Start("no thread to start workers", error);
        self.dispatch.failed_to_start(&error);
        self.tell_of_start(error);
    }

    /// A start has failed.
    pub(super) fn tell_of_start(&self, error: BootError) {
        self.dispatch
            .tell(move |pool| say!(warn, pool, %error, "a worker did not start"));
    }

    /// Takes jobs back that have not begun, half of the first heap that has any, and
    /// gives them to an idle worker. False if there were none.
    fn take_back(&mut self, others: &[Arc<Occupant>], worker: &Arc<Occupant>) -> bool {
        let room = worker.room().max(1);
        let mut taken = others.iter().map(|other| {
            let most = other.waiting().div_ceil(2).min(room);
            other.flight.take_back(most)
        });
        let Some(jobs) = taken.find(|jobs| !jobs.is_empty()) else {
            return false;
        };
        // In front of the queue, which is empty: the plan goes on from there.
        self.dispatch.put_back(jobs.into_iter());
        true
    }

    /// Posts what is in a worker's hand.
    pub(super) fn give(&mut self, worker: &Arc<Occupant>) {
        worker.tidy.store(false, Ordering::Relaxed);
        let sent = match self.dispatch.config.transport {
            Transport::SharedMemory => {
                self.post(worker);
                worker.flight.release();
                Ok(())
            }
            Transport::Messages => self.send_all(worker),
        };
        // There is no room for what is left.
        self.dispatch.empty_hand(worker);
        // A shutdown that began while they were in hand did not see them.
        self.dispatch.cancel_if_ending(worker);
        match sent {
            Err(down) => self.down(worker, down),
            Ok(()) if worker.is_idle() => self.at_rest(worker),
            Ok(()) => {}
        }
    }

    /// Posts what is in a worker's hand, and gives the numbers of what was posted.
    fn post(&self, worker: &Occupant) -> Range<u64> {
        let mut husks = Husks::new();
        let posted = worker.post(&mut husks);
        self.dispatch.bury_husks(husks);
        posted
    }

    // ----- by message -----

    fn send_all(&mut self, worker: &Arc<Occupant>) -> Result<(), Down> {
        let Some(mut sending) = worker.desk.try_send() else {
            return Ok(());
        };
        if !sending.keeps() {
            for seq in self.post(worker) {
                sending.add(&worker.flight, seq);
            }
        }
        sending.send(&worker.flight).map_err(Down::Broken)
    }

    /// Sends what was added, and what was kept back, if its turn has come; unless somebody
    /// else is at that.
    fn send(&self, worker: &Arc<Occupant>) -> Result<(), Down> {
        match worker.desk.try_send() {
            Some(mut sending) => sending.send(&worker.flight).map_err(Down::Broken),
            None => Ok(()),
        }
    }

    /// The same, for a worker that was heard of or is taken over from another supervisor.
    pub(super) fn send_kept(&mut self, worker: &Arc<Occupant>) {
        if let Err(down) = self.send(worker) {
            self.down(worker, down);
        }
    }
}
