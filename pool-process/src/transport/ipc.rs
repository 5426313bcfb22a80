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

impl Ends {
    /// Sends jobs. Blocks while the worker does not read: so nothing large is
    /// sent while the worker may itself be sending.
    pub(crate) fn send(&self, message: &[u8]) -> io::Result<()> {
        self.jobs.send(message)
    }

    /// Tells the worker that it is not needed any more.
    pub(crate) fn dismiss(self) {
        // A word first, so that this is not taken for the parent's death.
        let _ = self.lifeline.send(());
    }
}

impl JobSource {
    /// The next message of jobs; `None` when the parent wants no more.
    pub(crate) fn recv(&self) -> Option<Vec<u8>> {
        retry(|| self.0.recv()).ok()
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
