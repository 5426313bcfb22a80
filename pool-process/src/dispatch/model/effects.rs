//! What follows from an event.

use super::events::Event;
use super::world::{Mode, Slot, Worker, World};
use crate::dispatch::roster::Hand as _;

impl World {
    /// Lets something happen, and the supervisor have its round.
    pub(super) fn apply(&mut self, event: Event) {
        match event {
            Event::Submit => {
                let few_sufficed = self.roster.few_suffice();
                let idle = match self.queue.is_empty() {
                    true => self.roster.take_idle(),
                    false => None,
                };
                self.queue.push_back((self.submitted, false));
                self.submitted += 1;
                if let Some(worker) = idle {
                    self.hand_out(worker.id, 1);
                    self.posting = Some(worker.id);
                    // It sleeps on.
                    return;
                }
                let newly = self.roster.few_suffice() && !few_sufficed;
                if !newly && !self.roster.may_take_jobs() {
                    return;
                }
            }
            Event::Posts => {
                let pokes = self.posts();
                if !pokes {
                    return;
                }
            }
            Event::Rests => {
                if !self.rests() {
                    return;
                }
            }
            Event::IsFound(id) => {
                if !self.is_found(id) {
                    return;
                }
            }
            Event::Cancel(job) => self.cancel(job),
            Event::WarmUp => {
                self.warmed = true;
                self.warming = !self.roster.is_warm();
                self.roster.warming = self.warming;
            }
            Event::Stall(after) => self.stall = Some(after),
            Event::StepEnds => self.step_ends(),
            Event::Threads(any) => self.no_threads = !any,
            Event::Ready(id) => self.ready(id),
            Event::NotStarted(id) => self.not_started(id),
            Event::GoesOn(id) => {
                // Of a start nobody is told.
                if self.starts(id) {
                    return;
                }
                self.goes_on(id);
            }
            Event::Finishes(id) => self.finishes(id),
            Event::Round(id) => self.follow_up(id),
            Event::Look => self.look_at_paces(),
            Event::Idle => self.look_after_idle(),
            Event::Dies(id) => self.dies(id),
            Event::Left(id) => self.left(id),
            Event::Misbehaves(id) => self.misbehaves(id),
            Event::TimePasses => self.is_past = true,
            Event::Shutdown(mode) => self.shutdown(mode),
        }
        if !self.over {
            self.round();
        }
    }

    fn cancel(&mut self, job: u8) {
        if let Some(entry) = self.queue.iter_mut().find(|entry| entry.0 == job) {
            entry.1 = true;
            return self.finish(job);
        }
        let with = |its: &&Worker| {
            let is_it =
                |slot: &Slot| matches!(*slot, Slot::Queued(its) | Slot::Running(its) if its == job);
            its.flight.iter().any(is_it)
        };
        let Some(id) = self.workers().find(with).map(|its| its.id) else {
            return;
        };
        let Some(worker) = self.worker(id) else {
            return;
        };
        match worker
            .flight
            .iter_mut()
            .find(|slot| **slot == Slot::Queued(job))
        {
            Some(slot) => {
                *slot = Slot::TakenBack;
                self.finish(job);
            }
            None => worker.killed = true,
        }
    }

    /// The thread that has lost its role posts what there is to be posted by now.
    fn step_ends(&mut self) {
        if let Some(worker) = self.step.take() {
            self.give(worker);
        }
    }

    fn ready(&mut self, id: u64) {
        let worker = Worker {
            id,
            hand: Vec::new(),
            flight: Vec::new(),
            given: 0,
            most: self.limits.most,
            proved: false,
            killed: false,
            distrusted: false,
            quick: false,
            looks: 0,
        };
        self.roster.serve(id, worker);
        if self.roster.is_warm() {
            self.roster.warming = false;
            self.warming = false;
        }
    }

    fn starts(&mut self, id: u64) -> bool {
        let first = self.worker(id).and_then(|its| its.flight.first_mut());
        let Some(slot) = first else { return false };
        let Slot::Queued(job) = *slot else {
            return false;
        };
        *slot = Slot::Running(job);
        true
    }

    fn goes_on(&mut self, id: u64) {
        if let Some(worker) = self.worker(id) {
            worker.remove_first();
            self.follow_up(id);
        }
    }

