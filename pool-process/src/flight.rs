//! The jobs that are with one worker, in the order in which it takes them.
//!
//! The supervisor adds jobs and collects results; owners of tasks cancel; time
//! limits pass; other supervisors take back what has not begun. All of them meet
//! in this table, under its lock, and on the worker's [`Board`], which alone
//! says whether a job has begun. No user code runs under the lock.
//!
//! A worker takes its jobs in order, so the first in the table is the one that
//! runs, and its time limit counts from the moment it became the first.

use crate::process::Process;
use crate::reply;
use crate::transport::{Board, SLOTS, Sight, begin_parcel, end_parcel, kind};
use executor_core::timer::{self, Timer};
use executor_core::{CancelOutcome, Control, HeldJob, Job, TaskError, WorkerExit, WorkerLost};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Flight {
    board: Arc<Board>,
    process: Arc<Process>,
    table: Mutex<Table>,
    myself: Weak<Self>,
}

#[derive(Debug)]
struct Table {
    entries: [Option<Entry>; SLOTS],
    order: VecDeque<usize>,
    free: Vec<usize>,
    next_seq: u64,
    /// Bytes of arguments that the worker may not have read.
    bytes: usize,
    /// The worker's, for errors.
    pid: u32,
}

#[derive(Debug)]
struct Entry {
    seq: u64,
    bytes: usize,
    held: Held,
    /// Why the worker is being killed for this job.
    fate: Option<Fate>,
    limit: Option<Timer>,
}

#[derive(Debug)]
enum Held {
    /// Its argument is being encoded. The flag: it was cancelled meanwhile.
    Packing {
        cancelled: bool,
    },
    Job(HeldJob),
    /// Taken back; the worker has yet to see that.
    TakenBack,
}

/// Why a running job was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Cancelled,
    TimedOut(Duration),
}

/// What became of a job that was to be packed.
pub(crate) enum Packed {
    /// It is in the message and on the board, or it was cancelled or failed.
    Done,
    /// No room: the job comes back.
    Full(Job),
}

/// Whether a job whose message was kept back is to be sent now.
pub(crate) enum Turn {
    /// Others come before it.
    NotYet,
    Now,
    /// It was taken back meanwhile, and is forgotten.
    Gone,
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
    /// The job that was running, at most, and its error.
    pub(crate) lost: Vec<(HeldJob, TaskError)>,
}

