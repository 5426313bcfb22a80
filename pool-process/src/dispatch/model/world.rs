//! The world around the roster: jobs, workers, and what the supervisor does about them.

use super::Limits;
use crate::dispatch::roster::{Hand, Roster};
use crate::seat::{Phase, Seat};
use std::collections::VecDeque;

/// How a pool ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mode {
    Drain,
    CancelPending,
    Kill,
}

/// Where a job stands that is with a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Queued(u8),
    Running(u8),
    /// The worker has yet to see that.
    TakenBack,
}

#[derive(Clone, Debug)]
pub(super) struct Worker {
    pub(super) id: u64,
    pub(super) hand: Vec<u8>,
    pub(super) flight: Vec<Slot>,
    pub(super) given: u8,
    pub(super) most: Option<u8>,
    pub(super) proved: bool,
    /// It was killed, and has not ended.
    pub(super) killed: bool,
    /// So it was for what it has said, and is not listened to any more.
    pub(super) distrusted: bool,
    pub(super) quick: bool,
    /// At so many looks in a row it had its first job.
    pub(super) looks: u8,
}

pub(super) const SLOTS: usize = 3;

impl Hand for Worker {
    fn room(&self) -> usize {
        let left = self
            .most
            .map_or(SLOTS, |most| usize::from(most.saturating_sub(self.given)));
        left.min(SLOTS - self.flight.len())
    }

    fn waiting(&self) -> usize {
        let taken_back = self.flight.iter().filter(|its| **its == Slot::TakenBack);
        let all = self.flight.len() - taken_back.count();
        (all + self.hand.len()).saturating_sub(1)
    }

    fn is_idle(&self) -> bool {
        self.flight.is_empty() && self.hand.is_empty() && !self.distrusted
    }

    fn is_busy(&self) -> bool {
        !self.flight.is_empty()
    }

    fn begin_anew(&self) {}

    fn is_quick(&self) -> bool {
        self.quick && !self.distrusted
    }
}

impl Worker {
    pub(super) fn has_one_behind(&self) -> bool {
        let queued = |its: &Slot| matches!(its, Slot::Queued(_));
        matches!(self.flight.first(), Some(Slot::Running(_))) && self.flight.iter().any(queued)
    }

    /// Its first job is with it no more.
    pub(super) fn remove_first(&mut self) -> Slot {
        self.looks = 0;
        self.flight.remove(0)
    }

    pub(super) fn is_worn_out(&self) -> bool {
        self.most.is_some_and(|most| self.given >= most)
    }
}

#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) limits: Limits,
    pub(super) roster: Roster<Worker>,
    /// Jobs, and whether they are husks.
    pub(super) queue: VecDeque<(u8, bool)>,
    pub(super) submitted: u8,
    /// The jobs whose tasks are resolved.
    pub(super) done: u8,
    /// A thread that has lost its role is about to post what is in the hand of this worker.
    pub(super) step: Option<u64>,
    /// A thread that has submitted a job is about to post what is in the hand of this worker.
    pub(super) posting: Option<u64>,
    /// A thread has found this worker to have nothing, and is about to see to it.
    pub(super) resting: Option<u64>,
    /// That is to happen when the next worker but so many is given jobs.
    pub(super) stall: Option<u8>,
    pub(super) warming: bool,
    pub(super) warmed: bool,
    /// The time until which starts were put off is over.
    pub(super) is_past: bool,
    /// There are no threads to be had.
    pub(super) no_threads: bool,
    pub(super) mode: Option<Mode>,
    pub(super) over: bool,
    /// How many starts were asked for in place of others.
    pub(super) owed: usize,
    pub(super) broken: Option<String>,
}

impl World {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            roster: Roster::new(
                limits.max_workers,
                limits.min_workers,
                limits.processors.unwrap_or(limits.max_workers),
            ),
            queue: VecDeque::new(),
            submitted: 0,
            done: 0,
            step: None,
            posting: None,
            resting: None,
            stall: None,
            warming: false,
            warmed: false,
            is_past: false,
            no_threads: false,
            mode: None,
            over: false,
            owed: 0,
            broken: None,
        }
    }

    pub(super) fn workers(&self) -> impl Iterator<Item = &Worker> {
        self.roster.serving()
    }

    pub(super) fn worker(&mut self, id: u64) -> Option<&mut Worker> {
        match &mut self.roster.seat(id)?.phase {
            Phase::Serving(worker) => Some(worker),
            _ => None,
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.queue.iter().filter(|(_, husk)| !husk).count()
    }

    /// The places of all jobs.
    pub(super) fn places(&self) -> Vec<u8> {
        let live = self
            .queue
            .iter()
            .filter(|(_, husk)| !husk)
            .map(|(job, _)| *job);
        let hands = self.workers().flat_map(|its| its.hand.iter().copied());
        let flights = self.workers().flat_map(|its| &its.flight);
        let flights = flights.filter_map(|slot| match *slot {
            Slot::Queued(job) | Slot::Running(job) => Some(job),
            Slot::TakenBack => None,
        });
        let done = (0..self.submitted).filter(|job| self.done & 1 << job != 0);
        live.chain(hands).chain(flights).chain(done).collect()
    }

    pub(super) fn finish(&mut self, job: u8) {
        if self.done & 1 << job != 0 {
            self.broken = Some(format!("job {job} is resolved twice"));
        }
        self.done |= 1 << job;
    }

    pub(super) fn leaving(&self) -> usize {
        let leaving = |seat: &&Seat<Worker>| matches!(seat.phase, Phase::Leaving(_));
        self.roster.seats.iter().filter(leaving).count()
    }

    /// Everything that tells states apart; occupants by their place.
    pub(super) fn key(&self) -> Vec<u8> {
        let place = |id: u64| {
            let place = self.roster.seats.iter().position(|seat| seat.id == id);
            place.map_or(9, |place| place as u8)
        };
        let (wanted, failures, put_off) = self.roster.counters();
        let mut key = vec![self.submitted, self.done, wanted as u8, failures as u8];
        let flags = [
            put_off,
            self.is_past,
            self.warming,
            self.warmed,
            self.no_threads,
            self.over,
            self.roster.few_suffice(),
        ];
        key.extend(flags.map(u8::from));
        key.extend([
            self.mode.map_or(0, |mode| 1 + mode as u8),
            self.stall.map_or(9, |it| it),
        ]);
        if let Some(worker) = self.step {
            key.extend([100, place(worker)]);
        }
        if let Some(worker) = self.posting {
            key.extend([101, place(worker)]);
        }
        if let Some(worker) = self.resting {
            key.extend([102, place(worker)]);
        }
        key.push(200);
        key.extend(
            self.queue
                .iter()
                .map(|(job, husk)| if *husk { 50 } else { *job }),
        );
        key.push(201);
        key.extend(self.roster.idlers().map(|(worker, _)| place(worker.id)));
        for seat in &self.roster.seats {
            match &seat.phase {
                Phase::Starting => key.push(202),
                Phase::Leaving(_) => key.push(203),
                Phase::Serving(its) => {
                    let end = u8::from(its.killed) + u8::from(its.distrusted);
                    let pace = u8::from(its.quick) + 2 * its.looks;
                    key.extend([204, its.given, u8::from(its.proved), end, pace]);
                    key.extend(its.hand.iter().map(|job| 60 + job));
                    key.extend(its.flight.iter().map(|slot| match slot {
                        Slot::Queued(job) => *job,
                        Slot::Running(job) => 20 + job,
                        Slot::TakenBack => 40,
                    }));
                }
            }
        }
        key
    }
}
