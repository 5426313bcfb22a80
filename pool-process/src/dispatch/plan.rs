//! What is to be done next: giving jobs to workers, and starting workers.

use super::roster::{Hand, Next};
use super::{Dispatch, State};
use crate::seat::Occupant;
use executor_core::queue::Husks;
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
}

impl Dispatch {
    /// The next step. `tried` says that nothing was to be taken back just now.
    pub(crate) fn plan(&self, tried: bool) -> Option<Plan> {
        let mut husks = Husks::new();
        let plan = self.lock().plan(tried, &mut husks);
        self.unresolved.drop_later(husks);
        plan
    }

    /// More jobs for a worker that is busy, if many wait.
    pub(crate) fn more(&self, worker: &Arc<Occupant>) -> bool {
        let mut husks = Husks::new();
        let mut state = self.lock();
        let more = state.roster.more(worker, state.waiting());
        let any = more > 0 && state.hand_out(worker, more, &mut husks) > 0;
        drop(state);
        self.unresolved.drop_later(husks);
        any
    }
}

impl State {
    fn plan(&mut self, tried: bool, husks: &mut Husks) -> Option<Plan> {
        let waiting = self.waiting();
        let next = self
            .roster
            .next(waiting, tried, |at| Instant::now() >= at)?;
        Some(match next {
            Next::Give(worker, jobs) => {
                self.hand_out(&worker, jobs, husks);
                Plan::Give(worker)
            }
            Next::TakeBack(others, worker) => Plan::TakeBack(others, worker),
            Next::Start(id, number) => Plan::Start(id, number),
        })
    }

    /// Takes jobs off the queue for a worker; says how many.
    fn hand_out(&mut self, worker: &Occupant, most: usize, husks: &mut Husks) -> usize {
        let jobs = self.queue.pop_up_to(most, husks);
        let count = jobs.len();
        worker.hand().extend(jobs);
        count
    }
}
