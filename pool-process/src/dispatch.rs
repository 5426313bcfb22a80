//! Dispatch: the queue, the seats, and who gets which job.
//!
//! Everything here is decided under one lock, which is held for a few
//! instructions and never while user code, a system call on a worker or a
//! thread's start runs.
//!
//! # Who runs a job
//!
//! `submit` queues it and wakes the supervisor that went idle last; if none is
//! idle and there is a seat to spare, a new worker starts. A supervisor whose
//! worker has nothing takes one job, or a share if many wait. One whose worker
//! is busy takes more only while at least twice as many wait as there are
//! workers: so short jobs travel in batches and long ones are not tied to a
//! worker before their time. What is with a worker and has not begun is still
//! queued: an idle supervisor takes it back from a busy one.
//!
//! # Why no job is left behind
//!
//! While the queue is not empty there is at least one seat, and it is not
//! asleep: a supervisor goes to sleep only under the lock in which it found the
//! queue empty, and whoever fills the queue wakes a sleeper under the same lock.
//! A supervisor that has taken jobs for later wakes a sleeper, and a sleeper
//! looks at the others *after* it is known to be asleep: so one of the two sees
//! the other. A seat is given up only under the lock, with the queue empty or
//! all of its jobs failed.

mod accounts;
mod boots;

pub(crate) use self::boots::BootSlot;

use self::boots::Boots;
use crate::config::Config;
use crate::seat::Seat;
use crate::shutdown::{Ending, Over};
use executor_core::{Job, Promise, ShutdownMode};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Debug)]
pub(crate) struct Dispatch {
    pub(crate) config: Config,
    state: Mutex<State>,
    boots: Arc<Boots>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) queue: VecDeque<Job>,
    /// Cancelled jobs that may still stand in the queue are swept when it has
    /// grown to this length.
    sweep_at: usize,
    idle: Vec<Arc<Seat>>,
    pub(crate) seats: Vec<Arc<Seat>>,
    /// Failed boots in a row.
    failures: u32,
    /// Whether somebody will look again at a queue that is left lying.
    overdue: bool,
    /// Numbers the seats.
    next_seat: usize,
    /// Those who wait until every seat has a worker.
    pub(crate) warming: Vec<Promise<()>>,
    pub(crate) ending: Option<Ending>,
}

/// What a supervisor is to do next.
pub(crate) enum Next {
    /// These jobs, in order.
    Run(Vec<Job>),
    /// Sleep, and ask again.
    Sleep,
    /// Nothing more will come: end the worker and give up the seat.
    Leave,
}

/// What `submit` has to do outside the lock.
pub(crate) enum Placed {
    /// Somebody will take it.
    Queued,
    /// Somebody will take it who is calling back at the moment, and may be long
    /// about it: somebody is to look again.
    Overdue,
    /// A supervisor has to be started for this seat.
    Start(Arc<Seat>),
    /// It is not taken.
    Refused(Job, String),
}

