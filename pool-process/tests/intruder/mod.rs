//! Hostile code inside a worker: it finds the wire among the open descriptors and
//! the board among the mappings, and writes to both what it likes.
//!
//! The layout of both is written down here a second time, as an attacker knows
//! it. If it is no longer right, the attacks fail to do what they are for, and
//! their tests say so.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use executor_core::codec;
use executor_core::conformance::pass;
use pool_process::{ProcessPool, Transport};
use rustix::net::{AddressFamily, Shutdown, SocketType, sockopt};
use serde::{Deserialize, Serialize};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

pub(crate) const SLOTS: usize = 512;
pub(crate) const QUEUED: u64 = 1;
pub(crate) const CLAIMED: u64 = 2;
pub(crate) const DONE: u64 = 3;

pub(crate) const VALUE: u32 = 0;
pub(crate) const SENT: u32 = 3;
pub(crate) const BELL: u32 = 4;
pub(crate) const PART: u32 = 8;

/// What the attacker returns, or has its parent believe that it does.
pub(crate) const LOOT: u64 = 7;

/// A pool whose workers are heard over the wire.
pub(crate) fn wired(workers: usize) -> ProcessPool {
    by(Transport::Messages, workers)
}

/// A pool whose workers are heard through shared memory alone.
pub(crate) fn shared(workers: usize) -> ProcessPool {
    by(Transport::SharedMemory, workers)
}

pub(crate) fn by(transport: Transport, workers: usize) -> ProcessPool {
    let builder = ProcessPool::builder().transport(transport);
    builder.max_workers(workers).build().expect("it is built")
}

/// What stands in front of a message.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) len: u64,
    pub(crate) slot: u32,
    pub(crate) kind: u32,
    pub(crate) seq: u64,
}

/// The worker's innards, in its attacker's hands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Intruder {
    wire: BorrowedFd<'static>,
    board: usize,
}

impl Intruder {
    /// Breaks into the worker that this runs in.
    pub(crate) fn here() -> Self {
        let wires: Vec<_> = (3..1000).filter_map(stream_socket).collect();
        assert_eq!(wires.len(), 1, "which one is the wire? {wires:?}");
        let maps = std::fs::read_to_string("/proc/self/maps").expect("this is Linux");
        let board = maps
            .lines()
            .find(|line| line.contains("pool-process board"))
            .and_then(|line| line.split('-').next())
            .and_then(|start| usize::from_str_radix(start, 16).ok());
        Self {
            wire: wires[0],
            board: board.expect("there is a board"),
        }
    }

