//! What goes to a worker over ipc-channel: jobs, and the lifeline.
//!
//! Every worker has channels of its own, which the parent makes and hands over as
//! [`bootstrap`](super::bootstrap) says; nothing of theirs is shared with another
//! worker. Where that cannot be, because no socket can be given a name on this system,
//! the [wire](super::wire) takes their place: the parent's end of it is the lifeline,
//! and the length of each message of jobs stands before it.

use super::wire::{WorkerWire, Writer};
use ipc_channel::IpcError;
use ipc_channel::ipc::{self, IpcBytesReceiver, IpcBytesSender, IpcReceiver, IpcSender};
use serde::{Deserialize, Serialize};
use std::io;

/// The parent's ends.
#[derive(Debug)]
pub(crate) enum Ends {
    /// ipc-channel's.
    Channels {
        jobs: IpcBytesSender,
        /// Closed with the parent, however it ends; the worker waits for that.
        lifeline: IpcSender<()>,
    },
    /// The wire, which serves as both.
    Wire(Writer),
}

/// The worker's ends of the channels.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TheirEnds {
    jobs: IpcBytesReceiver,
    lifeline: IpcReceiver<()>,
}

/// Where a worker's jobs come from.
#[derive(Debug)]
pub(crate) enum JobSource {
    Channel(IpcBytesReceiver),
    Wire(WorkerWire),
}

/// Where a worker hears of its parent's death.
#[derive(Debug)]
pub(crate) enum Lifeline {
    Channel(IpcReceiver<()>),
    Wire(WorkerWire),
}

/// Makes the channels of one worker.
pub(super) fn pair() -> io::Result<(Ends, TheirEnds)> {
    let (jobs, their_jobs) = ipc::bytes_channel()?;
    let (lifeline, their_lifeline) = ipc::channel()?;
    let theirs = TheirEnds {
        jobs: their_jobs,
        lifeline: their_lifeline,
    };
    Ok((Ends::Channels { jobs, lifeline }, theirs))
}

impl TheirEnds {
    /// What the worker uses them as.
    pub(super) fn take(self) -> (JobSource, Lifeline) {
        let (jobs, lifeline) = (self.jobs, self.lifeline);
        (JobSource::Channel(jobs), Lifeline::Channel(lifeline))
    }
}

/// What a worker uses that has no channels: the wire, twice.
pub(crate) fn over_the_wire(wire: &WorkerWire) -> io::Result<(JobSource, Lifeline)> {
    let (jobs, lifeline) = (wire.try_clone()?, wire.try_clone()?);
    Ok((JobSource::Wire(jobs), Lifeline::Wire(lifeline)))
}

/// The longest message of jobs that goes as one packet: below what the system
/// takes, 208 KiB on Linux, and no fragment of anything longer.
const PACKET: usize = 128 * 1024;

/// How a message was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Sent {
    Whole,
    /// The message itself is to be written to the wire.
    Announced,
}

/// What a worker gets.
#[derive(Debug)]
pub(crate) enum Jobs {
    Whole(Vec<u8>),
    /// So many bytes are to be read from the wire.
    Announced(u64),
}

/// Has ipc-channel learn what it learns once about the system, and panics over
/// for ever after if it could not: while a pool is being built, that can still
/// be said.
pub(crate) fn warm_up() -> io::Result<()> {
    let probe = || {
        let (sender, receiver) = ipc::bytes_channel()?;
        sender.send(&[0])?;
        retry(|| receiver.recv()).map_err(io::Error::other)
    };
    match executor_core::panic::catch(probe) {
        Ok(probed) => probed.map(drop),
        Err(report) => Err(io::Error::other(report.to_string())),
    }
}

/// In place of a length, over the wire: there will be no more jobs.
const NO_MORE: u64 = u64::MAX;

impl Ends {
    /// Sends jobs, in one packet; or announces that so many bytes of them come
    /// over the wire, which is then up to the caller.
    pub(crate) fn send(&self, message: &[u8]) -> io::Result<Sent> {
        let len = (message.len() as u64).to_le_bytes();
        let whole = message.len() <= PACKET;
        match self {
            Self::Channels { jobs, .. } => jobs.send(if whole { message } else { &len })?,
            Self::Wire(wire) => {
                wire.send(&len)?;
                if whole {
                    wire.send(message)?;
                }
            }
        }
        Ok(if whole { Sent::Whole } else { Sent::Announced })
    }

