//! What the supervisor does: as `supervisor` and `dispatch`, on numbers and lists.

use super::world::{Mode, SLOTS, Slot, Worker, World};
use crate::dispatch::roster::{Hand as _, Next};
use std::time::Instant;

impl World {
    /// Everything that there is to be done.
    pub(super) fn round(&mut self) {
        let (mut tried, mut steps) = (false, 0);
        while let Some(next) = self.next(tried) {
            steps += 1;
            if steps > 40 {
                self.broken = Some(format!("the round does not end: {next:?}"));
                return;
            }
            match next {
                Next::Give(worker, _) | Next::TakeBack(_, worker) if !worker.is_idle() => {
                    self.broken = Some("it takes a busy worker for an idle one".to_owned());
                    return;
                }
                Next::Give(worker, most) => self.hand_out_and_give(worker.id, most),
                Next::TakeBack(others, worker) => tried = !self.take_back(&others, &worker),
                Next::Start(id, _) if self.no_threads => self.not_started(id),
                Next::Start(..) => {}
            }
        }
        self.look_for_the_end();
    }

    fn next(&mut self, tried: bool) -> Option<Next<Worker>> {
        let (waiting, is_past) = (self.waiting(), self.is_past);
        let serving = self.roster.serving().count();
        let starting = self.roster.seats.len() - serving - self.leaving();
        let next = self.roster.next(waiting, tried, |_| is_past);
        if let Some(Next::Start(..)) = next {
            let warms = self.warming && serving + starting < self.limits.max_workers;
            let idle = self.workers().any(|its| its.is_idle());
            let behind = || self.workers().map(|its| its.waiting()).sum::<usize>();
            let waiting = waiting + if idle { 0 } else { behind() };
            if waiting <= starting && !warms && self.owed == 0 {
                self.broken = Some("nobody has asked for this worker".to_owned());
            }
            self.owed = self.owed.saturating_sub(1);
        }
        next
    }

    pub(super) fn hand_out(&mut self, id: u64, most: usize) {
        let mut jobs = Vec::new();
        while jobs.len() < most
            && let Some((job, husk)) = self.queue.pop_front()
        {
            jobs.extend((!husk).then_some(job));
        }
        if let Some(worker) = self.worker(id) {
            worker.hand.extend(jobs);
        }
    }

    fn hand_out_and_give(&mut self, id: u64, most: usize) {
        self.hand_out(id, most);
        self.stall = match self.stall {
            Some(0) => {
                self.step = Some(id);
                self.stall = None;
                return self.recover();
            }
            other => other.map(|more| more - 1),
        };
        self.give(id);
    }

    /// Posts what is in a worker's hand.
    pub(super) fn give(&mut self, id: u64) {
        self.post_hand(id);
        self.after_giving(id);
    }

    pub(super) fn post_hand(&mut self, id: u64) {
        while let Some(worker) = self.worker(id)
            && !worker.hand.is_empty()
        {
            let job = worker.hand.remove(0);
            if !self.post(id, Slot::Queued(job)) {
                self.empty_hand(id);
                self.put_back(vec![job]);
            }
        }
    }

    /// False if there is no room or no such worker.
    fn post(&mut self, id: u64, slot: Slot) -> bool {
        let Some(worker) = self.worker(id) else {
            return false;
        };
        let counts = worker.most.is_some() && slot != Slot::TakenBack;
        if worker.distrusted || worker.flight.len() == SLOTS || counts && worker.is_worn_out() {
            return false;
        }
        worker.flight.push(slot);
        worker.given += u8::from(counts);
        true
    }

    fn after_giving(&mut self, id: u64) {
        self.cancel_if_ending(id);
        if self.worker(id).is_some_and(|its| its.is_idle()) {
            self.at_rest(id);
        }
    }

    /// A worker has nothing.
    fn at_rest(&mut self, id: u64) {
        match self.worker(id).is_some_and(|its| its.is_worn_out()) {
            true => self.dismiss(id),
            false => self.roster.idle(id),
        }
    }

    /// Another supervisor begins.
    fn recover(&mut self) {
        let ids: Vec<_> = self.workers().map(|its| its.id).collect();
        for id in ids {
            self.empty_hand(id);
            if self.worker(id).is_some_and(|its| its.is_idle()) {
                self.at_rest(id);
            }
        }
    }

    fn take_back(&mut self, others: &[Worker], idle: &Worker) -> bool {
        for other in others {
            let most = other.waiting().div_ceil(2).min(idle.room().max(1));
            let Some(other) = self.worker(other.id) else {
                continue;
            };
            let mut jobs = Vec::new();
            for slot in other.flight.iter_mut().skip(1).rev() {
                if let Slot::Queued(job) = *slot
                    && jobs.len() < most
                {
                    jobs.insert(0, job);
                    *slot = Slot::TakenBack;
                }
            }
            if !jobs.is_empty() {
                self.put_back(jobs);
                return true;
            }
        }
        false
    }

