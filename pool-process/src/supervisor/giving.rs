//! Giving jobs to workers: each is packed, which is the user's code, and then posted.
//!
//! Jobs are packed one at a time from the hand of the worker that they are meant for. If
//! one of them does not come back, the next supervisor puts the others back in the queue;
//! and the one at hand goes to whoever has room when it is there.

use super::{Down, Supervisor};
use crate::boot::BootError;
use crate::dispatch::Plan;
use crate::flight::Posted;
use crate::packing::Parcel;
use crate::seat::Occupant;
use crate::starter;
use crate::transport::Transport;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// How much of the buffer is kept from job to job.
const KEPT: usize = 512 * 1024;

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
            .tell(move |pool| tracing::warn!(pool, %error, "a worker did not start"));
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

    /// Packs and posts what is in a worker's hand.
    pub(super) fn give(&mut self, worker: &Arc<Occupant>) {
        worker.tidy.store(false, Ordering::Relaxed);
        let sent = match self.dispatch.config.transport {
            Transport::SharedMemory => {
                self.post_all(worker);
                // Of a supervisor that has lost the role meanwhile: the next one has looked
                // at this hand before it was filled, perhaps, and nobody else would.
                self.dispatch.empty_hand(worker);
                worker.flight.release();
                Ok(())
            }
            Transport::Messages => self.send_all(worker),
        };
        // A shutdown that began while they were in hand did not see them.
        self.dispatch.cancel_if_ending(worker);
        match sent {
            Err(down) => self.down(worker, down),
            Ok(()) if worker.is_idle() => self.at_rest(worker),
            Ok(()) => {}
        }
    }

    fn post_all(&mut self, worker: &Arc<Occupant>) {
        while let Some(parcel) = self.pack_next(worker) {
            match worker.post(parcel, &self.packing, &mut self.buffer) {
                Posted::Done(_) => {}
                Posted::Refused(job, error, _) => job.fail(error),
                Posted::NoRoom(parcel) => return self.put_back(worker, parcel),
            }
            self.tidy();
        }
    }

    /// The next job from the hand of a worker, packed. `None` if there is none, or if
    /// this thread is not the supervisor any more.
    fn pack_next(&mut self, worker: &Arc<Occupant>) -> Option<Parcel> {
        let way = self.dispatch.config.transport;
        while self.is_on_duty() {
            let job = worker.hand().pop_front()?;
            self.dispatch.crew.role.step();
            if let Some(parcel) = self
                .packing
                .pack(job, &worker.flight, way, &mut self.buffer)
            {
                return Some(parcel);
            }
            self.tidy();
        }
        None
    }

    fn tidy(&mut self) {
        self.buffer.clear();
        self.buffer.shrink_to(KEPT);
    }

    /// There is no room for this job, nor for what is left in the hand.
    fn put_back(&mut self, worker: &Arc<Occupant>, parcel: Parcel) {
        self.tidy();
        self.dispatch.empty_hand(worker);
        match self.packing.close() {
            Some(error) => parcel.job.fail(error),
            None => self.dispatch.put_back(parcel.job.release().into_iter()),
        }
    }

    // ----- by message -----

    /// The right to send is not held while a job is packed: if that does not come back,
    /// the next supervisor sends what was added before.
    fn send_all(&mut self, worker: &Arc<Occupant>) -> Result<(), Down> {
        while worker.desk.takes_more()
            && let Some(parcel) = self.pack_next(worker)
        {
            // Not before: packing is the user's code.
            let Some(mut sending) = worker.desk.try_send().filter(|its| !its.keeps()) else {
                self.put_back(worker, parcel);
                break;
            };
            let (offset, limited) = (parcel.offset, parcel.job.timeout().is_some());
            let mut argument = std::mem::take(&mut self.buffer);
            let posted = worker.post(parcel, &self.packing, &mut argument);
            match &posted {
                Posted::Done(seq) => {
                    sending.add(&worker.flight, (*seq, offset, limited), &argument);
                }
                // The worker acknowledges it when it comes to its place.
                Posted::Refused(_, _, seq) => {
                    sending.add(&worker.flight, (*seq, offset, limited), &[]);
                }
                Posted::NoRoom(_) => {}
            }
            drop(sending);
            self.buffer = argument;
            self.tidy();
            match posted {
                Posted::Done(_) => {}
                Posted::Refused(job, error, _) => job.fail(error),
                Posted::NoRoom(parcel) => {
                    self.put_back(worker, parcel);
                    break;
                }
            }
        }
        self.dispatch.empty_hand(worker);
        self.send(worker)
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
