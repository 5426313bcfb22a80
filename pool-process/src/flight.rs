//! The jobs that are with one worker, in the order in which it takes them.
//!
//! The supervisor adds jobs and collects results; owners of tasks cancel; time
//! limits pass; other supervisors take back what has not begun. All of them meet
//! in this table, under its lock, and on the worker's [`Board`], which alone
//! says whether a job has begun. No user code runs under the lock.
//!
//! A worker takes its jobs in order, so the first in the table is the one that
//! runs, and its time limit counts from the moment it became the first.

mod packing;
mod stopping;
mod table;

pub(crate) use self::packing::{Packed, Turn};

use self::stopping::sentence;
use self::table::{Held, Table};
use crate::process::Process;
use crate::reply;
use crate::transport::{Board, Sight, kind};
use executor_core::{HeldJob, Job, TaskError, WorkerExit, WorkerLost};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

#[derive(Debug)]
pub(crate) struct Flight {
    board: Arc<Board>,
    process: Arc<Process>,
    table: Mutex<Table>,
    myself: Weak<Self>,
}

/// A job and its result.
pub(crate) struct Harvest {
    pub(crate) job: HeldJob,
    pub(crate) kind: u32,
    pub(crate) bytes: Vec<u8>,
    overruled: Option<TaskError>,
}

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

