//! Jobs and results that go by message: [`Transport::Messages`](crate::Transport).
//!
//! Nothing is sent to a worker that it is not free to read: to a busy one no more than
//! a socket holds; a larger job is written down and kept back until it is the only one. Still
//! a send may block, where a worker is stopped or lies about what it has read. So
//! sending has a lock of its own, and whoever sends is watched: see `watched`.

mod watched;

use self::watched::Watched;
use crate::config::{PREFETCH_BYTES, SEND_STEP};
use crate::flight::Flight;
use crate::process::Process;
use crate::signals::Blocked;
use crate::transport::{Ends, Sent, Wire, append_parcel};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

/// The channels of one worker.
#[derive(Debug)]
pub(crate) struct Desk {
    outgoing: Mutex<Outgoing>,
    wire: Mutex<Wire>,
    sending: Arc<Watched>,
}

#[derive(Debug)]
struct Outgoing {
    /// `None` once the worker was dismissed.
    ends: Option<Ends>,
    /// Parcels that were not sent yet.
    message: Vec<u8>,
    /// Where the last one begins, and its number.
    last: Option<(usize, u64)>,
    /// Whether the worker had nothing when the first was added.
    to_idle: bool,
    /// A job, with its number, whose message is too large to be sent
    /// before the worker has finished all others.
    kept: Option<(u64, Vec<u8>)>,
}

/// The right to send, which one thread has at a time.
pub(crate) struct Sending<'a> {
    outgoing: MutexGuard<'a, Outgoing>,
    desk: &'a Desk,
}

impl Desk {
    pub(crate) fn new(ends: Ends, wire: Wire, process: Arc<Process>) -> Self {
        Self {
            outgoing: Mutex::new(Outgoing {
                ends: Some(ends),
                message: Vec::new(),
                last: None,
                to_idle: false,
                kept: None,
            }),
            wire: Mutex::new(wire),
            sending: Watched::new(process),
        }
    }

    pub(crate) fn wire(&self) -> MutexGuard<'_, Wire> {
        self.wire.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The right to send; `None` if somebody else has it at present.
    pub(crate) fn try_send(&self) -> Option<Sending<'_>> {
        let outgoing = match self.outgoing.try_lock() {
            Ok(outgoing) => outgoing,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(Sending {
            outgoing,
            desk: self,
        })
    }

    /// Tells the worker that it is not needed any more.
    pub(crate) fn dismiss(&self) {
        if let Some(mut sending) = self.try_send()
            && let Some(ends) = sending.outgoing.ends.take()
        {
            let _quiet = Blocked::all();
            ends.dismiss();
        }
    }

    /// True if a message has begun to come, and is not all there.
    pub(crate) fn is_amid(&self) -> bool {
        self.wire().is_amid()
    }

    /// How many bytes have come, in all.
    pub(crate) fn received(&self) -> u64 {
        self.wire().received()
    }
}

impl Sending<'_> {
    /// Adds the job with this number to the message.
    pub(crate) fn add(&mut self, flight: &Flight, seq: u64) {
        let outgoing = &mut *self.outgoing;
        if outgoing.message.is_empty() {
            outgoing.to_idle = flight.len() <= 1;
        }
        outgoing.last = Some((outgoing.message.len(), seq));
        flight.show(seq, |offset, limited, argument| {
            append_parcel(&mut outgoing.message, seq, offset, limited, argument);
        });
    }

    /// Whether a job is kept back: nothing is to be added then.
    pub(crate) fn keeps(&self) -> bool {
        self.outgoing.kept.is_some()
    }

    /// Sends what was added, as far as that cannot block for long, and what was kept
    /// back, if its turn has come.
    pub(crate) fn send(&mut self, flight: &Flight) -> io::Result<()> {
        let outgoing = &mut *self.outgoing;
        if !outgoing.to_idle
            && outgoing.message.len() > PREFETCH_BYTES
            && let Some((start, seq)) = outgoing.last
        {
            outgoing.kept = Some((seq, outgoing.message.split_off(start)));
        }
        outgoing.last = None;
        if !outgoing.message.is_empty() {
            let mut message = std::mem::take(&mut outgoing.message);
            self.write(&message)?;
            message.clear();
            message.shrink_to(4 * PREFETCH_BYTES);
            self.outgoing.message = message;
        }
        // What was kept may be all there is by now.
        let Some((seq, message)) = self.outgoing.kept.take() else {
            return Ok(());
        };
        match flight.is_turn(seq) {
            Some(true) => self.write(&message),
            Some(false) => {
                self.outgoing.kept = Some((seq, message));
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Sends a message. A large one blocks until the worker has read it.
    fn write(&self, message: &[u8]) -> io::Result<()> {
        let Some(ends) = &self.outgoing.ends else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        // ipc-channel does not resume what a signal handler has interrupted.
        let quiet = Blocked::all();
        let sent = self.desk.sending.watch(|| ends.send(message))?;
        drop(quiet);
        if sent == Sent::Announced {
            let wire = self.desk.wire().writer();
            for step in message.chunks(SEND_STEP) {
                self.desk.sending.watch(|| wire.send(step))?;
            }
        }
        Ok(())
    }
}
