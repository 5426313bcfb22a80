//! [`Seats`]: what each worker does at present.
//!
//! | a seat is | while its worker | and leaves that state |
//! |---|---|---|
//! | `Free` | does not exist | when a thread is to be started |
//! | `Coming` | starts, or was woken, and is not at the queue yet | when it gets there |
//! | `Running` | runs a job, up to its return to the queue | when it gets there |
//! | `Idle` | sleeps | when it is woken: the one that fell asleep last is first |
//!
//! All of it changes under the pool's lock only. A `Running` worker whose
//! function is over has said so through its [`Bell`], without the lock: it is
//! *returning*, and as good as one that is coming. Only when it is held up on
//! its way, by a done callback that takes long, it is *overdue* and not counted
//! on any more.

use crate::bell::Bell;
use executor_core::HeldJob;
use std::borrow::Cow;
use std::sync::Arc;

#[derive(Debug, Default)]
pub(crate) struct Seats {
    seats: Vec<Seat>,
    idle: Vec<usize>,
    taken: usize,
    coming: usize,
    /// Counts the jobs that were begun, to tell them apart.
    begun: u64,
}

#[derive(Debug)]
struct Seat {
    state: SeatState,
    bell: Arc<Bell>,
}

#[derive(Debug)]
enum SeatState {
    Free,
    Coming,
    Idle,
    Running(Running),
}

/// A job that a worker runs.
#[derive(Debug)]
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
    overdue: bool,
}

impl Seats {
    /// How many workers there are.
    pub(crate) fn taken(&self) -> usize {
        self.taken
    }

    pub(crate) fn coming(&self) -> usize {
        self.coming
    }

    pub(crate) fn any_idle(&self) -> bool {
        !self.idle.is_empty()
    }

    /// How many workers are on their way back from a job.
    pub(crate) fn returning(&self) -> usize {
        let back = |seat: &&Seat| match &seat.state {
            SeatState::Running(running) => !running.overdue && seat.bell.has_returned(),
            _ => false,
        };
        self.seats.iter().filter(back).count()
    }

    /// How many functions run.
    pub(crate) fn busy(&self) -> usize {
        self.running().filter(|(_, returned)| !returned).count()
    }

    /// The jobs that workers have, and whether their functions are over.
    pub(crate) fn running(&self) -> impl Iterator<Item = (&Running, bool)> {
        self.seats.iter().filter_map(|seat| match &seat.state {
            SeatState::Running(running) => Some((running, seat.bell.has_returned())),
            _ => None,
        })
    }

    /// The job at this seat, if it is still the one with this number or if no
    /// number is asked for.
    pub(crate) fn job_at(&mut self, seat: usize, number: Option<u64>) -> Option<&mut Running> {
        match &mut self.seats[seat].state {
            SeatState::Running(running) if number.is_none_or(|n| n == running.number) => {
                Some(running)
            }
            _ => None,
        }
    }

    /// How many jobs are at work at this seat, each waiting for the next.
    pub(crate) fn depth(&self, seat: usize) -> usize {
        match &self.seats[seat].state {
            SeatState::Running(running) => 1 + running.meanwhile.len(),
            _ => 0,
        }
    }

    /// Whether all workers that are left are occupied by a job for which
    /// `given_up` holds.
    pub(crate) fn only(&self, given_up: impl Fn(&Running) -> bool) -> bool {
        self.seats.iter().all(|seat| match &seat.state {
            SeatState::Free => true,
            SeatState::Running(running) => given_up(running),
            SeatState::Coming | SeatState::Idle => false,
        })
    }

    /// Takes a free seat for a new worker.
    pub(crate) fn take(&mut self) -> (usize, Arc<Bell>) {
        let free = |seat: &Seat| matches!(seat.state, SeatState::Free);
        let bell = Arc::new(Bell::default());
        let seat = Seat {
            state: SeatState::Coming,
            bell: bell.clone(),
        };
        let index = match self.seats.iter().position(free) {
            Some(index) => {
                self.seats[index] = seat;
                index
            }
            None => {
                self.seats.push(seat);
                self.seats.len() - 1
            }
        };
        self.taken += 1;
        self.coming += 1;
        (index, bell)
    }

    /// The worker goes, or could not be started.
    pub(crate) fn leave(&mut self, seat: usize) {
        self.arrive(seat);
        self.seats[seat].state = SeatState::Free;
        self.taken -= 1;
    }

    /// Picks a sleeper, who has to be woken by its bell.
    pub(crate) fn wake(&mut self) -> Option<Arc<Bell>> {
        let seat = self.idle.pop()?;
        self.seats[seat].state = SeatState::Coming;
        self.coming += 1;
        Some(self.seats[seat].bell.clone())
    }

    /// The worker stands at the queue. True if it comes from a job.
    pub(crate) fn arrive(&mut self, seat: usize) -> bool {
        let seat = &mut self.seats[seat];
        // A free seat never shows: each way on from here sets another state.
        match std::mem::replace(&mut seat.state, SeatState::Free) {
            SeatState::Coming => self.coming -= 1,
            SeatState::Running(_) => return seat.bell.take_returned(),
            SeatState::Idle | SeatState::Free => {}
        }
        false
    }

    /// The worker goes to sleep.
    pub(crate) fn rest(&mut self, seat: usize) {
        self.seats[seat].state = SeatState::Idle;
        self.idle.push(seat);
    }

    /// The worker begins a job; gives the job's number.
    pub(crate) fn begin(&mut self, seat: usize, job: &HeldJob) -> u64 {
        self.begun += 1;
        let name = name_of(job);
        self.seats[seat].state = SeatState::Running(Running {
            number: self.begun,
            name,
            meanwhile: Vec::new(),
            expired: false,
            suspected: false,
            overdue: false,
        });
        self.begun
    }

    /// Gives up on returning workers that have not arrived since the last call.
    pub(crate) fn mark_overdue(&mut self) {
        for seat in &mut self.seats {
            if let SeatState::Running(running) = &mut seat.state
                && seat.bell.has_returned()
            {
                running.overdue = running.suspected;
                running.suspected = true;
            }
        }
    }
}

pub(crate) fn name_of(job: &HeldJob) -> Cow<'static, str> {
    match job.name() {
        name if std::ptr::eq(name, job.function()) => Cow::Borrowed(job.function()),
        given => Cow::Owned(given.to_owned()),
    }
}