    /// Writes bytes to the wire, as long as the parent takes them.
    pub(crate) fn write(&self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match rustix::io::write(self.wire, bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(_) => park(),
            }
        }
    }

    pub(crate) fn send(&self, head: Head, body: &[u8]) {
        let mut bytes = head.len.to_le_bytes().to_vec();
        bytes.extend(head.slot.to_le_bytes());
        bytes.extend(head.kind.to_le_bytes());
        bytes.extend(head.seq.to_le_bytes());
        bytes.extend(body);
        self.write(&bytes);
    }

    /// Sends a result.
    pub(crate) fn result(&self, (slot, seq): (usize, u64)) {
        let mut body = Vec::new();
        codec::encode(&LOOT, &mut body).expect("a number");
        let (len, slot, kind) = (body.len() as u64, slot as u32, VALUE);
        self.send(
            Head {
                len,
                slot,
                kind,
                seq,
            },
            &body,
        );
    }

    pub(crate) fn ring(&self) {
        let (len, slot, kind, seq) = (0, 0, BELL, 0);
        self.send(
            Head {
                len,
                slot,
                kind,
                seq,
            },
            &[],
        );
    }

    /// Wakes the parent, whether or not it sleeps.
    pub(crate) fn wake_parent(&self) {
        self.bell().store(1, SeqCst);
        let flags = rustix::thread::futex::Flags::empty();
        let _ = rustix::thread::futex::wake(self.bell(), flags, 1);
    }

    pub(crate) fn close(&self) {
        rustix::net::shutdown(self.wire, Shutdown::Both).expect("it is open");
    }

    fn atomic(&self, offset: usize) -> &'static AtomicU64 {
        // SAFETY: the board is mapped for as long as the worker lives, and this
        // is within it; all of it is only ever accessed as atomic integers.
        unsafe { &*std::ptr::with_exposed_provenance(self.board + offset) }
    }

    pub(crate) fn bell(&self) -> &'static AtomicU32 {
        // SAFETY: as above; the bell is the first thing on the board.
        unsafe { &*std::ptr::with_exposed_provenance(self.board) }
    }

    pub(crate) fn word(&self, slot: usize) -> &'static AtomicU64 {
        self.atomic(128 * (slot + 1))
    }

    /// When the job began, in nanoseconds.
    pub(crate) fn began(&self, slot: usize) -> &'static AtomicU64 {
        self.atomic(128 * (slot + 1) + 8)
    }

    /// The kind of the result above its length.
    pub(crate) fn head(&self, slot: usize) -> &'static AtomicU64 {
        self.atomic(128 * (slot + 1) + 16)
    }

    /// Any of the words of the board.
    pub(crate) fn any(&self, n: u64) -> &'static AtomicU64 {
        let words = 16 * (SLOTS as u64 + 1);
        self.atomic(8 * (n % words) as usize)
    }

    /// How many parts of results it says that it has sent.
    pub(crate) fn parts(&self) -> &'static AtomicU64 {
        self.atomic(128 * (SLOTS + 1) + 16)
    }

    /// The counters of the pipes: written and read, of arguments and of results.
    pub(crate) fn counter(&self, n: usize) -> &'static AtomicU64 {
        self.atomic(128 * (SLOTS + 2 + n))
    }

    /// Says that its result is in the pipe, with so many bytes.
    pub(crate) fn announce(&self, slot: usize, len: u64) {
        let piped = 1 << 55;
        self.head(slot)
            .store(u64::from(VALUE) << 56 | piped | len, SeqCst);
    }

    /// The slots in some state, with the jobs' numbers, oldest first.
    pub(crate) fn slots(&self, state: u64) -> Vec<(usize, u64)> {
        let word = |slot| (slot, self.word(slot).load(SeqCst));
        let mut found: Vec<_> = (0..SLOTS)
            .map(word)
            .filter(|(_, word)| word & 7 == state)
            .map(|(slot, word)| (slot, word >> 3))
            .collect();
        found.sort_by_key(|(_, seq)| *seq);
        found
    }

    /// The job that runs: the attack itself.
    pub(crate) fn mine(&self) -> (usize, u64) {
        let claimed = self.slots(CLAIMED);
        assert_eq!(claimed.len(), 1, "one job runs: {claimed:?}");
        claimed[0]
    }

    /// Leaves a result on the board that nobody has computed.
    pub(crate) fn forge(&self, (slot, seq): (usize, u64)) {
        let mut bytes = Vec::new();
        codec::encode(&LOOT, &mut bytes).expect("a number");
        let mut eight = [0; 8];
        eight[..bytes.len()].copy_from_slice(&bytes);
        let data = self.atomic(128 * (slot + 1) + 40);
        data.store(u64::from_le_bytes(eight), SeqCst);
        self.head(slot)
            .store(u64::from(VALUE) << 56 | bytes.len() as u64, SeqCst);
        self.word(slot).store(seq << 3 | DONE, SeqCst);
    }
}

fn stream_socket(number: i32) -> Option<BorrowedFd<'static>> {
    std::fs::metadata(format!("/proc/self/fd/{number}")).ok()?;
    // SAFETY: it is open, and belongs to the worker, which never closes it. A
    // thread that closes some other one meanwhile would make this test fail, and
    // harm nothing else.
    let fd = unsafe { BorrowedFd::borrow_raw(number) };
    let is_wire = sockopt::socket_domain(fd) == Ok(AddressFamily::UNIX)
        && sockopt::socket_type(fd) == Ok(SocketType::STREAM);
    is_wire.then_some(fd)
}

/// The head of a message of one byte about a job.
pub(crate) fn head_about((slot, seq): (usize, u64), kind: u32) -> Head {
    let (len, slot) = (1, slot as u32);
    Head {
        len,
        slot,
        kind,
        seq,
    }
}

/// Keeps a descriptor of the wire beyond the end of the job.
pub(crate) fn keep(intruder: &Intruder) -> OwnedFd {
    intruder
        .wire
        .as_fd()
        .try_clone_to_owned()
        .expect("a descriptor")
}

pub(crate) fn park() -> ! {
    loop {
        std::thread::park();
    }
}

/// Runs on its own, when the function has long returned.
pub(crate) fn lurk(mut attack: impl FnMut() + Send + 'static) {
    std::thread::spawn(move || {
        loop {
            attack();
        }
    });
}

pub(crate) fn pause(millis: u64) {
    // Not to wait for anything, but to be slow.
    std::thread::sleep(Duration::from_millis(millis));
}

/// Waits at a gate, and breaks in.
pub(crate) fn enter(ticket: (u16, u64)) -> Intruder {
    pass(ticket);
    Intruder::here()
}