/// The worker did something that our protocol has no place for.
#[derive(Debug)]
pub(crate) struct Violation(pub(crate) &'static str);

impl Flight {
    pub(crate) fn new(board: Arc<Board>, process: Arc<Process>) -> Arc<Self> {
        Arc::new_cyclic(|myself| Self {
            board,
            table: Mutex::new(Table {
                entries: std::array::from_fn(|_| None),
                order: VecDeque::with_capacity(SLOTS),
                free: (0..SLOTS).rev().collect(),
                next_seq: 1,
                bytes: 0,
                pid: process.pid(),
            }),
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

    /// The ticket of the job that was packed last.
    pub(crate) fn last(&self) -> Option<u64> {
        let table = self.table();
        let slot = *table.order.back()?;
        Some(ticket(slot, table.entries[slot].as_ref()?.seq))
    }

    /// Whether it is the turn of a job that was packed and not sent.
    pub(crate) fn turn(&self, ticket: u64) -> Turn {
        let (slot, seq) = split(ticket);
        let mut table = self.table();
        if table.order.front() != Some(&slot) {
            return Turn::NotYet;
        }
        match table.entry(slot, seq) {
            Some(entry) if matches!(entry.held, Held::Job(_)) => Turn::Now,
            _ => {
                // The worker never heard of it and will not acknowledge it.
                table.order.pop_front();
                table.release(slot);
                self.watch_first(&mut table);
                Turn::Gone
            }
        }
    }

    /// Encodes a job into `message` and takes it into the table.
    ///
    /// Called by the supervisor alone, which then sends the message.
    pub(crate) fn pack(&self, job: Job, offset: i64, message: &mut Vec<u8>) -> Packed {
        let (slot, seq) = {
            let mut table = self.table();
            let Some(slot) = table.free.pop() else {
                return Packed::Full(job);
            };
            let seq = table.next_seq;
            table.next_seq += 1;
            table.entries[slot] = Some(Entry {
                seq,
                bytes: 0,
                held: Held::Packing { cancelled: false },
                fate: None,
                limit: None,
            });
            (slot, seq)
        };
        let Some(myself) = self.myself.upgrade() else {
            return Packed::Full(job);
        };
        // From here on `cancel` is called with this ticket.
        let Some(mut job) = job.hold(myself, ticket(slot, seq)) else {
            self.table().release(slot);
            return Packed::Done;
        };
        let start = begin_parcel(message, slot, seq, offset);
        let encoded = job.encode_argument(message);
        end_parcel(message, start);

        let mut guard = self.table();
        let table = &mut *guard;
        // Nobody else removes an entry that is being packed.
        let entry = table.entries[slot].as_mut();
        let cancelled = entry
            .as_ref()
            .is_some_and(|entry| matches!(entry.held, Held::Packing { cancelled: true }));
        let refused = match encoded {
            Ok(()) if !cancelled => None,
            Ok(()) => Some(TaskError::cancelled("before it started")),
            Err(error) => Some(error),
        };
        if let Some(error) = refused {
            message.truncate(start);
            table.release(slot);
            drop(guard);
            job.fail(error);
            return Packed::Done;
        }
        let bytes = message.len() - start;
        if let Some(entry) = entry {
            entry.bytes = bytes;
            entry.held = Held::Job(job);
        }
        table.bytes += bytes;
        self.board.post(slot, seq);
        table.order.push_back(slot);
        self.watch_first(table);
        Packed::Done
    }

    /// Collects what the board shows to be finished, in order.
    pub(crate) fn harvest(&self) -> Result<Vec<Harvest>, Violation> {
        let mut found = Vec::new();
        let mut table = self.table();
        while let Some(&slot) = table.order.front() {
            let Some(seq) = table.entries[slot].as_ref().map(|entry| entry.seq) else {
                return Err(Violation("a slot in use is empty"));
            };
            match self.board.look(slot, seq) {
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
                Sight::Queued | Sight::Running | Sight::Taken | Sight::Condemned => break,
            }
            self.watch_first(&mut table);
        }
        Ok(found)
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
        if !matches!(
            self.board.look(slot, seq),
            Sight::Running | Sight::Done | Sight::Condemned
        ) {
            return Err(Violation("a result for a job that has not begun"));
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
            taken.extend(self.withdraw(&mut table, slot));
        }
        drop(table);
        taken
            .into_iter()
            .rev()
            .filter_map(HeldJob::release)
            .collect()
    }

    /// How many jobs the worker has that are not the one it is at.
    pub(crate) fn waiting(&self) -> usize {
        self.table().order.len().saturating_sub(1)
    }

    /// Takes all jobs back that have not begun.
    pub(crate) fn take_back_all(&self) -> Vec<HeldJob> {
        let mut table = self.table();
        let order: Vec<_> = table.order.iter().copied().collect();
        let withdraw = |slot| self.withdraw(&mut table, slot);
        order.into_iter().filter_map(withdraw).collect()
    }

    fn withdraw(&self, table: &mut Table, slot: usize) -> Option<HeldJob> {
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
        };
        let mut unharmed = Vec::new();
        let mut table = self.table();
        while let Some(slot) = table.order.pop_front() {
            let Some(entry) = table.release(slot) else {
                continue;
            };
            let Held::Job(job) = entry.held else { continue };
            if self.board.take_back(slot, entry.seq) {
                unharmed.push(job);
            } else {
                let lost = WorkerLost::new(self.process.pid(), exit, true);
                let error = match entry.fate {
                    Some(fate) => sentence(fate, table.pid),
                    None => TaskError::worker_lost(lost),
                };
                remains.lost.push((job, error));
            }
        }
        drop(table);
        remains.unharmed = unharmed.into_iter().filter_map(HeldJob::release).collect();
        remains
    }

    /// Starts the time limit of the first job, if it has one that does not run
    /// yet.
    fn watch_first(&self, table: &mut Table) {
        let Some(&slot) = table.order.front() else {
            return;
        };
        let Some(entry) = table.entries[slot].as_mut() else {
            return;
        };
        if let Held::Job(job) = &entry.held
            && entry.limit.is_none()
            && let Some(limit) = job.timeout()
        {
            let ticket = ticket(slot, entry.seq);
            entry.limit = Some(self.after(limit, ticket, limit, false));
        }
    }

    fn after(&self, delay: Duration, ticket: u64, limit: Duration, late: bool) -> Timer {
        let myself = self.myself.clone();
        timer::after(delay, move || {
            if let Some(flight) = myself.upgrade() {
                flight.expire(ticket, limit, late);
            }
        })
    }

    /// The limit of a job has passed since it became the first.
    fn expire(&self, ticket: u64, limit: Duration, late: bool) {
        let (slot, seq) = split(ticket);
        let mut table = self.table();
        let Some(entry) = table.entry(slot, seq) else {
            return;
        };
        let begun = self.board.look(slot, seq) != Sight::Queued;
        if !begun && !late {
            // The worker was slow to begin; its time starts now. A worker that
            // does not begin in a second more never will.
            let grace = limit.max(Duration::from_secs(1));
            entry.limit = Some(self.after(grace, ticket, limit, true));
            return;
        }
        if (begun && !self.board.condemn(slot, seq)) || entry.fate.is_some() {
            // It has just ended, or is being killed already.
            return;
        }
        entry.fate = Some(Fate::TimedOut(limit));
        drop(table);
        self.process.kill();
    }
}

impl Control for Flight {
    fn cancel(&self, ticket: u64) -> CancelOutcome {
        let (slot, seq) = split(ticket);
        let mut table = self.table();
        let Some(entry) = table.entry(slot, seq) else {
            return CancelOutcome::TooLate;
        };
        if let Held::Packing { cancelled } = &mut entry.held {
            *cancelled = true;
            return CancelOutcome::Requested;
        }
        match entry.fate {
            Some(Fate::Cancelled) => return CancelOutcome::Killed,
            Some(Fate::TimedOut(_)) => return CancelOutcome::TooLate,
            None => {}
        }
        if let Some(job) = self.withdraw(&mut table, slot) {
            drop(table);
            job.fail(TaskError::cancelled("before it started"));
            return CancelOutcome::BeforeStart;
        }
        if !self.board.condemn(slot, seq) {
            return CancelOutcome::TooLate;
        }
        if let Some(entry) = table.entry(slot, seq) {
            entry.fate = Some(Fate::Cancelled);
        }
        drop(table);
        self.process.kill();
        CancelOutcome::Killed
    }

    fn is_running(&self, ticket: u64) -> bool {
        let (slot, seq) = split(ticket);
        !matches!(
            self.board.look(slot, seq),
            Sight::Queued | Sight::Nonsense | Sight::Taken
        )
    }
}

impl Table {
    fn entry(&mut self, slot: usize, seq: u64) -> Option<&mut Entry> {
        let entry = self.entries.get_mut(slot)?.as_mut()?;
        (entry.seq == seq).then_some(entry)
    }

    /// Frees a slot.
    fn release(&mut self, slot: usize) -> Option<Entry> {
        let entry = self.entries[slot].take()?;
        self.bytes -= entry.bytes;
        self.free.push(slot);
        Some(entry)
    }

    /// The first job is finished.
    fn finish(
        &mut self,
        slot: usize,
        kind: u32,
        bytes: Vec<u8>,
    ) -> Result<Option<Harvest>, Violation> {
        self.order.pop_front();
        match self.release(slot) {
            Some(Entry {
                held: Held::Job(job),
                fate,
                ..
            }) => Ok(Some(Harvest {
                job,
                kind,
                bytes,
                // The owner was told that it is being stopped: that stays true.
                overruled: fate.map(|fate| sentence(fate, self.pid)),
            })),
            _ => Err(Violation("a result for a job that was taken back")),
        }
    }

    fn settle_taken_back(&mut self, slot: usize) -> Result<(), Violation> {
        self.order.pop_front();
        match self.release(slot) {
            Some(Entry {
                held: Held::TakenBack,
                ..
            }) => Ok(()),
            _ => Err(Violation("it gave back a job that nobody asked for")),
        }
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

fn sentence(fate: Fate, pid: u32) -> TaskError {
    match fate {
        Fate::Cancelled => TaskError::cancelled(format!(
            "while it ran; its worker, process {pid}, was killed"
        )),
        Fate::TimedOut(limit) => {
            TaskError::timed_out(limit, format!("its worker, process {pid}, was killed"))
        }
    }
}

fn ticket(slot: usize, seq: u64) -> u64 {
    seq * SLOTS as u64 + slot as u64
}

fn split(ticket: u64) -> (usize, u64) {
    let slots = SLOTS as u64;
    ((ticket % slots) as usize, ticket / slots)
}
