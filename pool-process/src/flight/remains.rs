//! What a worker leaves behind that is dead, or is given up.

use super::Flight;
use super::stopping::sentence;
use executor_core::{HeldJob, Job, TaskError, WorkerExit, WorkerLost};

/// What a dead worker leaves behind.
pub(crate) struct Remains {
    /// Jobs that had not begun, in order.
    pub(crate) unharmed: Vec<Job>,
    /// The job that was running, at most.
    pub(crate) lost: Vec<(HeldJob, Loss)>,
    /// The first job, if none was running: it may have to do with the death.
    pub(crate) first_was_waiting: Option<HeldJob>,
    /// Whether it looks as if it had.
    pub(crate) suspicious: bool,
}

/// Why a job is lost with its worker.
pub(crate) enum Loss {
    /// The worker was killed for it, and this is what its owner is told.
    Stopped(TaskError),
    /// The worker died over it.
    Death(WorkerLost),
}

impl Flight {
    /// Sorts what a worker had that is dead, or is given up because it could not be
    /// `ended`. Everything it sent has been collected.
    pub(crate) fn bury(&self, exit: WorkerExit, ended: bool) -> Remains {
        let mut remains = Remains {
            unharmed: Vec::new(),
            lost: Vec::new(),
            first_was_waiting: None,
            suspicious: false,
        };
        let mut table = self.table();
        table.closed = true;
        table.feed = None;
        while let Some(seq) = table.front() {
            let since = table.at_first.since;
            let fate = table.fate_of(seq);
            let Some(job) = table.release_first() else {
                continue;
            };
            // A job that was stopped is over, whatever its slot says by now.
            if fate.is_none() && self.board.slot(seq).take_back(seq) {
                let first = remains.lost.is_empty() && remains.unharmed.is_empty();
                if first && remains.first_was_waiting.is_none() {
                    remains.first_was_waiting = Some(job);
                    continue;
                }
                remains.unharmed.extend(job.release());
            } else {
                let loss = match fate {
                    Some(fate) => Loss::Stopped(sentence(fate, table.pid, ended)),
                    None => {
                        let lost = WorkerLost::new(table.pid, exit, true);
                        Loss::Death(match since {
                            Some(since) => lost.with_run_time(since.elapsed()),
                            None => lost,
                        })
                    }
                };
                remains.lost.push((job, loss));
            }
        }
        self.publish(&table);
        remains
    }
}
