//! How the ends of a worker's channels reach it.
//!
//! ipc-channel connects two processes in one way only: one of them opens a one-shot
//! server, which is a socket with a name in a fresh directory, and the other connects
//! to it. Opening one panics where the directory cannot be made, accepting may wait for
//! ever and panics over malformed messages, and connecting in vain leaks a descriptor.
//! So the parent does neither with anybody but itself:
//!
//! 1. Before it starts the worker, the parent connects to a socket of its own, which
//!    listens for that moment, and sends the worker's ends over that connection. The
//!    other end of it goes to the worker over the wire, with the message in it.
//! 2. The worker opens a one-shot server, connects to it as well, passes the message on
//!    as it is, and accepts what it has sent itself.
//!
//! Both sockets have their names in a directory that the parent has made for them (see
//! `boot/place.rs`). Where one of the steps fails, the worker says so, and the wire takes
//! the place of the channels.
//!
//! Other processes of the same user can connect to either socket, if they find it in
//! that moment. The parent knows its own connection by its process, and the worker by
//! the nonce of its invitation.

use super::ipc::{self, Ends, JobSource, Lifeline, TheirEnds};
use ipc_channel::IpcError;
use ipc_channel::ipc::{IpcOneShotServer, IpcSender};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType, sockopt,
};
use serde::{Deserialize, Serialize};
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

/// The first and only message on the bootstrap channel.
#[derive(Debug, Serialize, Deserialize)]
struct Handover {
    nonce: u128,
    ends: TheirEnds,
}

/// Makes a worker's channels: the parent's ends, and a connection with the worker's.
/// Does not wait for anybody, and leaves nothing in the directory.
pub(crate) fn hand_over(directory: &str, nonce: u128) -> io::Result<(Ends, OwnedFd)> {
    let (bootstrap, connection) = connect_to_myself(&format!("{directory}/parent"))?;
    let (ours, theirs) = ipc::pair()?;
    let handover = Handover {
        nonce,
        ends: theirs,
    };
    bootstrap.send(handover).map_err(io::Error::other)?;
    Ok((ours, connection))
}

/// A channel of ipc-channel's to a socket of this process.
fn connect_to_myself(path: &str) -> io::Result<(IpcSender<Handover>, OwnedFd)> {
    let listener = socket()?;
    rustix::net::bind(&listener, &SocketAddrUnix::new(path)?)?;
    let listening = rustix::net::listen(&listener, 16).map_err(io::Error::from);
    // It finds who listens: the one way left for it to fail is to get no descriptor,
    // and then it leaks none.
    let connected = listening.and_then(|()| IpcSender::connect(path.to_owned()));
    let _ = rustix::fs::unlink(path);
    let sender = connected?;
    let connection = rustix::net::accept_with(&listener, SocketFlags::CLOEXEC)?;
    let peer = sockopt::socket_peercred(&connection)?;
    match peer.pid == rustix::process::getpid() {
        true => Ok((sender, connection)),
        false => Err(stranger("it is another process")),
    }
}

