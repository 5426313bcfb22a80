//! The supervisor: whoever has the role waits for news, collects results, gives jobs to
//! workers, looks after them, buries them, and resolves tasks.
//!
//! It depends on nobody holding the pool: it goes on until there is no job left.
//!
//! Each round has two halves. The first moves bytes and states, and runs nothing of the
//! user's: it takes in what has happened and decides what follows. The second runs the
//! user's code, one step at a time, out of [`Unresolved`](crate::unresolved::Unresolved).
//! A step that does not come back costs this thread the role, see `role`: then it
//! finishes the step, and does nothing more.

mod attention;
mod burying;
mod collecting;
mod giving;
mod looking;
mod poller;
mod role;
mod rounds;
mod waiting;

pub(crate) use self::poller::Poller;
pub(crate) use self::role::{Look, Role, Shift};
pub(crate) use self::rounds::Rounds;

use self::poller::Happened;
use crate::config::ROUND;
use crate::crew;
use crate::dispatch::Dispatch;
use crate::flight::Violation;
use crate::seat::{LOOKS, Occupant};
use crate::tally::Counts;
use crate::transport::{Patience, Transport};
use crate::unresolved::Scratch;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// After so long the user's code gives way to a round.
const AT_A_TIME: Duration = Duration::from_millis(1);
/// How often idle workers are looked at, at the most.
const IDLE_LOOKS: Duration = Duration::from_millis(1);

/// Why a worker can serve no longer.
enum Down {
    /// It does not play by the rules, and is to be killed.
    Misbehaved(&'static str),
    /// It has closed its wire, and did not end.
    Closed,
    Broken(io::Error),
}

impl From<Violation> for Down {
    fn from(Violation(what): Violation) -> Self {
        Self::Misbehaved(what)
    }
}

/// One thread's shift.
struct Supervisor<'a> {
    dispatch: &'a Arc<Dispatch>,
    shift: Shift,
    /// The workers that take jobs, and how often they had changed.
    workers: Vec<Arc<Occupant>>,
    changes: Option<u64>,
    happened: Vec<Happened>,
    /// How many rounds ago the kernel was asked what has happened.
    unpolled: u32,
    /// When busy workers are looked after next.
    next_round: Instant,
    /// When idle ones are.
    next_idle_look: Instant,
    /// When it is looked whether the quick ones get on.
    next_pace_look: Instant,
    /// How long to look for news before it sleeps.
    patience: Patience,
    /// The same in the midst of a large payload.
    amid: Patience,
    scratch: Scratch,
    /// There is more of the user's code to be run.
    is_behind: bool,
    /// Whether jobs have come to their end between the last two rounds, or may do so now:
    /// then it sleeps no longer than until the next one, and no submit has to poke it.
    is_in_use: bool,
    /// Whether it has slept for longer since that was found.
    has_slept_long: bool,
    /// How many had until the last one.
    ended: Counts,
}

/// Supervises the pool, until it is at its end or another thread has the role.
pub(crate) fn run(dispatch: &Arc<Dispatch>, shift: Shift) {
    let patience = Patience::new();
    let mut supervisor = Supervisor {
        dispatch,
        shift,
        workers: Vec::new(),
        changes: None,
        happened: Vec::new(),
        unpolled: 0,
        next_round: Instant::now(),
        next_idle_look: Instant::now(),
        next_pace_look: Instant::now(),
        amid: patience.clone(),
        patience,
        scratch: Scratch::default(),
        is_behind: false,
        is_in_use: false,
        has_slept_long: false,
        ended: Counts::default(),
    };
    supervisor.recover();
    crew::watch(dispatch);
    while supervisor.is_on_duty() {
        supervisor.round();
        if supervisor.is_on_duty() && supervisor.has_ended() {
            return;
        }
        supervisor.wait();
    }
    // What it has finished by now is news to whoever has the role.
    supervisor.scratch.leave(&dispatch.unresolved);
    if !supervisor.happened.is_empty() {
        dispatch.crew.miss();
    }
    dispatch.poller.poke();
    if dispatch.crew.is_over() {
        // Nobody has: a pool that is killed does not wait for code that does not come back.
        // Now it has, and there is something to be said to the owner of its job.
        dispatch.unresolved.work_off(&mut supervisor.scratch);
    }
}

