//! The wire: a worker's standard input, over which the board and its orders reach
//! it, and its hello and the word that it is ready come back. Where jobs go by
//! message, large arguments, bells and large results go over it too; and all of them
//! where ipc-channel finds no directory, see `ipc.rs`.
//!
//! A plain stream of our own, because everything on it is written by a process
//! that may run hostile code. ipc-channel makes room for what a message *says*
//! it holds, and a process that cannot have that much memory aborts.
//!
//! Whoever learns that the worker has ended cuts the wire: a supervisor that
//! waits here then reads what is left, and the end, even if a stray grandchild
//! holds the other side open.
//!
//! Large arguments come this way because ipc-channel cuts what is longer than a
//! packet into pieces, sends them over a channel made for the purpose, and keeps
//! the receiving end of that open itself: a worker that dies in the middle leaves
//! the sender blocked for ever.

use super::decoder::{Decoder, Incoming, Source};
use super::frame::Head;
use rustix::event::{PollFd, PollFlags};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};
use std::io::{self, IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

/// The supervisor's side.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: Arc<UnixStream>,
    decoder: Decoder,
    limit: Duration,
}

impl Source for &UnixStream {
    fn ready(&self) -> usize {
        let ready = rustix::io::ioctl_fionread(self).unwrap_or(0);
        usize::try_from(ready).unwrap_or(usize::MAX)
    }
}

/// Ends a [`Wire`], from any thread.
#[derive(Clone, Debug)]
pub(crate) struct Cutter(Arc<UnixStream>);

impl Cutter {
    /// Cuts the wire: what has arrived can still be read, and who is writing is
    /// released.
    pub(crate) fn cut(&self) {
        // It may be cut already.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

/// The longest message, in bytes, of a worker that is not ready yet: its hello, or why
/// it cannot be set up.
const INTRODUCTION: u64 = 1 << 20;

/// Writes to a [`Wire`] what its owner does not.
#[derive(Clone, Debug)]
pub(crate) struct Writer(Arc<UnixStream>);

impl Writer {
    /// Writes bytes. Blocks until there is room for them, or the wire is cut.
    pub(crate) fn send(&self, bytes: &[u8]) -> io::Result<()> {
        (&*self.0).write_all(bytes)
    }
}

impl Wire {
    /// A wire with descriptors on their way to the worker, and the worker's side: the
    /// board and its bell, and where it finds its channels.
    pub(crate) fn create(
        board: [BorrowedFd<'_>; 2],
        channels: Option<BorrowedFd<'_>>,
    ) -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = UnixStream::pair()?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        let descriptors: Vec<_> = board.into_iter().chain(channels).collect();
        ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
        let byte = [IoSlice::new(&[0])];
        rustix::net::sendmsg(&ours, &byte, &mut ancillary, SendFlags::empty())?;
        let wire = Self {
            stream: Arc::new(ours),
            decoder: Decoder::new(INTRODUCTION),
            limit: Duration::MAX,
        };
        Ok((wire, theirs.into()))
    }

    /// From here on a message may have so many bytes.
    pub(crate) fn take_up_to(&mut self, longest: u64) {
        self.decoder.take_up_to(longest);
    }

    /// Another handle to write with.
    pub(crate) fn writer(&self) -> Writer {
        Writer(self.stream.clone())
    }

    pub(crate) fn cutter(&self) -> Cutter {
        Cutter(self.stream.clone())
    }

    /// Sets how long [`recv`](Self::recv) waits before it says `Quiet`.
    pub(crate) fn be_quiet_after(&mut self, limit: Duration) -> io::Result<()> {
        // Zero would mean for ever.
        self.limit = limit.max(Duration::from_millis(1));
        self.stream.set_read_timeout(Some(self.limit))
    }

    /// Writes a message that is too long for a packet. Blocks until the worker has
    /// read it or the wire is cut.
    pub(crate) fn send(&self, message: &[u8]) -> io::Result<()> {
        (&*self.stream).write_all(message)
    }

    /// The next message, if it has come. Never waits.
    pub(crate) fn recv_now(&mut self) -> io::Result<Incoming> {
        self.decoder.read(Now(&self.stream), Duration::ZERO)
    }

    /// The next message, or the lack of one.
    pub(crate) fn recv(&mut self) -> io::Result<Incoming> {
        self.decoder.read(&*self.stream, self.limit)
    }

    /// True if a message has begun to come, and is not all there.
    pub(crate) fn is_amid(&self) -> bool {
        self.decoder.is_amid()
    }

    /// How many bytes have come and were not read.
    pub(crate) fn ready(&self) -> usize {
        (&*self.stream).ready()
    }

    /// How many bytes were read, in all.
    pub(crate) fn received(&self) -> u64 {
        self.decoder.received()
    }
}

impl AsFd for Wire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// Reads what is there.
struct Now<'a>(&'a UnixStream);

impl io::Read for Now<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (read, _) = rustix::net::recv(self.0, buffer, RecvFlags::DONTWAIT)?;
        Ok(read)
    }
}

impl Source for Now<'_> {
    fn ready(&self) -> usize {
        self.0.ready()
    }
}

/// The worker's side.
#[derive(Debug)]
pub(crate) struct WorkerWire(UnixStream);

impl WorkerWire {
    /// Takes the wire, and what came over it: the board and its bell, and perhaps where
    /// the worker finds its channels.
    pub(crate) fn take(
        standard_input: impl AsFd,
    ) -> io::Result<(Self, [OwnedFd; 2], Option<OwnedFd>)> {
        let stream = standard_input.as_fd().try_clone_to_owned()?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut byte = [0];
        let mut bytes = [IoSliceMut::new(&mut byte)];
        let flags = RecvFlags::CMSG_CLOEXEC;
        rustix::net::recvmsg(&stream, &mut bytes, &mut ancillary, flags)?;
        let rights = ancillary.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
            _ => None,
        });
        let mut descriptors = rights.into_iter().flatten();
        let board = descriptors.next().zip(descriptors.next());
        let board = board.ok_or_else(|| io::Error::other("no board came over the wire"))?;
        Ok((
            Self(UnixStream::from(stream)),
            board.into(),
            descriptors.next(),
        ))
    }

    /// Writes a message whose bytes, with room for the head in front, stand in
    /// `buffer`.
    pub(crate) fn send(&self, head: Head, buffer: &mut [u8]) -> io::Result<()> {
        buffer[..super::frame::HEAD].copy_from_slice(&head.to_bytes());
        (&self.0).write_all(buffer)
    }

    /// Reads a message that was too long for a packet.
    pub(crate) fn recv(&self, len: u64) -> io::Result<Vec<u8>> {
        let mut message = Vec::new();
        let no_room = |_| io::Error::from(io::ErrorKind::OutOfMemory);
        let room = usize::try_from(len).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        message.try_reserve_exact(room).map_err(no_room)?;
        (&self.0).take(len).read_to_end(&mut message)?;
        match message.len() == room {
            true => Ok(message),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Waits until the parent's side is closed, whatever comes over the wire until
    /// then.
    pub(crate) fn await_end(&self) {
        let mut ends = [PollFd::new(&self.0, PollFlags::RDHUP)];
        loop {
            match rustix::event::poll(&mut ends, None) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                // An error cannot be, and would be no reason to stay for ever.
                Ok(_) | Err(_) => return,
            }
        }
    }

    /// Another handle, for the panic hook.
    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        self.0.try_clone().map(Self)
    }
}