impl Dispatch {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config,
            state: Mutex::default(),
            boots: Arc::default(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a job.
    pub(crate) fn place(&self, job: Job) -> Placed {
        let mut guard = self.lock();
        let state = &mut *guard;
        if state.ending.is_some() {
            return Placed::Refused(job, "the process pool has been shut down".to_owned());
        }
        let mut swept = Vec::new();
        if let Some(limit) = self.config.max_queued
            && state.queue.len() >= limit
        {
            swept = state.sweep();
            if state.queue.len() >= limit {
                drop(guard);
                drop(swept);
                return Placed::Refused(job, format!("the queue is full: {limit} jobs wait"));
            }
        } else if state.queue.len() > state.sweep_at.max(1024) {
            // Cancelled jobs must not pile up behind long ones.
            swept = state.sweep();
            state.sweep_at = state.queue.len() * 2;
        }
        state.queue.push_back(job);
        let placed = if let Some(seat) = state.idle.pop() {
            let busy = seat.is_resolving() && !std::mem::replace(&mut state.overdue, true);
            drop(guard);
            seat.wake();
            if busy {
                Placed::Overdue
            } else {
                Placed::Queued
            }
        } else if state.seats.len() < self.config.max_workers {
            let seat = state.add_seat();
            drop(guard);
            Placed::Start(seat)
        } else {
            drop(guard);
            Placed::Queued
        };
        drop(swept);
        placed
    }

    /// The next jobs for a worker that has nothing.
    pub(crate) fn next(&self, seat: &Arc<Seat>, room: usize) -> Next {
        let mut state = self.lock();
        // It may have been woken for another reason than a job.
        state.idle.retain(|idle| !Arc::ptr_eq(idle, seat));
        let share = state.queue.len() / (2 * state.seats.len().max(1));
        let jobs = state.pop(share.clamp(1, room));
        if !jobs.is_empty() {
            return Next::Run(jobs);
        }
        if state.ending.is_some() {
            // Others may still have jobs that have not begun; they keep them.
            return Next::Leave;
        }
        state.idle.push(seat.clone());
        Next::Sleep
    }

    /// More jobs for a worker that is busy, if many wait.
    pub(crate) fn more(&self, room: usize) -> Vec<Job> {
        let mut state = self.lock();
        let share = state.queue.len() / (2 * state.seats.len().max(1));
        state.pop(share.min(room))
    }

    /// The supervisor's worker has nothing left, and it will ask for the next
    /// job in a moment: it counts as idle already, if nothing waits.
    pub(crate) fn soon_idle(&self, seat: &Arc<Seat>) {
        let mut state = self.lock();
        if state.queue.is_empty() {
            state.idle.push(seat.clone());
        }
    }

    /// Looks again at jobs whose supervisor was calling back: gives somebody else a
    /// chance, in a seat to be started if need be. True if it is to be done once
    /// more.
    pub(crate) fn look_again(&self) -> (Option<Arc<Seat>>, bool) {
        let mut state = self.lock();
        let calling_back = state.seats.iter().any(|seat| seat.is_resolving());
        state.overdue = calling_back && !state.queue.is_empty();
        if !state.overdue {
            return (None, false);
        }
        if let Some(seat) = state.idle.pop() {
            drop(state);
            seat.wake();
            return (None, true);
        }
        let room = state.seats.len() < self.config.max_workers;
        (room.then(|| state.add_seat()), true)
    }

    /// The supervisor is not idle after all. If somebody has woken it for a job
    /// meanwhile, that is passed on.
    pub(crate) fn not_idle(&self, seat: &Arc<Seat>) {
        let mut state = self.lock();
        let before = state.idle.len();
        state.idle.retain(|idle| !Arc::ptr_eq(idle, seat));
        let was_woken = state.idle.len() == before;
        if was_woken
            && !state.queue.is_empty()
            && let Some(other) = state.idle.pop()
        {
            drop(state);
            other.wake();
        }
    }

    /// Wakes an idle supervisor, if there is one: there are jobs to take back.
    pub(crate) fn nudge(&self) {
        let idle = self.lock().idle.pop();
        if let Some(seat) = idle {
            seat.wake();
        }
    }

    /// Jobs that others have and that have not begun, half of the largest heap.
    pub(crate) fn take_back(&self, seat: &Arc<Seat>, room: usize) -> Vec<Job> {
        let others: Vec<_> = self.lock().seats.clone();
        let flights = others
            .iter()
            .filter(|other| !Arc::ptr_eq(other, seat))
            .filter_map(|other| other.flight());
        let Some((waiting, flight)) = flights
            .map(|flight| (flight.waiting(), flight))
            .max_by_key(|(waiting, _)| *waiting)
        else {
            return Vec::new();
        };
        flight.take_back(waiting.div_ceil(2).min(room))
    }

    /// Puts jobs back that had been taken, in front of all others.
    pub(crate) fn put_back(&self, jobs: Vec<Job>) {
        let mut state = self.lock();
        if state.mode() >= Some(ShutdownMode::CancelPending) {
            drop(state);
            self.cancel_all(jobs);
            return;
        }
        for job in jobs.into_iter().rev() {
            state.queue.push_front(job);
        }
        while !state.queue.is_empty()
            && let Some(seat) = state.idle.pop()
        {
            seat.wake();
        }
    }

    /// True if a worker that was idle for its time may go; it is then idle no
    /// longer. Not if it was given a job at the last moment.
    pub(crate) fn may_go(&self, seat: &Arc<Seat>) -> bool {
        let mut state = self.lock();
        let idle = state.idle.iter().position(|idle| Arc::ptr_eq(idle, seat));
        match idle {
            Some(place)
                if state.seats.len() > self.config.min_workers && state.warming.is_empty() =>
            {
                state.idle.remove(place);
                true
            }
            _ => false,
        }
    }

    /// Gives the seat up, unless a worker is needed in it.
    pub(crate) fn step_down(&self, seat: &Arc<Seat>) -> bool {
        let mut state = self.lock();
        let open = state.ending.is_none();
        let few = state.seats.len() <= self.config.min_workers.max(1);
        let needed = match state.queue.is_empty() {
            true => {
                let warming = !state.warming.is_empty();
                open && (warming || state.seats.len() <= self.config.min_workers)
            }
            false => open || few,
        };
        if !needed {
            let over = state.remove(seat);
            drop(state);
            announce(over);
        }
        !needed
    }
}

impl State {
    fn mode(&self) -> Option<ShutdownMode> {
        self.ending.as_ref().map(|ending| ending.mode)
    }

    fn add_seat(&mut self) -> Arc<Seat> {
        let seat = Arc::new(Seat::new(self.next_seat));
        self.next_seat += 1;
        self.seats.push(seat.clone());
        seat
    }

    /// Removes a seat; the last one out ends the shutdown.
    fn remove(&mut self, seat: &Arc<Seat>) -> Option<Over> {
        self.seats.retain(|other| !Arc::ptr_eq(other, seat));
        self.idle.retain(|other| !Arc::ptr_eq(other, seat));
        self.over()
    }

    /// Takes jobs off the queue, some of which may have been cancelled: to look at
    /// them takes longer than this lock should be held.
    fn pop(&mut self, most: usize) -> Vec<Job> {
        let most = most.min(self.queue.len());
        self.queue.drain(..most).collect()
    }

    /// Takes the cancelled jobs out.
    fn sweep(&mut self) -> Vec<Job> {
        let (kept, swept) = std::mem::take(&mut self.queue)
            .into_iter()
            .partition::<Vec<_>, _>(Job::is_queued);
        self.queue = kept.into();
        swept
    }
}

fn announce(over: Option<Over>) {
    if let Some(over) = over {
        over.announce();
    }
}
