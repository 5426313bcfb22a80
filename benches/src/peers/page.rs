//! [`Page`]: a page of memory that two processes share.
//!
//! The one place of the report with unsafe code: no safe interface gives atomic
//! numbers in shared memory.

#![allow(unsafe_code)]

use super::Fault;
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use rustix::thread::futex;
use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

const SIZE: usize = 4096;

/// One of the page's words. They are on cache lines of their own.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Word {
    Ping = 0,
    Pong = 64,
}

/// A page that another process can open by its [`path`](Self::path).
pub(crate) struct Page {
    start: NonNull<u8>,
    /// Kept by whoever has created it, for the path.
    file: Option<File>,
}

impl Page {
    pub(crate) fn create() -> Result<Self, Fault> {
        let file = File::from(memfd_create("ping-pong", MemfdFlags::CLOEXEC)?);
        ftruncate(&file, SIZE as u64)?;
        let start = map(&file)?;
        let file = Some(file);
        Ok(Self { start, file })
    }

    pub(crate) fn open(path: &str) -> Result<Self, Fault> {
        let file = File::options().read(true).write(true).open(path)?;
        let start = map(&file)?;
        let file = None;
        Ok(Self { start, file })
    }

    /// Where another process opens it, as long as this one has it.
    pub(crate) fn path(&self) -> Option<String> {
        let fd = self.file.as_ref()?.as_raw_fd();
        Some(format!("/proc/{}/fd/{fd}", std::process::id()))
    }

    /// Writes a word, and wakes who waits for it.
    pub(crate) fn set(&self, word: Word, value: u32) -> Result<(), Fault> {
        self.word(word).store(value, Ordering::SeqCst);
        futex::wake(self.word(word), futex::Flags::empty(), 1)?;
        Ok(())
    }

    /// Sleeps until a word has this value.
    pub(crate) fn wait_for(&self, word: Word, value: u32) -> Result<(), Fault> {
        let word = self.word(word);
        loop {
            let seen = word.load(Ordering::SeqCst);
            if seen == value {
                return Ok(());
            }
            match futex::wait(word, futex::Flags::empty(), seen, None) {
                Ok(()) | Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn word(&self, word: Word) -> &AtomicU32 {
        // SAFETY: the mapping is as long as a page and lives as long as `self`; the
        // offset of a word is aligned and in it; and both processes touch it through
        // atomic operations alone. The file has its full length before anybody
        // learns its path, and nobody makes it shorter.
        unsafe { AtomicU32::from_ptr(self.start.as_ptr().add(word as usize).cast()) }
    }
}

fn map(file: &File) -> Result<NonNull<u8>, Fault> {
    let protection = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a new mapping, at a place that the kernel chooses.
    let start = unsafe {
        mmap(
            std::ptr::null_mut(),
            SIZE,
            protection,
            MapFlags::SHARED,
            file,
            0,
        )
    }?;
    NonNull::new(start.cast()).ok_or_else(|| "a page was mapped at zero".into())
}

impl Drop for Page {
    fn drop(&mut self) {
        // SAFETY: the mapping is this one's own, and no reference to it is left.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), SIZE) };
    }
}
