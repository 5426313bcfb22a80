//! How the ends of a worker's channels reach it.
//!
//! ipc-channel connects two processes in one way only: one of them opens a one-shot
//! server, which is a socket with a name in a fresh directory, and the other connects
//! to it. Here the *worker* opens it, in a directory that its parent has made for it
//! (see `boot/place.rs`), says over the wire what it is called, and accepts when the
//! parent has said that it has come. So the parent waits for nobody, reads nothing that
//! a stranger may have written, and runs none of the code in which ipc-channel panics:
//! over a directory that cannot be made, and over malformed messages. The worker runs
//! it; one that fails has failed to start, and its parent tries again.
//!
//! Other processes of the same user can connect to the server as well, if they find it.
//! The parent's message names the nonce of the worker's invitation, so whoever else
//! comes first costs one start.

use super::ipc::{self, Ends, JobSource, Lifeline, TheirEnds};
use ipc_channel::IpcError;
use ipc_channel::ipc::{IpcOneShotServer, IpcSender};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;

/// The first and only message on the bootstrap channel.
#[derive(Debug, Serialize, Deserialize)]
struct Handover {
    nonce: u128,
    ends: TheirEnds,
}

/// Makes a worker's channels and hands its ends over. The worker is told over the wire
/// that it can accept them.
///
/// Does not wait, unless strangers have filled the server's queue; and then no longer
/// than the worker lives.
pub(crate) fn hand_over(server: &str, nonce: u128) -> io::Result<Ends> {
    // ipc-channel panics over such a name.
    if server.contains('\0') {
        return Err(io::ErrorKind::InvalidFilename.into());
    }
    let (ours, theirs) = ipc::pair()?;
    let bootstrap = IpcSender::<Handover>::connect(server.to_owned())?;
    let handover = Handover {
        nonce,
        ends: theirs,
    };
    bootstrap.send(handover).map_err(io::Error::other)?;
    Ok(ours)
}

/// The worker's server.
pub(crate) struct Server {
    server: IpcOneShotServer<Handover>,
    name: String,
}

impl Server {
    /// Opens a server in a directory, which nobody else can reach.
    ///
    /// # Safety
    /// No other thread of this process may touch its environment meanwhile.
    pub(crate) unsafe fn open(directory: &str) -> io::Result<Self> {
        // What ipc-channel would panic over.
        let probe = Path::new(directory).join("probe");
        std::fs::create_dir(&probe)?;
        std::fs::remove_dir(&probe)?;
        let former = std::env::var_os(TMPDIR);
        // SAFETY: by the caller's promise.
        unsafe { std::env::set_var(TMPDIR, directory) };
        let opened = executor_core::panic::catch(IpcOneShotServer::new);
        // SAFETY: by the caller's promise.
        unsafe {
            match former {
                Some(former) => std::env::set_var(TMPDIR, former),
                None => std::env::remove_var(TMPDIR),
            }
        }
        let (server, name) = opened.map_err(|report| io::Error::other(report.to_string()))??;
        Ok(Self { server, name })
    }

    /// What the parent is to connect to.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Takes what the parent has handed over. Waits for whoever comes first.
    pub(crate) fn accept(self, nonce: u128) -> io::Result<(JobSource, Lifeline)> {
        let server = self.server;
        // ipc-channel panics over some malformed messages.
        let handover = match executor_core::panic::catch(|| server.accept()) {
            Ok(Ok((_bootstrap, handover))) => handover,
            Ok(Err(IpcError::Disconnected)) => return Err(stranger("it said nothing")),
            Ok(Err(error)) => return Err(stranger(&error.to_string())),
            Err(report) => return Err(stranger(&report.to_string())),
        };
        match handover.nonce == nonce {
            true => Ok(handover.ends.take()),
            false => Err(stranger("it does not know the nonce")),
        }
    }
}

/// Where ipc-channel makes its directory.
const TMPDIR: &str = "TMPDIR";

fn stranger(why: &str) -> io::Error {
    let what = "somebody else than its parent came to its bootstrap socket";
    io::Error::new(io::ErrorKind::InvalidData, format!("{what}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::{AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType};
    use std::os::fd::OwnedFd;
    use std::sync::{Mutex, PoisonError};

    /// A server in a directory of its own, which lasts as long as the test.
    fn server() -> (tempfile::TempDir, Server) {
        // The tests of this module alone touch the environment.
        static ENVIRONMENT: Mutex<()> = Mutex::new(());
        let directory = tempfile::tempdir().unwrap();
        let _alone = ENVIRONMENT.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: the others wait for the lock.
        let server = unsafe { Server::open(directory.path().to_str().unwrap()) };
        (directory, server.unwrap())
    }

    fn connect(server: &str) -> rustix::io::Result<OwnedFd> {
        let address = SocketAddrUnix::new(server)?;
        let (family, kind) = (AddressFamily::UNIX, SocketType::SEQPACKET);
        let socket = rustix::net::socket_with(family, kind, SocketFlags::CLOEXEC, None)?;
        rustix::net::connect(&socket, &address)?;
        Ok(socket)
    }

    #[test]
    fn what_is_handed_over_works_and_the_server_is_gone() {
        let (directory, server) = server();
        let name = server.name().to_owned();
        let ends = hand_over(&name, 7).unwrap();
        let (jobs, lifeline) = server.accept(7).unwrap();
        assert!(connect(&name).is_err());
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 0);
        let _ = ends.send(b"not eight").unwrap();
        assert!(matches!(jobs.recv(), Some(ipc::Jobs::Whole(bytes)) if bytes == b"not eight"));
        ends.dismiss();
        assert!(jobs.recv().is_none() && !lifeline.is_cut());
    }

    #[test]
    fn who_comes_first_without_the_nonce_is_refused() {
        let (_directory, server) = server();
        let _ends = hand_over(server.name(), 8).unwrap();
        let error = server.accept(7).unwrap_err();
        assert!(error.to_string().contains("nonce"), "{error}");
    }

    #[test]
    fn who_comes_first_and_leaves_or_speaks_nonsense_is_refused() {
        // As ipc-channel has it: the size of the packet, that of what it holds, and
        // what it holds.
        let mut nonsense = 32_u64.to_le_bytes().to_vec();
        nonsense.extend(16_u64.to_le_bytes());
        nonsense.extend([0xff; 16]);
        for message in [None, Some(nonsense)] {
            let (_directory, server) = server();
            let stranger = connect(server.name()).unwrap();
            if let Some(message) = message {
                rustix::net::send(&stranger, &message, SendFlags::NOSIGNAL).unwrap();
            }
            drop(stranger);
            let error = server.accept(7).unwrap_err();
            assert!(error.to_string().contains("somebody else"), "{error}");
        }
    }

    #[test]
    fn a_server_that_is_not_there_is_an_error() {
        for name in ["", "/nowhere", "a\0b", &"/long".repeat(100)] {
            assert!(hand_over(name, 7).is_err(), "{name:?}");
        }
    }
}
