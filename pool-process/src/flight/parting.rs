//! Parts of results: what the first job has finished while it runs.
//!
//! A worker writes the parts of a job to the wire before it ends the job on the board,
//! where that may be seen first. So a job that is done stays until all its parts have
//! come: as many as the worker had counted by then, or until something comes that was
//! written later. A worker that counts what it has not sent is found out when there is
//! nothing more to be read, and then its results are all there will be.

use super::Flight;
use super::Violation;
use super::stopping::Fate;
use super::table::Table;
use crate::transport::{Head, Sight, kind, place};
use crate::unresolved::{Found, Part};

impl Flight {
    /// True if parts of the first job, which is done, may be on their way.
    pub(super) fn lacks_parts(&self, table: &Table, seq: u64) -> bool {
        seq >= table.parted && self.board.parts() > table.parts
            // It comes after them.
            && self.board.slot(seq).result().kind != kind::SENT
    }

    /// Something came over the wire that was written when this job ran: no part of one
    /// before it comes any more.
    pub(crate) fn is_at(&self, seq: u64) {
        let mut table = self.table();
        if table.entry(seq).is_some() {
            table.parted = table.parted.max(seq);
        }
    }

    /// The wire was read, after the worker was seen to have counted so many: whatever
    /// that was, no part of this job, which was done by then, comes any more.
    pub(crate) fn has_all_parts(&self, seq: u64, counted: u64) {
        let mut table = self.table();
        table.parted = table.parted.max(seq + 1);
        table.parts = table.parts.max(counted);
    }

    /// A part of a result has come.
    pub(crate) fn part(
        &self,
        head: Head,
        bytes: Vec<u8>,
        found: &mut Found,
    ) -> Result<(), Violation> {
        let mut table = self.table();
        table.parts += 1;
        let seq = head.seq;
        if table.entry(seq).is_none() || place(seq) != head.slot as usize {
            return Err(Violation("a part for a job that it does not have"));
        }
        if table.front() != Some(seq) {
            return Err(Violation("a part out of turn"));
        }
        match self.board.slot(seq).look(seq) {
            Sight::Running | Sight::Done => {}
            // What was finished before the worker was killed is as good as any.
            Sight::Condemned if table.fate_of(seq).is_some() => {}
            _ => return Err(Violation("a part for a job that has not begun")),
        }
        // All parts of a result may have what one in a piece may.
        table.at_first.came += bytes.len() as u64;
        if bytes.is_empty() || table.at_first.came > self.longest {
            return Err(Violation(
                "the parts of a result are too small, or too many",
            ));
        }
        let job = table.job(seq);
        let parts = job.and_then(|job| Some((job.id(), job.parts()?)));
        let (job, parts) = parts.ok_or(Violation("a part of what has none"))?;
        found.add_part(Part {
            job,
            parts,
            bytes,
            from: self.myself.upgrade().map(|flight| (flight, seq)),
        });
        Ok(())
    }

    /// A part of this job cannot be read: if the worker is still at it, it is killed.
    pub(crate) fn spoil(&self, seq: u64) {
        let mut table = self.table();
        let is_free = table.front() == Some(seq) && table.fate.is_none();
        if !is_free || !self.board.slot(seq).condemn(seq) {
            return;
        }
        table.fate = Some((seq, Fate::Garbled));
        drop(table);
        self.process
            .kill_for("a part of a result of its cannot be read");
    }
}
