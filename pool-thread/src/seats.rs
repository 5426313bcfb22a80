//! [`Seats`]: where each worker is.
//!
//! | a seat is | while its worker | and leaves that state |
//! |---|---|---|
//! | `Free` | does not exist | when a thread is to be started |
//! | `Coming` | starts, or was woken, and is not at the queue yet | when it gets there |
//! | `Working` | runs jobs, one after the other | when it finds no more |
//! | `Idle` | sleeps, or is about to | when it is woken: the one that fell asleep last is first |
//!
//! All of it changes under the intake's lock only. A `Working` worker whose
//! function is over has said so through its [`Bell`], without a lock: it is
//! *returning*, and as good as one that is coming. Only when it is held up on
//! its way, by a done callback that takes long, it is *overdue* and not counted
//! on any more.

use crate::bell::Bell;
use std::sync::Arc;

#[derive(Debug, Default)]
pub(crate) struct Seats {
    seats: Vec<Seat>,
    idle: Vec<usize>,
    taken: usize,
    coming: usize,
}

#[derive(Debug)]
struct Seat {
    state: SeatState,
    bell: Arc<Bell>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SeatState {
    Free,
    Coming,
    Working,
    Idle,
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

    /// How many workers have gone from job to job since they last came here.
    pub(crate) fn working(&self) -> usize {
        self.taken - self.coming - self.idle.len()
    }

    /// How many workers are on their way back from a job.
    pub(crate) fn returning(&self) -> usize {
        let back = |seat: &&Seat| seat.state == SeatState::Working && seat.bell.is_returning();
        self.seats.iter().filter(back).count()
    }

    /// Takes a free seat for a new worker.
    pub(crate) fn take(&mut self) -> (usize, Arc<Bell>) {
        let bell = Arc::new(Bell::default());
        let seat = Seat {
            state: SeatState::Coming,
            bell: bell.clone(),
        };
        let free = |seat: &Seat| seat.state == SeatState::Free;
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

    /// The worker stands at the queue.
    pub(crate) fn arrive(&mut self, seat: usize) {
        let state = &mut self.seats[seat].state;
        self.coming -= usize::from(*state == SeatState::Coming);
        *state = SeatState::Working;
    }

    /// The worker goes to sleep.
    pub(crate) fn rest(&mut self, seat: usize) {
        self.seats[seat].state = SeatState::Idle;
        self.idle.push(seat);
    }
}
