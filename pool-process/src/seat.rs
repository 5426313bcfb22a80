//! A seat: the place of one worker in the pool; and the worker in it.
//!
//! | phase | the process | then |
//! |---|---|---|
//! | `Starting` | is being started, or carries out its orders | `Serving`, or the seat is free |
//! | `Serving` | takes jobs | `Leaving` when it is not needed; free when it has died |
//! | `Leaving` | was asked to go | free |
//!
//! A seat is free as well when its process was killed and the kernel could not end it
//! in time: nothing more is run in that process, and another takes its place.

mod pace;

pub(crate) use self::pace::LOOKS;

use self::pace::Pace;
use crate::boot::Worker;
use crate::config::Config;
use crate::dispatch::Dispatch;
use crate::flight::Flight;
use crate::messages::Desk;
use crate::process::Process;
use crate::supervisor::Rounds;
use crate::transport::{Board, Cutter};
use executor_core::Job;
use executor_core::queue::Husks;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A taken seat. All of it changes under the dispatch's lock.
#[derive(Clone, Debug)]
pub(crate) struct Seat<W = Arc<Occupant>> {
    /// Tells apart all occupants that the pool ever had.
    pub(crate) id: u64,
    /// The lowest number that no other seat has.
    pub(crate) number: usize,
    /// Once there is one.
    pub(crate) process: Option<Arc<Process>>,
    pub(crate) cutter: Option<Cutter>,
    pub(crate) phase: Phase<W>,
}

#[derive(Clone, Debug)]
pub(crate) enum Phase<W = Arc<Occupant>> {
    Starting,
    Serving(W),
    /// Since then.
    Leaving(Instant),
}

impl<W> Seat<W> {
    /// A seat for a worker that is to be started.
    pub(crate) fn new(id: u64, number: usize) -> Self {
        Self {
            id,
            number,
            process: None,
            cutter: None,
            phase: Phase::Starting,
        }
    }

    /// The worker, if it takes jobs.
    pub(crate) fn serving(&self) -> Option<&W> {
        match &self.phase {
            Phase::Serving(occupant) => Some(occupant),
            Phase::Starting | Phase::Leaving(_) => None,
        }
    }
}

/// A worker that takes jobs, as its parent sees it.
#[derive(Debug)]
pub(crate) struct Occupant {
    pub(crate) id: u64,
    pub(crate) process: Arc<Process>,
    pub(crate) board: Arc<Board>,
    pub(crate) flight: Arc<Flight>,
    /// Jobs that were taken off the queue for it and are to be posted.
    hand: Mutex<VecDeque<Job>>,
    /// What goes and comes by message.
    pub(crate) desk: Desk,
    rounds: Mutex<Rounds>,
    pub(crate) pace: Pace,
    /// How many jobs it was given.
    given: AtomicU64,
    /// How many it may be given.
    most: Option<u64>,
    /// Whether it has run, or died over, any job.
    pub(crate) proved: AtomicBool,
    /// Whether memory that large payloads have used was given back since it last had a job.
    pub(crate) tidy: AtomicBool,
    /// It has broken the protocol: what it says is not believed any more.
    distrusted: AtomicBool,
    /// How often the kernel had run out of memory when it started.
    pub(crate) oom_kills: Option<u64>,
}

impl Occupant {
    pub(crate) fn new(id: u64, worker: Worker, dispatch: &Dispatch) -> Self {
        let config = &dispatch.config;
        let Worker {
            process,
            ends,
            wire,
            board,
            oom_kills,
        } = worker;
        let flight = Flight::new(
            board.clone(),
            process.clone(),
            dispatch.tally.clone(),
            config.transport,
            config.max_result,
        );
        Self {
            id,
            desk: Desk::new(ends, wire, process.clone()),
            process,
            board,
            flight,
            hand: Mutex::default(),
            rounds: Mutex::default(),
            pace: Pace::default(),
            given: AtomicU64::new(0),
            most: config.max_tasks_per_worker,
            proved: AtomicBool::new(false),
            tidy: AtomicBool::new(true),
            distrusted: AtomicBool::new(false),
            oom_kills,
        }
    }

    pub(crate) fn hand(&self) -> MutexGuard<'_, VecDeque<Job>> {
        self.hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn rounds(&self) -> MutexGuard<'_, Rounds> {
        self.rounds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many more jobs it may be given.
    pub(crate) fn room(&self) -> usize {
        self.flight.room().min(self.left())
    }

    /// Posts what is in its hand, as far as there is room and it may be given more. Gives the
    /// numbers of what was posted.
    pub(crate) fn post(&self, husks: &mut Husks) -> Range<u64> {
        // Held all the time: a supervisor that has lost the role may do the same.
        let mut hand = self.hand();
        let posted = self.flight.post(&mut hand, self.left(), husks);
        self.given
            .fetch_add(posted.end - posted.start, Ordering::Relaxed);
        posted
    }

    /// How many more jobs it may be given before it is worn out.
    fn left(&self) -> usize {
        let given = self.given.load(Ordering::Relaxed);
        let left = self.most.map(|most| most.saturating_sub(given));
        left.map_or(usize::MAX, |left| {
            usize::try_from(left).unwrap_or(usize::MAX)
        })
    }

    /// True if nothing is with it, or about to be.
    pub(crate) fn is_idle(&self) -> bool {
        // Held, so that nothing moves from the one to the other meanwhile.
        let hand = self.hand();
        hand.is_empty() && self.flight.is_empty()
    }

    /// How many jobs are with it, or in its hand, and wait for another.
    pub(crate) fn waiting(&self) -> usize {
        // Held, so that nothing moves from the one to the other meanwhile.
        let hand = self.hand();
        (self.flight.jobs() + hand.len()).saturating_sub(1)
    }

    /// True if something is to be looked at soon although no job is with it: it was
    /// killed and has not ended, or its wire is closed.
    pub(crate) fn is_ending(&self) -> bool {
        self.process.killed_at().is_some() || self.rounds().is_closed()
    }

    /// True if it is to be replaced, when it has finished what it has.
    pub(crate) fn is_worn_out(&self, config: &Config) -> bool {
        let given = self.given.load(Ordering::Relaxed);
        self.most.is_some_and(|most| given >= most)
            || self.rounds().is_too_heavy(&self.process, config)
    }

    pub(crate) fn distrust(&self) {
        self.distrusted.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_distrusted(&self) -> bool {
        self.distrusted.load(Ordering::Relaxed)
    }
}