fn socket() -> io::Result<OwnedFd> {
    let (family, kind) = (AddressFamily::UNIX, SocketType::SEQPACKET);
    let socket = rustix::net::socket_with(family, kind, SocketFlags::CLOEXEC, None)?;
    Ok(socket)
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
        let opened = Self::open_in_tmpdir();
        // SAFETY: by the caller's promise.
        unsafe {
            match former {
                Some(former) => std::env::set_var(TMPDIR, former),
                None => std::env::remove_var(TMPDIR),
            }
        }
        opened
    }

    fn open_in_tmpdir() -> io::Result<Self> {
        let opened = executor_core::panic::catch(IpcOneShotServer::new);
        let (server, name) = opened.map_err(|report| io::Error::other(report.to_string()))??;
        Ok(Self { server, name })
    }

    /// Takes what the parent has handed over, off the connection that came from it.
    pub(crate) fn take(
        self,
        connection: &OwnedFd,
        nonce: u128,
    ) -> io::Result<(JobSource, Lifeline)> {
        let to_myself = socket()?;
        rustix::net::connect(&to_myself, &SocketAddrUnix::new(self.name.as_str())?)?;
        pass_on(connection, &to_myself)?;
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

/// Passes a message on, with the descriptors that came with it.
fn pass_on(from: &OwnedFd, to: &OwnedFd) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut bytes = [0; 4096];
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
    let mut slices = [IoSliceMut::new(&mut bytes)];
    let came = rustix::net::recvmsg(from, &mut slices, &mut ancillary, flags)?;
    let descriptors: Vec<OwnedFd> = ancillary
        .drain()
        .filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
            _ => None,
        })
        .flatten()
        .collect();
    let descriptors: Vec<_> = descriptors.iter().map(|one| one.as_fd()).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
    let bytes = [IoSlice::new(&bytes[..came.bytes])];
    rustix::net::sendmsg(to, &bytes, &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Where ipc-channel makes its directory.
const TMPDIR: &str = "TMPDIR";

fn stranger(why: &str) -> io::Error {
    let what = "somebody else came to a bootstrap socket";
    io::Error::new(io::ErrorKind::InvalidData, format!("{what}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server, and a directory for its parent's socket. The environment, which other
    /// tests may look at, is left alone.
    fn server() -> (tempfile::TempDir, Server) {
        (
            tempfile::tempdir().unwrap(),
            Server::open_in_tmpdir().unwrap(),
        )
    }

    fn connect(server: &Server) -> OwnedFd {
        let socket = socket().unwrap();
        let address = SocketAddrUnix::new(server.name.as_str()).unwrap();
        rustix::net::connect(&socket, &address).unwrap();
        socket
    }

    #[test]
    fn what_is_handed_over_works_and_the_sockets_are_gone() {
        let (directory, server) = server();
        let path = directory.path().to_str().unwrap();
        let name = server.name.clone();
        let (ends, connection) = hand_over(path, 7).unwrap();
        let (jobs, lifeline) = server.take(&connection, 7).unwrap();
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 0);
        assert!(!Path::new(&name).parent().unwrap().exists());
        let _ = ends.send(b"not eight").unwrap();
        assert!(matches!(jobs.recv(), Some(ipc::Jobs::Whole(bytes)) if bytes == b"not eight"));
        ends.dismiss();
        assert!(jobs.recv().is_none() && !lifeline.is_cut());
    }

    #[test]
    fn the_end_of_the_parent_is_heard() {
        let (directory, server) = server();
        let path = directory.path().to_str().unwrap();
        let (ends, connection) = hand_over(path, 7).unwrap();
        let (jobs, lifeline) = server.take(&connection, 7).unwrap();
        drop(ends);
        assert!(jobs.recv().is_none() && lifeline.is_cut());
    }

    #[test]
    fn what_another_nonce_came_with_is_refused() {
        let (directory, server) = server();
        let path = directory.path().to_str().unwrap();
        let (_ends, connection) = hand_over(path, 8).unwrap();
        let error = server.take(&connection, 7).unwrap_err();
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
            let (directory, server) = server();
            let path = directory.path().to_str().unwrap();
            let (_ends, connection) = hand_over(path, 7).unwrap();
            let stranger = connect(&server);
            if let Some(message) = message {
                rustix::net::send(&stranger, &message, SendFlags::NOSIGNAL).unwrap();
            }
            drop(stranger);
            let error = server.take(&connection, 7).unwrap_err();
            assert!(error.to_string().contains("somebody else"), "{error}");
        }
    }

    #[test]
    fn what_cannot_be_had_is_an_error() {
        for directory in ["/nowhere", "a\0b", &"/long".repeat(100)] {
            assert!(hand_over(directory, 7).is_err(), "{directory:?}");
        }
        let (_directory, server) = server();
        // Nothing was handed over.
        let (_one, other) = std::os::unix::net::UnixStream::pair().unwrap();
        assert!(server.take(&other.into(), 7).is_err());
    }
}
