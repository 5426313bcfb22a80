//! The jobs that are with one worker, in the order in which it takes them.
//!
//! The supervisor adds jobs and collects results; owners of tasks cancel; time
//! limits pass; other supervisors take back what has not begun. All of them meet
//! in this table, under its lock, and on the worker's [`Board`], which alone
//! says whether a job has begun. No user code runs under the lock.
//!
//! A worker takes its jobs in order, so the first in the table is the one that
//! runs, and its time limit counts from the moment it became the first.

mod found;
mod packing;
mod stopping;
mod table;

pub(crate) use self::found::{Found, Harvest};
pub(crate) use self::packing::{Packed, Turn};

use self::found::Payload;
use self::stopping::sentence;
use self::table::{AtFirst, Entry, Held, Table};
use crate::process::Process;
use crate::transport::{Board, Sight, Transport, kind, place};
use executor_core::{HeldJob, Job, TaskError, WorkerExit, WorkerLost};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

#[derive(Debug)]
pub(crate) struct Flight {
    board: Arc<Board>,
    process: Arc<Process>,
    table: Mutex<Table>,
    way: Transport,
    /// The longest result.
    longest: u64,
    myself: Weak<Self>,
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
    pub(crate) fn new(
        board: Arc<Board>,
        process: Arc<Process>,
        way: Transport,
        longest: u64,
    ) -> Arc<Self> {
        Arc::new_cyclic(|myself| Self {
            board,
            table: Mutex::new(Table::new(process.pid())),
            process,
            way,
            longest,
            myself: myself.clone(),
        })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many jobs can be added, and how many bytes may be unread.
    pub(crate) fn load(&self) -> (usize, usize) {
        let table = self.table();
        (table.room(), table.bytes)
    }

    /// True if nothing is with the worker.
    pub(crate) fn is_empty(&self) -> bool {
        self.table().is_empty()
    }

    /// The number of the first job.
    pub(crate) fn first(&self) -> Option<u64> {
        self.table().front()
    }

    /// Collects what the board shows to be finished, in order, and adds it to
    /// `found`: what comes before a violation is as good as any.
    pub(crate) fn harvest(&self, found: &mut Found) -> Result<(), Violation> {
        let mut table = self.table();
        while let Some(seq) = table.front() {
            let entry = table.entry(seq);
            let is_ours = entry.is_some_and(|entry| matches!(entry.held, Held::Job(_)));
            match self.board.slot(seq).look(seq) {
                Sight::Done => match self.result(seq, &mut table.at_first, found)? {
                    Some((kind, bytes)) => found.add(table.finish(kind, bytes)?),
                    None => break,
                },
                Sight::Acked => table.settle_taken_back()?,
                Sight::Nonsense => return Err(Violation("a slot has no valid state")),
                Sight::Condemned if table.fate_of(seq).is_none() => {
                    return Err(Violation("it says that it is condemned"));
                }
                Sight::Queued | Sight::Running if !is_ours => {
                    return Err(Violation("it begins a job that was taken back"));
                }
                Sight::Running => {
                    self.drain(seq, &mut table.at_first)?;
                    break;
                }
                Sight::Queued | Sight::Taken | Sight::Condemned => break,
            }
        }
        self.watch_first(&mut table);
        Ok(())
    }

    /// The result of a job that is done; `None` if it is to come by message.
    fn result(
        &self,
        seq: u64,
        at_first: &mut AtFirst,
        found: &mut Found,
    ) -> Result<Option<(u32, Payload)>, Violation> {
        let outcome = self.board.slot(seq).result();
        if outcome.kind == kind::SENT {
            return match self.way {
                Transport::Messages => Ok(None),
                Transport::SharedMemory => Err(Violation("it sends what it is not to send")),
            };
        }
        if self.drain(seq, at_first)? {
            let bytes = Payload::Large(std::mem::take(&mut at_first.partial));
            return Ok(Some((outcome.kind, bytes)));
        }
        if outcome.piped {
            return Err(Violation("a result is not all there"));
        }
        let bytes = found.copy(self.board.slot(seq), outcome.len);
        let bytes = bytes.ok_or(Violation("a result is longer than its slot"))?;
        Ok(Some((outcome.kind, bytes)))
    }

    /// Reads what there is of a result in the pipe. True if that is all of it.
    fn drain(&self, seq: u64, at_first: &mut AtFirst) -> Result<bool, Violation> {
        let outcome = self.board.slot(seq).result();
        if !outcome.piped || self.way == Transport::Messages {
            return Ok(false);
        }
        if outcome.len > self.longest {
            return Err(Violation("it announces more than any result may have"));
        }
        if *at_first.announced.get_or_insert(outcome.len) != outcome.len {
            return Err(Violation("it announces one length and then another"));
        }
        let partial = &mut at_first.partial;
        let Some(left) = outcome.len.checked_sub(partial.len() as u64) else {
            return Err(Violation("it announces less than it has sent"));
        };
        if left == 0 && self.board.holds_too_much(seq) {
            return Err(Violation("it sends more than it has announced"));
        }
        let drained = self.board.drain(left, partial);
        let drained = drained.map_err(|_| Violation("a pipe holds more than it can"))?;
        Ok(drained as u64 == left)
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
        if table.entry(seq).is_none() || place(seq) != slot {
            return Err(Violation("a result for a job that it does not have"));
        }
        if table.front() != Some(seq) {
            return Err(Violation("a result out of turn"));
        }
        match self.board.slot(seq).look(seq) {
            Sight::Running | Sight::Done => {}
            // It is being killed for this job, and begins nothing after it as
            // long as the slot keeps saying so. The result comes too late.
            Sight::Condemned => return Ok(None),
            _ => return Err(Violation("a result for a job that has not begun")),
        }
        let harvest = table.finish(kind, Payload::Large(bytes))?;
        self.watch_first(&mut table);
        Ok(Some(harvest))
    }

    /// Takes back up to `most` jobs that have not begun, the last first, to be
    /// run elsewhere; in their former order. Leaves the first alone: it begins
    /// at any moment.
    pub(crate) fn take_back(&self, most: usize) -> Vec<Job> {
        let mut taken = Vec::new();
        let mut table = self.table();
        for seq in (table.first + 1..table.posted).rev() {
            if taken.len() == most {
                break;
            }
            // Queued again before the lock is given up: who asks this table to
            // cancel it either finds it here or finds it in the queue.
            taken.extend(
                self.take_slot_back(&mut table, seq)
                    .and_then(HeldJob::release),
            );
        }
        taken.reverse();
        taken
    }

    /// True if the worker has begun the first job, or finished it.
    pub(crate) fn first_has_begun(&self) -> bool {
        matches!(self.first_sight(), Some(Sight::Running | Sight::Done))
    }

    /// True if it is the worker's turn to do something about the first job: to
    /// take notice of it, or to send the result that it says it has sent.
    pub(crate) fn first_waits(&self) -> bool {
        matches!(
            self.first_sight(),
            Some(Sight::Queued | Sight::Taken | Sight::Done)
        )
    }

    fn first_sight(&self) -> Option<Sight> {
        self.first().map(|seq| self.board.slot(seq).look(seq))
    }

    /// True if the worker says that it sends the result of the first job.
    pub(crate) fn first_is_sent(&self) -> bool {
        self.first().is_some_and(|seq| self.board.is_sending(seq))
    }

    /// How many jobs wait behind the one that the worker is at.
    pub(crate) fn waiting(&self) -> usize {
        let mut table = self.table();
        let behind = table.first + 1..table.posted;
        let is_ours = |entry: &mut Entry| matches!(entry.held, Held::Job(_));
        let waits = |seq: &u64| {
            table.entry(*seq).is_some_and(is_ours)
                && self.board.slot(*seq).look(*seq) == Sight::Queued
        };
        behind.filter(waits).count()
    }

    /// Takes all jobs back that have not begun; the last first, so that none runs
    /// while one before it is taken back.
    pub(crate) fn take_back_all(&self) -> Vec<HeldJob> {
        let mut table = self.table();
        let all = (table.first..table.posted).rev();
        all.filter_map(|seq| self.take_slot_back(&mut table, seq))
            .collect()
    }

    fn take_slot_back(&self, table: &mut Table, seq: u64) -> Option<HeldJob> {
        let entry = table.entry(seq)?;
        if !matches!(entry.held, Held::Job(_)) || !self.board.slot(seq).take_back(seq) {
            return None;
        }
        // It may be waiting for the argument.
        self.board.rouse();
        let held = std::mem::replace(&mut entry.held, Held::TakenBack);
        if seq == table.first {
            table.at_first.limit = None;
        }
        match held {
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
        while let Some(seq) = table.front() {
            let since = table.at_first.since;
            let fate = table.fate_of(seq);
            let Some(Held::Job(job)) = table.release_first().map(|entry| entry.held) else {
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
                    Some(fate) => Loss::Stopped(sentence(fate, table.pid)),
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
        remains
    }
}
