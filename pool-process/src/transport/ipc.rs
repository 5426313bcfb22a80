//! What goes to a worker over ipc-channel: jobs, and the lifeline.
//!
//! Every worker makes its own channels and hands the parent the sending ends in
//! the handshake; nothing of theirs is shared with another worker.

use ipc_channel::IpcError;
use ipc_channel::ipc::{self, IpcBytesReceiver, IpcBytesSender, IpcReceiver, IpcSender};
use serde::{Deserialize, Serialize};
use std::io;

/// The parent's ends.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ends {
    jobs: IpcBytesSender,
    /// Closed with the parent, however it ends; the worker waits for that.
    lifeline: IpcSender<()>,
}

/// Where a worker's jobs come from.
#[derive(Debug)]
pub(crate) struct JobSource(IpcBytesReceiver);

/// Where a worker hears of its parent's death.
#[derive(Debug)]
pub(crate) struct Lifeline(IpcReceiver<()>);

/// Makes the channels of one worker.
pub(crate) fn pair() -> io::Result<(Ends, JobSource, Lifeline)> {
    let (jobs, source) = ipc::bytes_channel()?;
    let (lifeline, other_end) = ipc::channel()?;
    Ok((
        Ends { jobs, lifeline },
        JobSource(source),
        Lifeline(other_end),
    ))
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

impl Ends {
    /// Sends jobs, in one packet; or announces that so many bytes of them come
    /// over the wire, which is then up to the caller.
    pub(crate) fn send(&self, message: &[u8]) -> io::Result<Sent> {
        if message.len() <= PACKET {
            self.jobs.send(message).map(|()| Sent::Whole)
        } else {
            let len = message.len() as u64;
            self.jobs.send(&len.to_le_bytes())?;
            Ok(Sent::Announced)
        }
    }

    /// Tells the worker that it is not needed any more.
    pub(crate) fn dismiss(self) {
        // A word first, so that this is not taken for the parent's death.
        let _ = self.lifeline.send(());
    }
}

impl JobSource {
    /// The next message of jobs; `None` when the parent wants no more.
    pub(crate) fn recv(&self) -> Option<Jobs> {
        let message = retry(|| self.0.recv()).ok()?;
        // No job is so short.
        Some(match <[u8; 8]>::try_from(message.as_slice()) {
            Ok(len) => Jobs::Announced(u64::from_le_bytes(len)),
            Err(_) => Jobs::Whole(message),
        })
    }
}

impl Lifeline {
    /// Waits. True if the parent is gone, false if it has dismissed the worker.
    pub(crate) fn is_cut(&self) -> bool {
        retry(|| self.0.recv()).is_err()
    }
}

/// Tries again what a signal handler has interrupted.
fn retry<T>(mut receive: impl FnMut() -> Result<T, IpcError>) -> Result<T, IpcError> {
    loop {
        match receive() {
            Err(IpcError::Io(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
