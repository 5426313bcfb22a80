//! [`Lanes`]: jobs whose results come in parts.
//!
//! The parts of a job are decoded one after another, and its end comes after them; but
//! a thread that is held up by one of them may lose its role, and the next supervisor
//! must not overtake it. So what there is to be done for such a job stands in a lane of
//! its own, at which one thread works at a time. A lane is there while it is worked at,
//! or anything stands in it: other jobs have none.
//!
//! Nothing bounds what stands in the lane of a job whose `Deserialize` does not come
//! back but what its result may have.

use super::{Harvest, Scratch, Unresolved};
use crate::flight::Flight;
use executor_core::panic::contain;
use executor_core::partial::Parts;
use executor_core::{HeldJob, TaskError, TaskId, say};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// A part of the result of a job.
pub(crate) struct Part {
    pub(crate) job: TaskId,
    pub(crate) parts: Parts,
    pub(crate) bytes: Vec<u8>,
    /// Where it came from, and the number that the job has there.
    pub(crate) from: Option<(Arc<Flight>, u64)>,
}

/// One piece of work for a job.
pub(super) enum Step {
    Part(Part),
    Resolve(Harvest),
    /// To be failed; and whether that was told its owner, whatever its parts were.
    Fail(HeldJob, bool, Box<dyn FnOnce() -> TaskError + Send>),
}

#[derive(Default)]
struct Lane {
    steps: VecDeque<Step>,
    at_work: bool,
    /// Why a part could not be read: what comes after it counts for nothing.
    garbled: Option<String>,
    /// The job's end has come.
    ended: bool,
}

#[derive(Default)]
pub(super) struct Lanes {
    lanes: HashMap<TaskId, Lane>,
    /// Those with a step that nobody has to wait for, in order.
    turns: VecDeque<TaskId>,
}

impl Lanes {
    #[inline]
    pub(super) fn has(&self, job: &HeldJob) -> bool {
        !self.lanes.is_empty() && self.lanes.contains_key(&job.id())
    }

    /// Adds a step for a job.
    pub(super) fn push(&mut self, job: TaskId, step: Step) {
        let lane = self.lanes.entry(job).or_default();
        lane.ended |= !matches!(step, Step::Part(_));
        lane.steps.push_back(step);
        if lane.steps.len() == 1 && !lane.at_work {
            self.turns.push_back(job);
        }
    }

    /// Whether nothing stands here that could be done now.
    pub(super) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// The next step, which is then to be [`done`](Self::done).
    pub(super) fn next(&mut self) -> Option<(TaskId, Step)> {
        let job = self.turns.pop_front()?;
        Some((job, self.take(job)?))
    }

    /// The same, if it is the turn of this job.
    pub(super) fn step_of(&mut self, job: TaskId) -> Option<Step> {
        let place = self.turns.iter().position(|turn| *turn == job)?;
        self.turns.remove(place);
        self.take(job)
    }

    fn take(&mut self, job: TaskId) -> Option<Step> {
        let lane = self.lanes.get_mut(&job)?;
        lane.at_work = true;
        lane.steps.pop_front()
    }

    /// A step was made; `garbled` says why that failed.
    fn done(&mut self, job: TaskId, garbled: Option<String>) {
        let Some(lane) = self.lanes.get_mut(&job) else {
            return;
        };
        lane.at_work = false;
        lane.garbled = lane.garbled.take().or(garbled);
        if !lane.steps.is_empty() {
            self.turns.push_back(job);
        } else if lane.ended || lane.garbled.is_none() {
            self.lanes.remove(&job);
        }
    }

    fn garbled(&self, job: TaskId) -> Option<String> {
        self.lanes.get(&job)?.garbled.clone()
    }
}

impl Unresolved {
    /// The next step of this job, if there is one that nobody has to wait for.
    pub(super) fn step_of(&self, job: TaskId) -> Option<(TaskId, Step)> {
        let step = self.lock().lanes.step_of(job)?;
        Some((job, step))
    }

    /// Makes a step in the lane of a job.
    pub(super) fn step(&self, job: TaskId, step: Step, scratch: &mut Scratch) {
        let garbled = self.lock().lanes.garbled(job);
        let spoilt = garbled.map(|why| TaskError::decode("a part of the result", why));
        let mut garbled = None;
        match (step, spoilt) {
            (Step::Part(_), Some(_)) => {}
            (Step::Part(part), None) => garbled = part.deliver(),
            (Step::Resolve(harvest), spoilt) => {
                let overruled = harvest.overruled.or(spoilt);
                let harvest = Harvest {
                    overruled,
                    ..harvest
                };
                harvest.resolve(scratch);
            }
            (Step::Fail(job, firm, error), spoilt) => {
                let spoilt = spoilt.filter(|_| !firm);
                contain("a task could not be resolved", || {
                    job.fail(spoilt.unwrap_or_else(error));
                });
            }
        }
        self.lock().lanes.done(job, garbled);
    }
}

impl Part {
    /// Decodes it. Gives the reason if it cannot be read.
    fn deliver(self) -> Option<String> {
        let why = self.parts.deliver(&self.bytes).err()?;
        say!(error, %why, "a part of a result cannot be read");
        if let Some((flight, seq)) = &self.from {
            flight.spoil(*seq);
        }
        Some(why)
    }
}
