//! [`Dispatch`]: what the workers have to do, and what each does at present.
//!
//! This is the workers' side of the pool; it has a lock of its own, which
//! submits leave alone. A worker that comes back from a job notes its end, takes
//! the next job and notes that it runs, in one step under that lock.

use crate::bell::Bell;
use executor_core::HeldJob;
use executor_core::queue::{Husks, JobQueue, Ledger, Next};
use std::borrow::Cow;
use std::sync::Arc;

#[derive(Debug)]
pub(crate) struct Dispatch {
    /// Jobs that came before all those of the intake's queue.
    pub(crate) queue: JobQueue,
    /// What is queued is about to be cancelled: no worker begins it.
    pub(crate) stopped: bool,
    desks: Vec<Desk>,
    /// Counts the jobs that were begun, to tell them apart.
    begun: u64,
    /// Counts the jobs that came to their end.
    finished: usize,
}

/// One seat's part in this.
#[derive(Debug)]
struct Desk {
    bell: Arc<Bell>,
    /// Whether there is a job; what stands in `running` may be what is left of the
    /// one before.
    runs: bool,
    running: Running,
}

/// A job that a worker runs.
#[derive(Debug, Default)]
pub(crate) struct Running {
    /// Tells it from all other jobs of the pool.
    pub(crate) number: u64,
    pub(crate) name: Cow<'static, str>,
    /// The jobs it waits for and that its own thread runs meanwhile: the one that
    /// runs is last, and waited for by the one before.
    pub(crate) meanwhile: Vec<Cow<'static, str>>,
    /// Its time limit has resolved it, but the function goes on.
    pub(crate) expired: bool,
    /// The function was over already when this was last looked at.
    suspected: bool,
}

impl Dispatch {
    pub(crate) fn new(ledger: Ledger) -> Self {
        Self {
            queue: JobQueue::new(ledger),
            stopped: false,
            desks: Vec::new(),
            begun: 0,
            finished: 0,
        }
    }

    /// Makes this bell the one of a seat's next worker.
    pub(crate) fn hang(&mut self, seat: usize, bell: Arc<Bell>) {
        let desk = Desk {
            bell,
            runs: false,
            running: Running::default(),
        };
        match self.desks.get_mut(seat) {
            Some(place) => *place = desk,
            None => self.desks.push(desk),
        }
    }

    /// The worker stands at the queue: the job it ran, if any, is over.
    pub(crate) fn arrive(&mut self, seat: usize) {
        let desk = &mut self.desks[seat];
        if std::mem::take(&mut desk.runs) {
            self.finished += usize::from(desk.bell.take_returned());
        }
    }

    /// The next job of this queue, with its number; the worker begins it.
    pub(crate) fn begin(&mut self, seat: usize, husks: &mut Husks) -> Next<(HeldJob, u64)> {
        if self.stopped {
            return Next::Empty;
        }
        let job = match self.queue.begin_next(husks) {
            Next::Job(job) => job,
            Next::Again => return Next::Again,
            Next::Empty => return Next::Empty,
        };
        self.begun += 1;
        let desk = &mut self.desks[seat];
        // Written over what is left of the one before.
        let running = &mut desk.running;
        running.number = self.begun;
        running.name = job.owned_name();
        running.expired = false;
        running.suspected = false;
        desk.runs = true;
        Next::Job((job, self.begun))
    }

    /// Jobs are over that no worker had at its desk.
    pub(crate) fn count_finished(&mut self, jobs: usize) {
        self.finished += jobs;
    }

    /// How many jobs have come to their end.
    pub(crate) fn finished(&self) -> usize {
        self.finished
    }

    /// How many functions run.
    pub(crate) fn busy(&self) -> usize {
        self.running().filter(|(_, returned)| !returned).count()
    }

    /// The jobs that workers have, and whether their functions are over.
    pub(crate) fn running(&self) -> impl Iterator<Item = (&Running, bool)> {
        let busy = self.desks.iter().filter(|desk| desk.runs);
        busy.map(|desk| (&desk.running, desk.bell.has_returned()))
    }

    /// The job at this seat.
    pub(crate) fn at(&mut self, seat: usize) -> Option<&mut Running> {
        let desk = &mut self.desks[seat];
        desk.runs.then_some(&mut desk.running)
    }

    /// Whether a job at another seat does anything but wait for others.
    pub(crate) fn others_work(&self, seat: usize) -> bool {
        let mut desks = self.desks.iter().enumerate();
        desks.any(|(its, desk)| its != seat && desk.runs && !desk.bell.is_waiting())
    }

    /// How many jobs are at work at this seat, each waiting for the next.
    pub(crate) fn depth(&self, seat: usize) -> usize {
        let desk = &self.desks[seat];
        usize::from(desk.runs) * (1 + desk.running.meanwhile.len())
    }

    /// Gives up on returning workers that have not arrived since the last call.
    pub(crate) fn mark_overdue(&mut self) {
        for desk in &mut self.desks {
            if desk.runs && desk.bell.has_returned() {
                desk.bell.set_overdue(desk.running.suspected);
                desk.running.suspected = true;
            }
        }
    }
}
