//! Sending jobs to the worker, so that no send ever waits for a worker that is
//! itself waiting to send.

use super::{Down, Supervisor};
use crate::config::{PREFETCH_BYTES, SEND_STEP};
use crate::flight::{Packed, Turn};
use crate::image;
use crate::transport::Sent;
use executor_core::{Job, TaskError};

impl Supervisor<'_> {
    /// Sends what was kept back, if its turn has come.
    pub(super) fn send_kept(&mut self) -> Result<(), Down> {
        let Some((ticket, message)) = self.kept.take() else {
            return Ok(());
        };
        match self.flight.turn(ticket) {
            Turn::NotYet => {
                self.kept = Some((ticket, message));
                Ok(())
            }
            Turn::Now => self.write(&message),
            Turn::Gone => Ok(()),
        }
    }

    /// Sends more to a worker that is busy.
    pub(super) fn top_up(&mut self) -> Result<(), Down> {
        let room = self.room();
        let full = room == 0 || self.flight.load().1 >= PREFETCH_BYTES;
        if self.flight.is_empty() || self.kept.is_some() || full {
            return Ok(());
        }
        if self.is_worn_out() {
            return Ok(());
        }
        let more = self.dispatch.more(room);
        if more.is_empty() {
            return Ok(());
        }
        self.hand.extend(more);
        self.send()?;
        if self.flight.waiting() > 0 {
            self.dispatch.nudge();
        }
        Ok(())
    }

    /// Packs what is in hand and sends it, as far as that cannot block: a worker
    /// that has nothing reads whatever comes, a busy one only so much. What is
    /// left in hand goes back to the queue.
    pub(super) fn send(&mut self) -> Result<(), Down> {
        let idle = self.flight.is_empty();
        let mut last = 0;
        while let Some(job) = self.hand.pop_front() {
            last = self.message.len();
            if !self.pack(job) || self.flight.load().1 >= PREFETCH_BYTES {
                break;
            }
        }
        if !self.hand.is_empty() {
            self.dispatch.put_back(self.hand.drain(..).collect());
        }
        // A shutdown that began while they were in hand did not see them.
        self.dispatch.cancel_if_ending(&self.flight);
        if !idle && self.message.len() > PREFETCH_BYTES {
            let ticket = self.flight.last();
            let message = self.message.split_off(last);
            self.kept = ticket.map(|ticket| (ticket, message));
        }
        if !self.message.is_empty() {
            let mut message = std::mem::take(&mut self.message);
            self.write(&message)?;
            message.clear();
            message.shrink_to(4 * PREFETCH_BYTES);
            self.message = message;
        }
        // What was kept may be all there is by now.
        self.send_kept()
    }

    /// Sends a message. A large one blocks until the worker has read it.
    fn write(&self, message: &[u8]) -> Result<(), Down> {
        let ends = &self.worker.ends;
        let sent = self.sending.watch(|| ends.send(message));
        if sent.map_err(Down::Channel)? == Sent::Announced {
            for step in message.chunks(SEND_STEP) {
                let written = self.sending.watch(|| self.worker.wire.send(step));
                written.map_err(Down::Channel)?;
            }
        }
        Ok(())
    }

    /// Packs a job, or fails it if it cannot be. False if there is no room.
    fn pack(&mut self, job: Job) -> bool {
        let Some(entry) = job.entry() else {
            job.fail(TaskError::encode(
                "a closure that captures",
                "it cannot leave its process",
            ));
            return true;
        };
        let Some(offset) = image::offset_of(entry) else {
            let function = job.function();
            job.fail(TaskError::encode(
                format!("function `{function}`"),
                "it is not part of the program itself but of a dynamic library, where a worker \
                 could not find it",
            ));
            return true;
        };
        match self.flight.pack(job, offset, &mut self.message) {
            Packed::Done => {
                self.rounds.given += 1;
                true
            }
            Packed::Full(job) => {
                self.hand.push_front(job);
                false
            }
        }
    }
}
