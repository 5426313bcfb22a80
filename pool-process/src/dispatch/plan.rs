//! What is to be done next: giving jobs to workers, and starting workers.

use super::roster::{Hand, Next};
use super::{Dispatch, State};
use crate::seat::Occupant;
use std::sync::Arc;
use std::time::Instant;

/// What a supervisor is to do.
#[derive(Debug)]
pub(crate) enum Plan {
    /// Post what is in this worker's hand.
    Give(Arc<Occupant>),
    /// Take jobs back from one of these, for the idle worker.
    TakeBack(Vec<Arc<Occupant>>, Arc<Occupant>),
    /// Start a process for the seat with this occupant and number.
    Start(u64, usize),
}

impl Hand for Arc<Occupant> {
    fn room(&self) -> usize {
        Occupant::room(self)
    }

    fn waiting(&self) -> usize {
        Occupant::waiting(self)
    }

    fn is_idle(&self) -> bool {
        Occupant::is_idle(self) && !self.is_distrusted()
    }

    fn is_busy(&self) -> bool {
        !self.flight.is_empty()
    }

    fn begin_anew(&self) {
        self.pace.begin_anew();
    }

    fn is_quick(&self) -> bool {
        self.pace.is_quick() && !self.is_distrusted()
    }
}

impl Dispatch {
    /// The next step. `tried` says that nothing was to be taken back just now.
    pub(crate) fn plan(&self, tried: bool) -> Option<Plan> {
        self.lock().plan(tried)
    }

    /// More jobs for a worker that is busy, if many wait.
    pub(crate) fn more(&self, worker: &Arc<Occupant>) -> bool {
        let mut state = self.lock();
        let more = state.roster.more(worker.id, worker, state.waiting());
        if more > 0 {
            state.hand_out(worker, more);
        }
        more > 0
    }
}

impl State {
    fn plan(&mut self, tried: bool) -> Option<Plan> {
        let waiting = self.waiting();
        let next = self
            .roster
            .next(waiting, tried, |at| Instant::now() >= at)?;
        Some(match next {
            Next::Give(worker, jobs) => {
                self.hand_out(&worker, jobs);
                Plan::Give(worker)
            }
            Next::TakeBack(others, worker) => Plan::TakeBack(others, worker),
            Next::Start(id, number) => Plan::Start(id, number),
        })
    }

    /// Takes jobs off the queue for a worker. Some may have been cancelled.
    pub(super) fn hand_out(&mut self, worker: &Occupant, most: usize) {
        self.queue.take_entries(most, &mut worker.hand());
    }
}
