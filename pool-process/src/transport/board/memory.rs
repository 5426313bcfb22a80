//! The memory of a board: making it, sharing it, and giving what is not needed back.

use super::{BYTES, Board, Layout, SIZE};
use crate::transport::pipe::{CAPACITY, End};
use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::{MemfdFlags, SealFlags};
use rustix::mm::{Advice, MapFlags, ProtFlags};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// When so many bytes have gone through the pipes since they last had no memory, it is
/// given back: until then they have hardly more than that.
const WORTH_IT: u64 = 128 * 1024;

impl Board {
    /// A new board, and the descriptor through which a worker can
    /// [`open`](Self::open) it.
    pub(crate) fn create() -> io::Result<(Self, OwnedFd)> {
        let fd = memory()?;
        rustix::fs::ftruncate(&fd, SIZE as u64)?;
        let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
        rustix::fs::fcntl_add_seals(&fd, seals)?;
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        // A memfd is born zeroed, and zero is a slot that no sequence matches.
        Ok((Self::map(&fd, bell)?, fd))
    }

    /// The board that the parent created, with the descriptor that it waits for.
    pub(crate) fn open(fd: impl AsFd, bell: OwnedFd) -> io::Result<Self> {
        let size = rustix::fs::fstat(&fd)?.st_size;
        if size != SIZE as i64 {
            let why = format!("not a board: {size} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        Self::map(fd, bell)
    }

    fn map(fd: impl AsFd, bell: OwnedFd) -> io::Result<Self> {
        // SAFETY: a fresh mapping at an address of the kernel's choice touches
        // no memory of ours. The file has this size and is sealed to keep it.
        let memory = unsafe {
            rustix::mm::mmap(
                std::ptr::null_mut(),
                SIZE,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
                fd,
                0,
            )?
        };
        let memory: NonNull<Layout> =
            NonNull::new(memory.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        // SAFETY: the mapping is of `SIZE` bytes and lives as long as what is
        // made here; the bytes of the pipes lie beyond the layout, which is all
        // that references cover.
        let (arguments, results) = unsafe {
            let bytes: NonNull<u8> = memory.cast::<u8>().add(BYTES);
            let layout = memory.as_ptr();
            let arguments = NonNull::new_unchecked(&raw mut (*layout).arguments);
            let results = NonNull::new_unchecked(&raw mut (*layout).results);
            (
                End::new(arguments, bytes),
                End::new(results, bytes.add(CAPACITY)),
            )
        };
        Ok(Self {
            memory,
            arguments,
            results,
            bell,
            shrunk_at: AtomicU64::new(0),
        })
    }

    /// Gives the memory of the pipes back to the system, if enough has gone through
    /// them that there is some, and says whether there was. What is left of the board is
    /// well below 256 KiB. Whatever comes next has the kernel find new pages, which takes
    /// about as long as to copy it, so this is for workers that have been idle a while.
    ///
    /// Called by the thread that releases jobs, while no job is with the worker.
    ///
    /// No byte is lost: only those between the two positions of a pipe are ever read,
    /// and a pipe in which there are any is left alone. Nor can any be on their way: in
    /// the one, the parent alone writes, which is doing this instead; and in the other a
    /// worker writes only between the claim and the end of a job, and it has none. One
    /// that breaks the rules and writes all the same reads its own zeros later, as if
    /// it had written them.
    pub(crate) fn shrink(&self) -> bool {
        let moved = self.moved();
        if moved - self.shrunk_at.load(Relaxed) < WORTH_IT {
            return false;
        }
        let empty = [
            self.arguments.room() == Ok(CAPACITY),
            self.results.ready() == Ok(0),
        ];
        if empty != [true; 2] {
            return false;
        }
        // SAFETY: the range is that of the pipes' bytes, which are mapped and which no
        // reference covers. They become zeros, which is any bytes: nobody reads them.
        let removed = unsafe {
            let bytes = self.memory.cast::<u8>().add(BYTES).as_ptr();
            rustix::mm::madvise(bytes.cast(), 2 * CAPACITY, Advice::LinuxRemove)
        };
        // If it cannot be, it cannot be the next time either.
        self.shrunk_at.store(moved, Relaxed);
        removed.is_ok()
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        // SAFETY: this is the mapping that `map` made, and no reference into it
        // outlives `self`.
        let unmapped = unsafe { rustix::mm::munmap(self.memory.as_ptr().cast(), SIZE) };
        debug_assert!(unmapped.is_ok());
    }
}

/// An empty memfd that can be sealed. Nobody will execute it, which some systems insist
/// on being told (`vm.memfd_noexec`), and kernels before 6.3 do not understand.
fn memory() -> rustix::io::Result<OwnedFd> {
    let name = "pool-process board";
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    match rustix::fs::memfd_create(name, flags | MemfdFlags::NOEXEC_SEAL) {
        Err(rustix::io::Errno::INVAL) => rustix::fs::memfd_create(name, flags),
        created => created,
    }
}
