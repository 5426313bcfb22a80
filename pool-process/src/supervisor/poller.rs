//! The one place where a pool waits: for its workers, for the ends of processes, and for
//! whoever submits.
//!
//! All of them write to, or are, descriptors that one epoll instance watches. Nobody
//! makes a system call for a supervisor that is awake: submitters look at a word of this
//! process, see `attention`, and workers at one in the memory that they share with their
//! parent.

use super::attention::Attention;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, Event, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happened {
    /// Somebody has poked, or a worker has rung: it is found by looking.
    Something,
    /// The process of the occupant with this number has ended.
    Ended(u64),
    /// There is something to be read from it.
    Readable(u64),
    /// It has rung its bell.
    Rung(u64),
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The descriptors.
#[derive(Debug)]
pub(crate) struct Poller {
    epoll: OwnedFd,
    bell: OwnedFd,
    pub(crate) attention: Attention,
}

impl Poller {
    pub(crate) fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        // Edge-triggered, so that nobody has to read what was written.
        let flags = EventFlags::IN | EventFlags::ET;
        epoll::add(&epoll, &bell, EventData::new_u64(0), flags)?;
        Ok(Self {
            epoll,
            bell,
            attention: Attention::new(),
        })
    }

    /// Makes the supervisor look at everything, now or when it has time.
    pub(crate) fn poke(&self) {
        if self.attention.poke() {
            ring(&self.bell);
        }
    }

    /// Watches for a worker's bell.
    pub(crate) fn watch_bell(&self, occupant: u64, bell: impl AsFd) -> io::Result<()> {
        let data = EventData::new_u64(occupant << 2 | 3);
        let flags = EventFlags::IN | EventFlags::ET;
        Ok(epoll::add(&self.epoll, bell, data, flags)?)
    }

    /// Watches for the end of an occupant's process, once.
    pub(crate) fn watch_end(&self, occupant: u64, pidfd: impl AsFd) -> io::Result<()> {
        let data = EventData::new_u64(occupant << 2 | 1);
        let flags = EventFlags::IN | EventFlags::ONESHOT;
        Ok(epoll::add(&self.epoll, pidfd, data, flags)?)
    }

    /// Watches for what comes from an occupant.
    pub(crate) fn watch_wire(&self, occupant: u64, wire: impl AsFd) -> io::Result<()> {
        let data = EventData::new_u64(occupant << 2 | 2);
        Ok(epoll::add(&self.epoll, wire, data, EventFlags::IN)?)
    }

    /// Stops watching.
    pub(crate) fn forget(&self, what: impl AsFd) {
        // It may have been closed, and is forgotten then.
        let _ = epoll::delete(&self.epoll, what);
    }

    /// Sleeps until something happens, but no longer than `limit`.
    pub(crate) fn sleep(&self, limit: Option<Duration>, happened: &mut Vec<Happened>) {
        let mut events: Vec<Event> = Vec::with_capacity(64);
        // No longer than all kernels can: where the wait fails, nobody sleeps at all.
        let limit = limit.map(|limit| limit.min(DAY));
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        // A signal may have interrupted it, which is a reason to look, too.
        let _ = epoll::wait(&self.epoll, spare_capacity(&mut events), limit.as_ref());
        happened.extend(events.iter().map(|event| match event.data.u64() {
            data if data & 3 == 1 => Happened::Ended(data >> 2),
            data if data & 3 == 2 => Happened::Readable(data >> 2),
            data if data & 3 == 3 => Happened::Rung(data >> 2),
            _ => Happened::Something,
        }));
    }
}

/// Rings an eventfd.
fn ring(bell: impl AsFd) {
    // It would block only after 2^64 times; and then, too, it can be read.
    let _ = rustix::io::write(bell, &1_u64.to_ne_bytes());
}
