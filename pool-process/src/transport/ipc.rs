//! Messages over ipc-channel: one private pair of channels for each worker.
//!
//! A worker makes all channels and hands the parent its ends in the handshake.
//! The parent holds a sender of the channel it receives on as well: through that
//! its own threads ring the bell, so that one blocking `recv` is all a
//! supervisor ever waits in, and everything a worker sent before it died is read
//! before the news of its death.

use ipc_channel::ipc::{self, IpcBytesReceiver, IpcBytesSender, IpcReceiver, IpcSender};
use ipc_channel::{IpcError, TryRecvError};
use serde::{Deserialize, Serialize};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The parent's ends, as they travel in the handshake.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ends {
    jobs: IpcBytesSender,
    results: IpcBytesReceiver,
    bell: IpcBytesSender,
    lifeline: IpcSender<()>,
}

/// Makes the channels of one worker.
pub(crate) fn pair() -> io::Result<(Ends, WorkerEnd, Lifeline)> {
    let (jobs_out, jobs_in) = ipc::bytes_channel()?;
    let (results_out, results_in) = ipc::bytes_channel()?;
    let (lifeline_out, lifeline_in) = ipc::channel()?;
    let ends = Ends {
        jobs: jobs_out,
        results: results_in,
        bell: results_out.clone(),
        lifeline: lifeline_out,
    };
    let worker = WorkerEnd {
        jobs: jobs_in,
        results: results_out,
    };
    Ok((ends, worker, Lifeline(lifeline_in)))
}

impl Ends {
    /// Splits them into what the supervisor uses and what rings its bell.
    pub(crate) fn split(self) -> (ParentEnd, Ringer) {
        let ringer = Ringer(self.bell);
        let end = ParentEnd {
            jobs: self.jobs,
            results: self.results,
            lifeline: self.lifeline,
        };
        (end, ringer)
    }
}

/// The supervisor's end.
#[derive(Debug)]
pub(crate) struct ParentEnd {
    jobs: IpcBytesSender,
    results: IpcBytesReceiver,
    /// Closed with this process, however it ends; the worker waits for that.
    lifeline: IpcSender<()>,
}

impl ParentEnd {
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

    /// The next message; an empty one is a bell.
    pub(crate) fn recv(&self) -> io::Result<Vec<u8>> {
        guard(|| retry(|| self.results.recv()))
    }

    /// The next message, if one has come.
    pub(crate) fn try_recv(&self) -> io::Result<Option<Vec<u8>>> {
        guard(|| match self.results.try_recv() {
            Ok(message) => Ok(Some(message)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::IpcError(error)) => Err(into_io(error)),
        })
    }
}

/// The worker's bytes are checked only so far as ipc-channel does, and that is
/// by panicking: such a panic is an error here.
fn guard<T>(receive: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    catch_unwind(AssertUnwindSafe(receive)).unwrap_or_else(|_| {
        Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the worker sent a message that ipc-channel cannot take",
        ))
    })
}

/// Rings the supervisor's bell, from any thread.
#[derive(Debug)]
pub(crate) struct Ringer(IpcBytesSender);

impl Ringer {
    /// Rings. A supervisor that is gone need not hear it.
    pub(crate) fn ring(&self) {
        let _ = self.0.send(&[]);
    }
}

/// The worker's end.
#[derive(Debug)]
pub(crate) struct WorkerEnd {
    jobs: IpcBytesReceiver,
    results: IpcBytesSender,
}

/// Where a worker hears of its parent's death.
#[derive(Debug)]
pub(crate) struct Lifeline(IpcReceiver<()>);

impl Lifeline {
    /// Waits. True if the parent is gone, false if it has dismissed the worker.
    pub(crate) fn is_cut(&self) -> bool {
        retry(|| self.0.recv()).is_err()
    }
}

/// The end through which a worker sends, for its panic hook as well.
pub(crate) type ResultSender = IpcBytesSender;

impl WorkerEnd {
    /// The next message of jobs; `None` when the parent wants no more.
    pub(crate) fn recv(&self) -> Option<Vec<u8>> {
        retry(|| self.jobs.recv()).ok()
    }

    pub(crate) fn sender(&self) -> ResultSender {
        self.results.clone()
    }
}

/// Tries again what a signal handler has interrupted.
fn retry<T>(mut receive: impl FnMut() -> Result<T, IpcError>) -> io::Result<T> {
    loop {
        match receive() {
            Ok(message) => return Ok(message),
            Err(IpcError::Io(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(into_io(error)),
        }
    }
}

fn into_io(error: IpcError) -> io::Error {
    match error {
        IpcError::Io(error) => error,
        other => io::Error::new(io::ErrorKind::ConnectionReset, other),
    }
}