    /// Tells the worker that it is not needed any more.
    pub(crate) fn dismiss(self) {
        match self {
            // A word first, so that this is not taken for the parent's death.
            Self::Channels { lifeline, .. } => {
                let _ = lifeline.send(());
            }
            Self::Wire(wire) => {
                let _ = wire.send(&NO_MORE.to_le_bytes());
            }
        }
    }
}

impl JobSource {
    /// The next message of jobs; `None` when the parent wants no more.
    pub(crate) fn recv(&self) -> Option<Jobs> {
        match self {
            Self::Channel(jobs) => {
                let message = retry(|| jobs.recv()).ok()?;
                // No job is so short.
                Some(match <[u8; 8]>::try_from(message.as_slice()) {
                    Ok(len) => Jobs::Announced(u64::from_le_bytes(len)),
                    Err(_) => Jobs::Whole(message),
                })
            }
            Self::Wire(wire) => {
                let len = wire.recv(8).ok()?.try_into().map(u64::from_le_bytes).ok()?;
                (len != NO_MORE).then_some(Jobs::Announced(len))
            }
        }
    }
}

impl Lifeline {
    /// Waits. True if the parent is gone, false if it has dismissed the worker.
    ///
    /// Over the wire that is never said: a worker that is dismissed has no jobs, and
    /// may end with its parent as well as by itself.
    pub(crate) fn is_cut(&self) -> bool {
        match self {
            Self::Channel(lifeline) => retry(|| lifeline.recv()).is_err(),
            Self::Wire(wire) => {
                wire.await_end();
                true
            }
        }
    }
}

/// Tries again what a signal handler has interrupted.
pub(super) fn retry<T>(mut receive: impl FnMut() -> Result<T, IpcError>) -> Result<T, IpcError> {
    loop {
        match receive() {
            Err(IpcError::Io(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Board, Wire};
    use super::*;
    use std::os::fd::AsFd as _;

    fn wires() -> (Wire, WorkerWire) {
        let (_board, fd) = Board::create().unwrap();
        let (parent, theirs) = Wire::create([fd.as_fd(); 2], None).unwrap();
        let (worker, ..) = WorkerWire::take(theirs).unwrap();
        (parent, worker)
    }

    #[test]
    fn the_wire_takes_the_place_of_the_channels() {
        let (parent, worker) = wires();
        let ends = Ends::Wire(parent.writer());
        let (jobs, _) = over_the_wire(&worker).unwrap();
        let large = vec![7; PACKET + 1];
        std::thread::scope(|scope| {
            scope.spawn(|| {
                assert_eq!(ends.send(b"eight by").unwrap(), Sent::Whole);
                assert_eq!(ends.send(&large).unwrap(), Sent::Announced);
                parent.send(&large).unwrap();
                assert_eq!(ends.send(b"").unwrap(), Sent::Whole);
                ends.dismiss();
            });
            for expected in [&b"eight by"[..], &large, b""] {
                let Some(Jobs::Announced(len)) = jobs.recv() else {
                    panic!("what comes over the wire is announced");
                };
                assert_eq!(worker.recv(len).unwrap(), expected);
            }
            assert!(jobs.recv().is_none());
        });
    }

    #[test]
    fn the_end_of_the_parent_is_heard_over_the_wire_whatever_lies_there_unread() {
        for unread in [&b""[..], b"unread"] {
            let (parent, worker) = wires();
            let (_, lifeline) = over_the_wire(&worker).unwrap();
            parent.send(unread).unwrap();
            let (tell, told) = std::sync::mpsc::channel();
            let watch = std::thread::spawn(move || tell.send(lifeline.is_cut()));
            drop(parent);
            let limit = std::time::Duration::from_secs(60);
            assert_eq!(told.recv_timeout(limit), Ok(true));
            watch.join().unwrap().unwrap();
        }
    }
}
