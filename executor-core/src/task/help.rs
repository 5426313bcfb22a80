//! How a worker's thread waits for a job that is still queued: it runs that job itself.
//!
//! At once if it waits without a limit. With a limit it leaves the job to other workers
//! as long as one of them may come to it, but not for longer than half of the limit:
//! then it is better to be late than never to have tried.

use super::view::View;
use crate::current::{self, Helper};
use crate::error::TaskError;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// After how long it looks again whether others may come: at first, and at the most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(16));

pub(super) struct Help {
    /// None if this is no worker's thread.
    helper: Option<Arc<dyn Helper>>,
    /// There is nothing more to be done.
    over: bool,
    /// Until then the job is left to others.
    patient_until: Option<Instant>,
    pause: Duration,
}

impl Help {
    /// For a thread that begins to wait, and ends when this is dropped.
    pub(super) fn new(deadline: Option<Instant>) -> Self {
        let mut help = Self {
            helper: current::helper(),
            over: false,
            patient_until: None,
            pause: PAUSES.0,
        };
        let Some(helper) = &help.helper else {
            help.over = true;
            return help;
        };
        helper.set_waiting(true);
        if let Some(at) = deadline {
            let now = Instant::now();
            let left = at.saturating_duration_since(now);
            // Who only asks how things are does not want to run the job.
            help.over = left.is_zero();
            help.patient_until = Some(now + left / 2);
        }
        help
    }

    /// Runs the job, if it is queued and nobody else will; or gives the time after which
    /// this is to be called again.
    pub(super) fn run_or_wait<T: Send + 'static>(
        &mut self,
        task: &dyn View<T>,
    ) -> Result<Option<Duration>, TaskError> {
        let Some(helper) = self.helper.as_ref().filter(|_| !self.over) else {
            return Ok(None);
        };
        if let Some(until) = self.patient_until {
            if !task.meta().is_job() || task.is_running() {
                self.over = true;
                return Ok(None);
            }
            if Instant::now() < until && helper.others_may_come() {
                let pause = self.pause;
                self.pause = PAUSES.1.min(2 * pause);
                return Ok(Some(pause));
            }
        }
        // From now on it is done, or another has it, or it is none of this executor's.
        self.over = true;
        helper.set_waiting(false);
        let helped = current::help(&**helper, task.meta().id());
        helper.set_waiting(true);
        helped.map(|_| None)
    }
}

impl Drop for Help {
    fn drop(&mut self) {
        if let Some(helper) = &self.helper {
            helper.set_waiting(false);
        }
    }
}