    fn look_at_paces(&mut self) {
        let ids: Vec<_> = self.workers().map(|its| its.id).collect();
        for id in ids {
            if let Some(worker) = self.worker(id) {
                let stands_still = worker.looks > 0;
                worker.quick &= !stands_still;
                if !worker.flight.is_empty() {
                    worker.looks = (worker.looks + 1).min(2);
                }
                if stands_still && self.roster.few_suffice() {
                    self.take_back_all_behind(id);
                }
            }
        }
    }

    fn finishes(&mut self, id: u64) {
        let quick = self.limits.processors.is_some();
        let Some(worker) = self.worker(id) else {
            return;
        };
        worker.quick = quick;
        let slot = worker.remove_first();
        if !std::mem::replace(&mut worker.proved, true) {
            self.roster.forgive();
        }
        if let Slot::Running(job) = slot {
            self.finish(job);
        }
        self.follow_up(id);
    }

    /// Says whether the supervisor is poked.
    fn posts(&mut self) -> bool {
        let Some(id) = self.posting.take() else {
            return false;
        };
        self.gives_directly(id)
    }

    fn gives_directly(&mut self, id: u64) -> bool {
        let queued = self.queue.len();
        self.post_hand(id);
        self.cancel_if_ending(id);
        // What was put back is a reason to poke, and so is the end of the pool.
        let mut pokes = self.queue.len() != queued || self.mode.is_some();
        // Somebody may have become idle who takes of it, or may be started.
        let heap = self.worker(id).is_some_and(|its| its.waiting() > 0);
        pokes |= heap && self.roster.may_take_jobs();
        if self.worker(id).is_some_and(|its| its.is_idle()) {
            self.roster.idle(id);
            pokes |= self.waiting() > 0 || self.workers().any(|its| its.waiting() > 0);
        }
        pokes
    }

    /// Says whether the supervisor is poked.
    fn is_found(&mut self, id: u64) -> bool {
        let Some(worker) = self.worker(id) else {
            return false;
        };
        let slot = worker.remove_first();
        let is_new = !std::mem::replace(&mut worker.proved, true);
        if is_new {
            self.roster.forgive();
        }
        if let Slot::Running(job) = slot {
            self.finish(job);
        }
        if self.worker(id).is_some_and(|its| its.is_idle()) {
            self.resting = Some(id);
        }
        is_new || self.mode.is_some()
    }

    /// Says whether the supervisor is poked.
    fn rests(&mut self) -> bool {
        let Some(id) = self.resting.take() else {
            return false;
        };
        let idle = self.worker(id).is_some_and(|its| its.is_idle());
        let (waiting, room) = (self.waiting(), self.worker(id).map_or(0, |its| its.room()));
        if idle && waiting > 0 && self.mode.is_none() {
            let most = self.roster.share_of_idle(id, waiting, room);
            self.hand_out(id, most);
            self.posting = Some(id);
            return false;
        }
        if idle {
            self.roster.idle(id);
        }
        let behind = self.workers().any(|its| its.waiting() > 0);
        waiting > 0 || self.mode.is_some() || behind
    }

    fn misbehaves(&mut self, id: u64) {
        if let Some(worker) = self.worker(id) {
            (worker.killed, worker.distrusted) = (true, true);
        }
    }

    fn dies(&mut self, id: u64) {
        self.empty_hand(id);
        let Some(worker) = self.worker(id).cloned() else {
            return;
        };
        let mut useful = worker.proved;
        let mut unharmed = Vec::new();
        for slot in worker.flight {
            match slot {
                Slot::Queued(job) => unharmed.push(job),
                Slot::Running(job) => {
                    useful = true;
                    self.finish(job);
                }
                Slot::TakenBack => {}
            }
        }
        if useful && !worker.proved {
            self.roster.forgive();
        }
        // Before they are queued again, so that they are in one place.
        self.roster.free(id);
        self.put_back(unharmed);
        match useful {
            true => self.replace(),
            false => self.failed_to_start(),
        }
    }

    fn shutdown(&mut self, mode: Mode) {
        self.mode = Some(mode);
        self.roster.end();
        self.forget_owed();
        self.warming = false;
        if mode >= Mode::CancelPending {
            for (job, husk) in std::mem::take(&mut self.queue) {
                if !husk {
                    self.finish(job);
                }
            }
        }
        let ids: Vec<_> = self.workers().map(|its| its.id).collect();
        for id in ids {
            self.cancel_if_ending(id);
            if let Some(worker) = self.worker(id) {
                worker.killed |= mode == Mode::Kill;
            }
        }
    }
}
