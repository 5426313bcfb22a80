//! Giving jobs to the worker, so that nothing ever waits for a worker that is
//! itself waiting.
//!
//! Through shared memory, what finds no room is fed as the worker makes some. By
//! message, no more is sent ahead than a socket holds; a larger job is packed,
//! and kept back until it is the only one.

use super::{Down, Supervisor};
use crate::config::{PREFETCH_BYTES, SEND_STEP};
use crate::flight::{Packed, Turn};
use crate::image;
use crate::transport::{Sent, Transport};
use executor_core::{Job, TaskError};

impl Supervisor<'_> {
    /// Gives more to a worker that is busy.
    pub(super) fn top_up(&mut self) -> Result<(), Down> {
        let room = self.room();
        let full = room == 0 || self.outbox.is_full(self.flight.load().1);
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

    /// Packs what is in hand and sends it, as far as that cannot block. What is
    /// left in hand goes back to the queue.
    pub(super) fn send(&mut self) -> Result<(), Down> {
        let idle = self.flight.is_empty();
        let mut last = 0;
        while let Some(job) = self.hand.pop_front() {
            last = self.outbox.len();
            if !self.pack(job) {
                break;
            }
        }
        self.flight.release();
        if !self.hand.is_empty() {
            self.dispatch.put_back(self.hand.drain(..).collect());
        }
        // A shutdown that began while they were in hand did not see them.
        self.dispatch.cancel_if_ending(&self.flight);
        match self.dispatch.config.transport {
            Transport::SharedMemory => self.feed(),
            Transport::Messages => self.send_message(idle, last),
        }
    }

    /// Packs a job, or fails it if it cannot be. False if there is no more room.
    fn pack(&mut self, job: Job) -> bool {
        if !job.is_queued() {
            return true;
        }
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
        match self.flight.pack(job, offset, &mut self.outbox) {
            Packed::Done { full } => {
                self.rounds.given += 1;
                !full
            }
            Packed::Full(job) => {
                self.hand.push_front(job);
                false
            }
        }
    }

    /// Feeds what there was no room for.
    pub(super) fn feed(&mut self) -> Result<(), Down> {
        Ok(self.flight.feed(&mut self.outbox)?)
    }

    // ----- by message -----

    /// Sends the message: a worker that has nothing reads whatever comes, a busy
    /// one only so much, and the last job is kept back if it is more.
    fn send_message(&mut self, idle: bool, last: usize) -> Result<(), Down> {
        if !idle && self.outbox.len() > PREFETCH_BYTES {
            let seq = self.flight.last();
            let message = self.outbox.split_off(last);
            self.kept = seq.map(|seq| (seq, message));
        }
        if self.outbox.len() > 0 {
            let message = self.outbox.take();
            self.write(&message)?;
            self.outbox.give_back(message);
        }
        // What was kept may be all there is by now.
        self.send_kept()
    }

    /// Sends what was kept back, if its turn has come.
    pub(super) fn send_kept(&mut self) -> Result<(), Down> {
        let Some((seq, message)) = self.kept.take() else {
            return Ok(());
        };
        match self.flight.turn(seq) {
            Turn::NotYet => {
                self.kept = Some((seq, message));
                Ok(())
            }
            Turn::Now => self.write(&message),
            Turn::Gone => Ok(()),
        }
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
}