impl Supervisor<'_> {
    fn is_on_duty(&self) -> bool {
        self.dispatch.crew.role.is(self.shift)
    }

    /// Takes up what the former supervisor may have had in hand.
    fn recover(&mut self) {
        self.look_up_workers();
        for worker in std::mem::take(&mut self.workers) {
            self.dispatch.empty_hand(&worker);
            worker.flight.release();
            if self.dispatch.config.transport == Transport::Messages {
                // What was posted may not have been sent.
                self.send_kept(&worker);
            }
            if worker.is_idle() {
                self.at_rest(&worker);
            }
            self.workers.push(worker);
        }
    }

    fn look_up_workers(&mut self) {
        let changes = self.dispatch.changes();
        if self.changes != Some(changes) {
            self.changes = Some(changes);
            let workers = self.dispatch.lock().roster.serving().cloned().collect();
            self.workers = workers;
        }
    }

    fn round(&mut self) {
        let dispatch = self.dispatch;
        let at_round = dispatch.crew.at_round();
        dispatch.crew.role.step();
        // Whoever changes something after this pokes again.
        dispatch.poller.attention.wake();
        if !self.is_on_duty() {
            // That may have been meant for the next one, who is poked in the end.
            return;
        }
        for happened in std::mem::take(&mut self.happened) {
            match happened {
                Happened::Something => {}
                Happened::Ended(id) => self.ended(id),
                Happened::Readable(id) => self.with_worker(id, Self::read),
                Happened::Rung(id) => self.with_worker(id, Self::rung),
            }
        }
        while let Some(ready) = dispatch.starter.take_ready() {
            self.ready(ready);
        }
        self.look_up_workers();
        for worker in std::mem::take(&mut self.workers) {
            if worker.flight.has_news() && !worker.is_distrusted() {
                let collected = self.collect(&worker);
                self.follow_up(&worker, collected);
            }
            self.workers.push(worker);
        }
        let now = Instant::now();
        if now >= self.next_pace_look {
            self.look_at_paces();
            self.next_pace_look = now + LOOKS;
        }
        self.give_out();
        if dispatch.crew.take_missed() || now >= self.next_round {
            self.look_after_all();
            let ended = dispatch.tally.now();
            self.is_in_use = std::mem::replace(&mut self.ended, ended) != ended;
            self.next_round = now + ROUND;
        }
        self.is_in_use |= std::mem::take(&mut self.has_slept_long);
        if now >= self.next_idle_look {
            self.look_after_idle();
            self.next_idle_look = now + IDLE_LOOKS;
        }
        drop(at_round);
        self.resolve();
    }

    fn with_worker(&mut self, id: u64, f: fn(&mut Self, &Arc<Occupant>) -> Result<bool, Down>) {
        let mut state = self.dispatch.lock();
        let seat = state.roster.seat(id);
        let worker = seat.and_then(|seat| seat.serving().cloned());
        drop(state);
        if let Some(worker) = worker.filter(|worker| !worker.is_distrusted()) {
            let done = f(self, &worker);
            self.follow_up(&worker, done);
        }
    }

    /// Runs the user's code: results are decoded, callbacks and wakers called.
    fn resolve(&mut self) {
        let (role, shift) = (&self.dispatch.crew.role, self.shift);
        let go_on = || {
            role.step();
            role.is(shift)
        };
        let (mut since, mut behind) = (None, false);
        // Many that each take their time must not keep the workers waiting; but one is done.
        let others = || {
            let now = Instant::now();
            behind = now - *since.get_or_insert(now) > AT_A_TIME;
            !behind
        };
        self.dispatch
            .unresolved
            .work(&mut self.scratch, go_on, others);
        self.is_behind = behind;
    }

    /// What follows from having collected from a worker.
    fn follow_up(&mut self, worker: &Arc<Occupant>, collected: Result<bool, Down>) {
        if let Err(down) = collected {
            return self.down(worker, down);
        }
        if self.dispatch.config.transport == Transport::Messages && !worker.is_idle() {
            // If what was kept back was cancelled meanwhile, it may have nothing now.
            self.send_kept(worker);
        }
        if !worker.is_idle() {
            if !worker.is_worn_out(&self.dispatch.config) && self.dispatch.more(worker) {
                self.give(worker);
            }
        } else {
            // Before its owners learn of the results: who submits again in answer to one
            // finds this worker idle, and none is started.
            self.at_rest(worker);
        }
    }

    /// A worker has nothing: it is idle, or goes if it is worn out.
    fn at_rest(&mut self, worker: &Arc<Occupant>) {
        match worker.is_worn_out(&self.dispatch.config) {
            true => self.dismiss(worker),
            false => self.dispatch.idle(worker),
        }
    }
}
