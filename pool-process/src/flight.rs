//! The jobs that are with one worker, in the order in which it takes them.
//!
//! Supervisors post jobs and collect results; owners of tasks cancel; time limits pass;
//! what has not begun is taken back for an idle worker. All of them meet in this table,
//! under its lock, and on the worker's [`Board`], which alone says whether a job has
//! begun. No user code runs under the lock.
//!
//! A worker takes its jobs in order, so the first in the table is the one that
//! runs, and its time limit counts from the moment it became the first.

mod looking;
mod parting;
mod posting;
mod remains;
mod stopping;
mod table;

pub(crate) use self::looking::Home;
pub(crate) use self::remains::{Loss, Remains};

use self::table::{AtFirst, Table};
use crate::process::Process;
use crate::tally::Tally;
use crate::transport::{Board, Sight, Transport, kind, place};
use crate::unresolved::{Found, Harvest, Payload};
use executor_core::{HeldJob, Job};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

#[derive(Debug)]
pub(crate) struct Flight {
    board: Arc<Board>,
    process: Arc<Process>,
    table: Mutex<Table>,
    /// The number of the first job, or zero: for whoever looks for news.
    front: AtomicU64,
    /// Whether jobs wait behind the first: for the same.
    behind: AtomicBool,
    /// Whether an argument is being written to the pipe.
    feeding: AtomicBool,
    tally: Arc<Tally>,
    way: Transport,
    /// The longest result.
    longest: u64,
    myself: Weak<Self>,
    /// Set when the worker begins to serve.
    home: OnceLock<Home>,
}

