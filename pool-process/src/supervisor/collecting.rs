//! Collecting from a worker: what stands on its board, and what comes over its wire.
//!
//! Over the wire come bells and large results, where jobs go by message; and parts of
//! results, wherever they go. A worker writes the parts of a job before it ends the job
//! on the board, which may be seen first: then the wire is read up to there.

use super::{Down, Supervisor};
use crate::seat::Occupant;
use crate::transport::{Head, Incoming, Transport, kind};
use std::sync::Arc;

/// How many bytes are read from one worker before others have their turn.
const AT_ONCE: u64 = 1 << 20;

/// How far the wire is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// Until nothing more comes, for now.
    Some,
    /// All that stands there: it is known to be whole, or there will be no more.
    All,
}

impl Supervisor<'_> {
    /// Takes in what stands on the board. True if that led to anything.
    pub(super) fn collect(&mut self, worker: &Arc<Occupant>) -> Result<bool, Down> {
        let mut fruitful = false;
        loop {
            let (finished, lacking) = self.gather(worker)?;
            fruitful |= finished;
            let Some(seq) = lacking else {
                return Ok(fruitful);
            };
            // In this order: so many were written before the wire is read.
            let counted = worker.board.parts();
            self.take_in(worker, Reading::All)?;
            worker.flight.has_all_parts(seq, counted);
        }
    }

    /// Takes in what is finished on the board. Says whether there was anything, and
    /// which job lacks parts.
    fn gather(&mut self, worker: &Arc<Occupant>) -> Result<(bool, Option<u64>), Down> {
        worker.flight.feed()?;
        let mut found = self.dispatch.unresolved.lock();
        let before = found.added();
        let harvested = worker.flight.harvest(&mut found);
        let finished = found.added() - before;
        drop(found);
        // What was found before a violation is as good as any.
        if finished > 0 {
            worker.rounds().fruitful();
            worker.pace.gets_on(worker.board.pace());
            self.dispatch.prove(worker);
            self.dispatch.tally.finish(finished as usize);
        }
        Ok((finished > 0, harvested?))
    }

    /// The worker has woken its parent.
    pub(super) fn rung(&mut self, worker: &Arc<Occupant>) -> Result<bool, Down> {
        let fruitful = self.collect(worker)?;
        let moved = worker.board.moved();
        worker.rounds().rung(fruitful, moved)?;
        Ok(fruitful)
    }

    /// Takes in the messages that have come.
    pub(super) fn read(&mut self, worker: &Arc<Occupant>) -> Result<bool, Down> {
        let goes_on = self.take_in(worker, Reading::Some)?;
        self.collect(worker)?;
        Ok(goes_on)
    }

    /// What the worker had finished before its end is not lost, wherever it is. Whatever
    /// is wrong now changes nothing any more.
    pub(super) fn read_last_results(&mut self, worker: &Arc<Occupant>) {
        let _ = self.take_in(worker, Reading::All);
        let _ = self.collect(worker);
    }

    /// Takes in messages. False if there are no more to come.
    ///
    /// Nobody else reads them meanwhile: should this thread be slow, whoever takes its
    /// role over would take the next message in before this one.
    fn take_in(&mut self, worker: &Arc<Occupant>, reading: Reading) -> Result<bool, Down> {
        let mut wire = worker.desk.wire();
        let until = match reading {
            Reading::Some => wire.received() + AT_ONCE,
            Reading::All => wire.received() + wire.ready() as u64,
        };
        let mut before = None;
        while wire.received() < until {
            let message = wire.recv_now();
            self.dispatch.crew.role.step();
            match message {
                Ok(Incoming::Message(head, bytes)) => self.take(worker, head, bytes)?,
                Ok(Incoming::Quiet) => {
                    let moves = before.replace(wire.received()) != Some(wire.received());
                    if reading == Reading::Some || !moves {
                        break;
                    }
                }
                Ok(Incoming::End) => {
                    self.dispatch.poller.forget(&*wire);
                    worker.rounds().closed();
                    return Ok(false);
                }
                Err(error) => return Err(Down::Broken(error)),
            }
        }
        Ok(true)
    }

    /// Takes in a message.
    fn take(&mut self, worker: &Arc<Occupant>, head: Head, bytes: Vec<u8>) -> Result<(), Down> {
        let by_message = self.dispatch.config.transport == Transport::Messages;
        let unresolved = &self.dispatch.unresolved;
        // What stands on the board came before what comes as a message.
        if head.kind != kind::BELL {
            worker.flight.is_at(head.seq);
        }
        let (mut fruitful, _) = self.gather(worker)?;
        match head.kind {
            kind::PART => {
                worker.flight.part(head, bytes, &mut unresolved.lock())?;
                worker.rounds().fruitful();
                fruitful = true;
            }
            _ if !by_message => {
                return Err(Down::Misbehaved("it sends what it is not to send"));
            }
            kind::BELL if bytes.is_empty() => {}
            kind::BELL => return Err(Down::Misbehaved("its bell says something")),
            kind => {
                let (slot, seq) = (head.slot as usize, head.seq);
                let mut found = unresolved.lock();
                let before = found.added();
                worker.flight.deliver(slot, seq, kind, bytes, &mut found)?;
                let finished = found.added() - before;
                drop(found);
                worker.rounds().fruitful();
                self.dispatch.prove(worker);
                self.dispatch.tally.finish(finished as usize);
                self.gather(worker)?;
                fruitful = true;
            }
        }
        let moved = worker.board.moved();
        worker.rounds().rung(fruitful, moved)?;
        Ok(())
    }
}
