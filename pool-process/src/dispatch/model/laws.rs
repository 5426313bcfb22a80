//! What holds in every state.

use super::events;
use super::world::{Mode, Worker, World};
use crate::dispatch::roster::Hand as _;

impl World {
    /// What is wrong with this state.
    pub(super) fn fault(&self) -> Option<String> {
        if let Some(fault) = &self.broken {
            return Some(fault.clone());
        }
        if let Some(worker) = self
            .workers()
            .find(|its| its.most.is_some_and(|most| its.given > most))
        {
            return Some(format!("{} was given too many", worker.id));
        }
        let places = self.places();
        let wrong = (0..self.submitted)
            .find(|job| places.iter().filter(|place| *place == job).count() != 1);
        if let Some(job) = wrong {
            return Some(format!("job {job} is not in one place: {places:?}"));
        }
        let seats = self.roster.seats.len();
        let (wanted, _, _) = self.roster.counters();
        if seats + wanted > self.limits.max_workers {
            return Some("more workers are asked for than there are seats".to_owned());
        }
        let idle = |id| {
            let is_it = |its: &Worker| its.id == id && its.is_idle();
            self.workers().any(is_it) && self.resting != Some(id)
        };
        // One that a thread is about to see to is known to that.
        let rests = |id| self.resting == Some(id);
        let anybody = self.workers().find(|its| its.is_idle() && !rests(its.id));
        if let Some(worker) = anybody
            && !self.roster.idlers().any(|(its, _)| its.id == worker.id)
        {
            return Some(format!("nobody knows that {} is idle", worker.id));
        }
        let few_suffice = self.roster.few_suffice();
        let gets_on = |its: &&Worker| its.looks < 2 && (!its.is_idle() || rests(its.id));
        let processors = self.limits.processors.unwrap_or(self.limits.max_workers);
        if few_suffice && self.workers().filter(gets_on).count() < processors {
            return Some("few suffice though too few get on".to_owned());
        }
        if self.waiting() > 0 && anybody.is_some() && !few_suffice {
            return Some("a job waits while a worker is idle".to_owned());
        }
        let starting = seats - self.roster.serving().count() - self.leaving();
        let put_off = self.roster.next_start(self.waiting()).is_some();
        let could_start = seats < self.limits.max_workers && self.waiting() > starting;
        if could_start && !put_off && !few_suffice {
            return Some("a job waits while a worker could be started".to_owned());
        }
        if put_off && self.is_past {
            return Some("the supervisor does not sleep".to_owned());
        }
        let behind = self.workers().find(|its| its.has_one_behind());
        let free_seat = starting == 0 && seats < self.limits.max_workers && !put_off;
        if behind.is_some() && free_seat && !few_suffice {
            return Some("a job is behind another while a worker could be started".to_owned());
        }
        if let Some(worker) = behind
            && !few_suffice
            && let Some(other) = self
                .workers()
                .find(|its| its.id != worker.id && idle(its.id))
        {
            return Some(format!(
                "a job is behind another while {} is idle",
                other.id
            ));
        }
        None
    }

    /// What is wrong with where this leads to if nothing happens but what has to.
    pub(super) fn settles(&self) -> Option<String> {
        let ways = [(true, false), (false, false), (true, true)];
        ways.into_iter().find_map(|(step_ends, starts_fail)| {
            let mut world = self.clone();
            world.no_threads &= starts_fail;
            for _ in 0..100 {
                let Some(event) = events::necessary(&world, step_ends, starts_fail) else {
                    let what = || format!("it ends here: {step_ends} {starts_fail} {world:#?}");
                    return (!world.is_settled()).then(what);
                };
                world.apply(event);
                if let Some(fault) = world.fault() {
                    return Some(fault);
                }
            }
            Some(format!("it does not settle: {step_ends} {starts_fail}"))
        })
    }

    /// Whether nothing is left to be done, but by a thread that does not come back.
    fn is_settled(&self) -> bool {
        let all_done = (0..self.submitted).all(|job| self.done & 1 << job != 0);
        let ends = match self.mode {
            None => true,
            Some(Mode::Kill) => self.over,
            Some(_) => self.over || self.step.is_some(),
        };
        all_done && !self.warming && ends
    }
}