/// The worker did something that our protocol has no place for.
#[derive(Debug)]
pub(crate) struct Violation(pub(crate) &'static str);

impl Flight {
    pub(crate) fn new(
        board: Arc<Board>,
        process: Arc<Process>,
        tally: Arc<Tally>,
        way: Transport,
        longest: u64,
    ) -> Arc<Self> {
        Arc::new_cyclic(|myself| Self {
            board,
            table: Mutex::new(Table::new(process.pid())),
            front: AtomicU64::new(0),
            behind: AtomicBool::new(false),
            feeding: AtomicBool::new(false),
            process,
            tally,
            way,
            longest,
            myself: myself.clone(),
            home: OnceLock::new(),
        })
    }

    /// The worker serves: who waits for its jobs can look for their results.
    pub(crate) fn serve(&self, home: Home) {
        let _ = self.home.set(home);
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes known what is looked at without the lock.
    fn publish(&self, table: &Table) {
        self.front
            .store(table.front().unwrap_or(0), Ordering::Release);
        self.behind.store(table.jobs() > 1, Ordering::Release);
        self.feeding.store(table.feed.is_some(), Ordering::Release);
    }

    /// How many jobs can be added: none while much of the others' arguments is to be read.
    pub(crate) fn room(&self) -> usize {
        let table = self.table();
        match self.is_full(table.feed.is_some(), table.bytes) {
            true => 0,
            false => table.room(),
        }
    }

    /// How many jobs are with the worker, those included that it has yet to see were
    /// taken back.
    pub(crate) fn len(&self) -> usize {
        self.table().len()
    }

    /// How many jobs are with the worker, and were not taken back.
    pub(crate) fn jobs(&self) -> usize {
        self.table().jobs()
    }

    /// Whether jobs wait behind the first.
    pub(crate) fn is_anything_behind(&self) -> bool {
        self.behind.load(Ordering::Acquire)
    }

    /// Gives memory back that large payloads have used, if nothing is with the worker.
    pub(crate) fn shrink(&self) {
        // Nobody posts meanwhile.
        let table = self.table();
        if table.is_empty() {
            self.board.shrink();
        }
    }

    /// No job is posted any more.
    pub(crate) fn close(&self) {
        self.table().closed = true;
    }

    /// The same, if nothing is with the worker.
    pub(crate) fn close_if_empty(&self) -> bool {
        let mut table = self.table();
        table.closed |= table.is_empty();
        table.is_empty()
    }

    /// True if nothing is with the worker.
    pub(crate) fn is_empty(&self) -> bool {
        self.first_published().is_none()
    }

    /// The number of the first job, as it was a moment ago.
    pub(crate) fn first_published(&self) -> Option<u64> {
        let first = self.front.load(Ordering::Acquire);
        (first != 0).then_some(first)
    }

    /// Whether an argument is being written to the pipe.
    pub(crate) fn is_feeding(&self) -> bool {
        self.feeding.load(Ordering::Acquire)
    }

    /// Whether there is anything to be collected, or room for what is being fed.
    pub(crate) fn has_news(&self) -> bool {
        self.first_published().is_some_and(|first| {
            self.board.is_news(first) || self.is_feeding() && self.board.takes_more()
        })
    }

    /// Whether a large payload is on its way: its pieces come one after the other.
    pub(crate) fn is_amid(&self) -> bool {
        let first = self.first_published();
        first.is_some_and(|first| self.is_feeding() || self.board.is_sending(first))
    }

    /// The number of the first job.
    fn first(&self) -> Option<u64> {
        self.table().front()
    }

    /// Collects what the board shows to be finished, in order, and adds it to
    /// `found`: what comes before a violation is as good as any. Stops at a job of which
    /// parts may stand in the wire, and gives its number: see `parting`.
    pub(crate) fn harvest(&self, found: &mut Found) -> Result<Option<u64>, Violation> {
        let mut table = self.table();
        let harvested = self.harvest_all(&mut table, found);
        self.watch_first(&mut table);
        self.publish(&table);
        harvested
    }

    fn harvest_all(&self, table: &mut Table, found: &mut Found) -> Result<Option<u64>, Violation> {
        while let Some(seq) = table.front() {
            let slot = self.board.slot(seq);
            match slot.look(seq) {
                Sight::Done if self.lacks_parts(table, seq) => return Ok(Some(seq)),
                Sight::Done => match slot.result() {
                    outcome if !outcome.piped && outcome.kind != kind::SENT => {
                        let small = found.copy(slot, outcome.len);
                        let small = small.ok_or(Violation("a result is longer than its slot"))?;
                        let (job, overruled) = table.finish()?;
                        found.add_small(job, outcome.kind, small, overruled);
                    }
                    _ => match self.result(seq, &mut table.at_first)? {
                        Some((kind, bytes)) => self.finish(table, kind, bytes, found)?,
                        None => break,
                    },
                },
                Sight::Acked => table.settle_taken_back()?,
                Sight::Nonsense => return Err(Violation("a slot has no valid state")),
                Sight::Condemned if table.fate_of(seq).is_none() => {
                    return Err(Violation("it says that it is condemned"));
                }
                Sight::Queued | Sight::Running if table.job(seq).is_none() => {
                    return Err(Violation("it begins a job that was taken back"));
                }
                Sight::Running => {
                    self.drain(seq, &mut table.at_first)?;
                    break;
                }
                Sight::Queued | Sight::Taken | Sight::Condemned => break,
            }
        }
        Ok(None)
    }

    /// The first job is finished, with a result that came in other ways than its slot.
    fn finish(
        &self,
        table: &mut Table,
        kind: u32,
        bytes: Vec<u8>,
        found: &mut Found,
    ) -> Result<(), Violation> {
        let (job, overruled) = table.finish()?;
        found.add(Harvest {
            job,
            kind,
            bytes: Payload::Large(bytes),
            overruled,
        });
        Ok(())
    }

    /// The result of a job that is done, which does not stand in its slot; `None` if it is
    /// to come by message.
    fn result(
        &self,
        seq: u64,
        at_first: &mut AtFirst,
    ) -> Result<Option<(u32, Vec<u8>)>, Violation> {
        let outcome = self.board.slot(seq).result();
        if outcome.kind == kind::SENT {
            return match self.way {
                Transport::Messages => Ok(None),
                Transport::SharedMemory => Err(Violation("it sends what it is not to send")),
            };
        }
        match self.drain(seq, at_first)? {
            true => Ok(Some((outcome.kind, std::mem::take(&mut at_first.partial)))),
            false => Err(Violation("a result is not all there")),
        }
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
        found: &mut Found,
    ) -> Result<(), Violation> {
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
            Sight::Condemned => return Ok(()),
            _ => return Err(Violation("a result for a job that has not begun")),
        }
        self.finish(&mut table, kind, bytes, found)?;
        self.watch_first(&mut table);
        self.publish(&table);
        Ok(())
    }

    /// Takes back up to `most` jobs that have not begun, the last first, to be
    /// run elsewhere; in their former order. Leaves the first alone: it begins
    /// at any moment.
    pub(crate) fn take_back(&self, most: usize) -> Vec<Job> {
        let mut taken = Vec::new();
        let mut table = self.table();
        for seq in (table.first + 1..table.next).rev() {
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
        drop(table);
        // It may be waiting for an argument.
        self.board.rouse();
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

    /// Takes all jobs back that have not begun; the last first, so that none runs
    /// while one before it is taken back.
    pub(crate) fn take_back_all(&self) -> Vec<HeldJob> {
        let mut table = self.table();
        let all = (table.first..table.next).rev();
        let taken = all.filter_map(|seq| self.take_slot_back(&mut table, seq));
        let taken = taken.collect();
        drop(table);
        self.board.rouse();
        taken
    }

    /// The worker is to be roused afterwards: it may be waiting for the argument.
    fn take_slot_back(&self, table: &mut Table, seq: u64) -> Option<HeldJob> {
        table.job(seq)?;
        if !self.board.slot(seq).take_back(seq) {
            return None;
        }
        let job = table.entry(seq)?.job.take();
        table.taken_back += 1;
        if seq == table.first {
            table.at_first.limit = None;
        }
        job
    }
}