    /// All that is behind the first job of a worker.
    pub(super) fn take_back_all_behind(&mut self, id: u64) {
        let mut jobs = Vec::new();
        let slots = self.worker(id).map(|its| its.flight.iter_mut().skip(1));
        for slot in slots.into_iter().flatten() {
            if let Slot::Queued(job) = *slot {
                jobs.push(job);
                *slot = Slot::TakenBack;
            }
        }
        self.put_back(jobs);
    }

    pub(super) fn put_back(&mut self, jobs: Vec<u8>) {
        for job in jobs.into_iter().rev() {
            match self.mode >= Some(Mode::CancelPending) {
                true => self.finish(job),
                false => self.queue.push_front((job, false)),
            }
        }
    }

    pub(super) fn empty_hand(&mut self, id: u64) {
        let hand = self.worker(id).map(|its| std::mem::take(&mut its.hand));
        self.put_back(hand.unwrap_or_default());
    }

    pub(super) fn cancel_if_ending(&mut self, id: u64) {
        if self.mode >= Some(Mode::CancelPending) {
            self.empty_hand(id);
            let slots = self.worker(id).map(|its| its.flight.iter_mut());
            let mut jobs = Vec::new();
            for slot in slots.into_iter().flatten() {
                if let Slot::Queued(job) = *slot {
                    jobs.push(job);
                    *slot = Slot::TakenBack;
                }
            }
            jobs.into_iter().for_each(|job| self.finish(job));
        }
    }

    /// What follows from having heard of a worker.
    pub(super) fn follow_up(&mut self, id: u64) {
        let waiting = self.waiting();
        let Some(worker) = self.worker(id).cloned() else {
            return;
        };
        if worker.distrusted {
            return;
        }
        match (worker.is_idle(), worker.is_worn_out()) {
            (false, false) => {
                let more = self.roster.more(id, &worker, waiting);
                if more > 0 {
                    self.hand_out_and_give(id, more);
                }
            }
            (false, true) => {}
            (true, true) => self.dismiss(id),
            (true, false) => self.roster.idle(id),
        }
    }

    pub(super) fn dismiss(&mut self, id: u64) {
        match self.worker(id).is_some_and(|its| its.is_idle()) {
            true => drop(self.roster.leave(id)),
            false => self.roster.not_idle(id),
        }
    }

    pub(super) fn look_after_idle(&mut self) {
        for _ in 0..10 {
            let idle = self.roster.idlers().next().map(|(worker, _)| worker.id);
            match idle.filter(|_| self.roster.may_shrink()) {
                Some(id) => self.dismiss(id),
                None => return,
            }
            if self.roster.seats.len() - self.leaving() < self.limits.min_workers {
                self.broken = Some("one was let go that is to stay".to_owned());
            }
        }
        self.broken = Some("it looks after idle workers for ever".to_owned());
    }

    pub(super) fn replace(&mut self) {
        self.roster.replace();
        self.owe();
    }

    /// A worker that was asked to go is gone.
    pub(super) fn left(&mut self, id: u64) {
        self.roster.left(id);
        if self.roster.seats.len() + self.owed < self.limits.min_workers {
            self.owe();
        }
    }

    fn owe(&mut self) {
        self.owed += usize::from(self.mode.is_none());
    }

    pub(super) fn forget_owed(&mut self) {
        self.owed = 0;
    }

    pub(super) fn not_started(&mut self, id: u64) {
        self.roster.free(id);
        self.failed_to_start();
    }

    pub(super) fn failed_to_start(&mut self) {
        self.is_past = false;
        let until = |_| Some(Instant::now());
        if self.roster.failed(self.waiting(), 2, until).1 {
            return;
        }
        self.owed = 0;
        self.warming = false;
        if !self.roster.give_up_starting() {
            for (job, husk) in std::mem::take(&mut self.queue) {
                if !husk {
                    self.finish(job);
                }
            }
        }
    }

    fn look_for_the_end(&mut self) {
        let Some(mode) = self.mode else { return };
        if self.waiting() == 0 {
            let idle = self.workers().filter(|its| its.is_idle()).map(|its| its.id);
            let idle: Vec<_> = idle.collect();
            idle.into_iter().for_each(|id| self.dismiss(id));
        }
        let held_up = self.step.is_some() && mode != Mode::Kill;
        if self.roster.seats.is_empty() && self.waiting() == 0 && !held_up {
            self.over = true;
        }
    }
}