/// The worker did something that our protocol has no place for.
#[derive(Debug)]
pub(crate) struct Violation(pub(crate) &'static str);

impl Flight {
    pub(crate) fn new(board: Arc<Board>, process: Arc<Process>) -> Arc<Self> {
        Arc::new_cyclic(|myself| Self {
            board,
            table: Mutex::new(Table::new(process.pid())),
            process,
            myself: myself.clone(),
        })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many jobs can be added, and how many bytes may be unread.
    pub(crate) fn load(&self) -> (usize, usize) {
        let table = self.table();
        (table.free.len(), table.bytes)
    }

    /// True if nothing is with the worker.
    pub(crate) fn is_empty(&self) -> bool {
        self.table().order.is_empty()
    }

    /// Collects what the board shows to be finished, in order, and adds it to
    /// `found`: what comes before a violation is as good as any.
    pub(crate) fn harvest(&self, found: &mut Vec<Harvest>) -> Result<(), Violation> {
        let mut table = self.table();
        while let Some(&slot) = table.order.front() {
            let Some(entry) = table.entries[slot].as_ref() else {
                return Err(Violation("a slot in use is empty"));
            };
            let is_ours = matches!(entry.held, Held::Job(_));
            match self.board.look(slot, entry.seq) {
                Sight::Done => {
                    let mut bytes = Vec::new();
                    match self.board.read(slot, &mut bytes) {
                        None => return Err(Violation("a result is longer than its slot")),
                        // Its message is on the way.
                        Some(kind::SENT) => break,
                        Some(kind) => found.extend(table.finish(slot, kind, bytes)?),
                    }
                }
                Sight::Acked => table.settle_taken_back(slot)?,
                Sight::Nonsense => return Err(Violation("a slot has no valid state")),
                Sight::Condemned if entry.fate.is_none() => {
                    return Err(Violation("it says that it is condemned"));
                }
                Sight::Queued | Sight::Running if !is_ours => {
                    return Err(Violation("it begins a job that was taken back"));
                }
                Sight::Queued | Sight::Running | Sight::Taken | Sight::Condemned => break,
            }
            self.watch_first(&mut table);
        }
        Ok(())
    }

    /// Takes the job out whose result came as a message.
    pub(crate) fn deliver(
        &self,
        slot: usize,
        seq: u64,
        kind: u32,
        bytes: Vec<u8>,
    ) -> Result<Option<Harvest>, Violation> {
        let mut table = self.table();
        match table.entries.get(slot) {
            Some(Some(entry)) if entry.seq == seq => {}
            _ => return Err(Violation("a result for a job that it does not have")),
        }
        if table.order.front() != Some(&slot) {
            return Err(Violation("a result out of turn"));
        }
        match self.board.look(slot, seq) {
            Sight::Running | Sight::Done => {}
            // It is being killed for this job, and begins nothing after it as
            // long as the slot keeps saying so. The result comes too late.
            Sight::Condemned => return Ok(None),
            _ => return Err(Violation("a result for a job that has not begun")),
        }
        let harvest = table.finish(slot, kind, bytes)?;
        self.watch_first(&mut table);
        Ok(harvest)
    }

    /// Takes back up to `most` jobs that have not begun, the last first, to be
    /// run elsewhere; in their former order. Leaves the first alone: it begins
    /// at any moment.
    pub(crate) fn take_back(&self, most: usize) -> Vec<Job> {
        let mut taken = Vec::new();
        let mut table = self.table();
        for place in (1..table.order.len()).rev() {
            if taken.len() == most {
                break;
            }
            let slot = table.order[place];
            // Queued again before the lock is given up: who asks this table to
            // cancel it either finds it here or finds it in the queue.
            taken.extend(
                self.take_slot_back(&mut table, slot)
                    .and_then(HeldJob::release),
            );
        }
        taken.reverse();
        taken
    }

    /// True if it is the worker's turn to do something about the first job: to
    /// take notice of it, or to send the result that it says it has sent.
    pub(crate) fn first_waits(&self) -> bool {
        let table = self.table();
        let first = table.order.front().and_then(|&slot| {
            let entry = table.entries[slot].as_ref()?;
            Some(self.board.look(slot, entry.seq))
        });
        matches!(first, Some(Sight::Queued | Sight::Taken | Sight::Done))
    }

    /// How many jobs wait behind the one that the worker is at.
    pub(crate) fn waiting(&self) -> usize {
        let table = self.table();
        let waits = |slot: &&usize| {
            let entry = table.entries[**slot].as_ref();
            entry.is_some_and(|entry| {
                matches!(entry.held, Held::Job(_))
                    && self.board.look(**slot, entry.seq) == Sight::Queued
            })
        };
        table.order.iter().skip(1).filter(waits).count()
    }

    /// Takes all jobs back that have not begun; the last first, so that none runs
    /// while one before it is taken back.
    pub(crate) fn take_back_all(&self) -> Vec<HeldJob> {
        let mut table = self.table();
        let order: Vec<_> = table.order.iter().rev().copied().collect();
        let take = |slot| self.take_slot_back(&mut table, slot);
        order.into_iter().filter_map(take).collect()
    }

    fn take_slot_back(&self, table: &mut Table, slot: usize) -> Option<HeldJob> {
        let entry = table.entries[slot].as_mut()?;
        if !matches!(entry.held, Held::Job(_)) || !self.board.take_back(slot, entry.seq) {
            return None;
        }
        entry.limit = None;
        match std::mem::replace(&mut entry.held, Held::TakenBack) {
            Held::Job(job) => Some(job),
            _ => None,
        }
    }

    /// Sorts what a dead worker had. Everything it sent has been collected.
    pub(crate) fn bury(&self, exit: WorkerExit) -> Remains {
        let mut remains = Remains {
            unharmed: Vec::new(),
            lost: Vec::new(),
            first_was_waiting: None,
            suspicious: false,
        };
        let mut table = self.table();
        while let Some(slot) = table.order.pop_front() {
            let Some(entry) = table.release(slot) else {
                continue;
            };
            let Held::Job(job) = entry.held else { continue };
            if self.board.take_back(slot, entry.seq) {
                let first = remains.lost.is_empty() && remains.unharmed.is_empty();
                if first && remains.first_was_waiting.is_none() {
                    remains.first_was_waiting = Some(job);
                    continue;
                }
                remains.unharmed.extend(job.release());
            } else {
                let loss = match entry.fate {
                    Some(fate) => Loss::Stopped(sentence(fate, table.pid)),
                    None => {
                        let lost = WorkerLost::new(table.pid, exit, true);
                        Loss::Death(match entry.since {
                            Some(since) => lost.with_run_time(since.elapsed()),
                            None => lost,
                        })
                    }
                };
                remains.lost.push((job, loss));
            }
        }
        remains
    }
}

impl Harvest {
    /// Resolves the job. Decodes, and calls callbacks: under no lock.
    pub(crate) fn resolve(self) {
        match self.overruled {
            Some(error) => self.job.fail(error),
            None => reply::resolve(self.job, self.kind, &self.bytes),
        }
    }
}
