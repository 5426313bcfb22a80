//! The board: memory that one worker shares with its parent.
//!
//! It holds a [`Slot`] for each job that can be with the worker, a [`Pipe`](End)
//! each way for what does not fit into a slot, and a [`Bell`] for each side.
//!
//! Jobs are numbered from one on, and each has the slot after its predecessor's,
//! round and round. The worker takes them in order, so it needs no queue: it
//! looks at the slot of the next number. Jobs that are posted together are
//! released together, with one wake-up, and each can be taken back at once. A number that
//! was taken back is acknowledged in its turn, and its slot is free only then.
//!
//! # Arguments and results that do not fit into a slot
//!
//! An argument in the pipe starts at the position that its slot names. The
//! parent feeds one at a time, that of the job that was posted last, and gives it
//! up in the middle when the job was taken back; the worker then acknowledges the
//! job without reading the rest, and goes to the position that the next one
//! names.
//!
//! A result in the pipe follows the one before it. The worker announces its kind
//! and length in the slot, writes the bytes, and ends the job when all are
//! written. The parent reads them, into memory that grows with what comes, as
//! soon as they are there: so a result may be larger than the pipe. One that goes by
//! message is announced as well. From the announcement on the function has ended: its
//! time limit is kept, and what counts is that the result comes, see
//! `supervisor/rounds.rs`.
//!
//! # Parts of results
//!
//! Results that leave a job while it runs go over the wire, whatever the others do:
//! they are rare. When one is written whole the worker counts it, and so before it ends
//! the job: who finds a job done and has not read so many parts reads the wire first.
//!
//! # Pace
//!
//! The worker notes how long a job has taken, one in [`SAMPLED`]: it is the only one who
//! knows, since it begins its jobs unasked. What follows is in `dispatch/roster/few.rs`.
//!
//! # Bells
//!
//! `news` wakes the supervisor, which waits for all workers of the pool in one place, and
//! so through a descriptor: something became of the first job, or there is room or
//! there are bytes in a pipe. `work` wakes the worker: a job was
//! released or taken back, or there is room or there are bytes in a pipe, or there will be
//! no more jobs. A dead worker rings nothing; the kernel announces its end.
//!
//! Where jobs go by message, only the slots' states and small results are used,
//! and `news` is rung over the wire.
//!
//! # Trust
//!
//! The parent believes nothing here: sequence numbers and states are compared
//! with its own table, lengths and positions are checked, results are copied out
//! before they are decoded. The memory is a memfd sealed against being resized, so
//! a worker cannot make the parent fault by truncating it.

mod memory;
mod worker;

#[cfg(test)]
mod tests;

pub(crate) use self::worker::NoArgument;

use super::bell::Bell;
use super::frame::kind;
use super::large;
use super::pipe::{CAPACITY, Counters, End, Impossible};
use super::slot::{Sight, Slot};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::Duration;

/// How many jobs can be with one worker at a time.
pub(crate) const SLOTS: usize = 512;

#[derive(Debug)]
#[repr(C, align(128))]
struct Layout {
    news: Bell,
    slots: [Slot; SLOTS],
    work: Work,
    arguments: Counters,
    results: Counters,
}

#[derive(Debug)]
#[repr(C, align(128))]
struct Work {
    bell: Bell,
    /// There will be no more jobs.
    closed: AtomicU32,
    /// The worker may begin the jobs before this number.
    released: AtomicU64,
    /// So many parts of results the worker has sent over the wire.
    parts: AtomicU64,
    /// How long one of its last jobs took the worker, in nanoseconds; or zero.
    pace: AtomicU64,
}

/// The time is taken of one job in so many: asking for it twice costs some 50 ns.
pub(crate) const SAMPLED: u64 = 32;

/// How many bytes are moved at a time: small enough for the other side to find
/// them in a cache.
const STEP: usize = 64 * 1024;

fn step(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(STEP)]
}

/// Where the bytes of the pipes begin.
const BYTES: usize = size_of::<Layout>().next_multiple_of(4096);
const SIZE: usize = BYTES + 2 * CAPACITY;

/// One side's view of the board.
#[derive(Debug)]
pub(crate) struct Board {
    memory: NonNull<Layout>,
    arguments: End,
    results: End,
    /// What `news` is rung with.
    bell: OwnedFd,
    /// How much had been moved when the pipes were last emptied of memory; known to
    /// the parent alone.
    shrunk_at: AtomicU64,
}

// SAFETY: the mapping lives until the board is dropped, and all of it that is
// reached through references is atomic.
unsafe impl Send for Board {}
// SAFETY: as above.
unsafe impl Sync for Board {}

impl Board {
    fn layout(&self) -> &Layout {
        // SAFETY: the mapping is of this size, aligned to a page, and lives as
        // long as `self`; every bit pattern is a valid atomic integer.
        unsafe { self.memory.as_ref() }
    }

    /// The slot of a job.
    pub(crate) fn slot(&self, seq: u64) -> &Slot {
        &self.layout().slots[place(seq)]
    }

    // ----- the parent's side -----

    /// Lets the worker begin the jobs before this number, which were posted, and
    /// wakes it if it sleeps.
    pub(crate) fn release(&self, until: u64) {
        // Two threads may say it, in any order.
        self.layout().work.released.fetch_max(until, SeqCst);
        self.rouse();
    }

    /// Wakes the worker, if it sleeps: it may go on.
    pub(crate) fn rouse(&self) {
        self.layout().work.bell.ring();
    }

    /// There will be no more jobs.
    pub(crate) fn close(&self) {
        self.layout().work.closed.store(1, SeqCst);
        self.rouse();
    }

    /// Where the next argument in the pipe will start.
    pub(crate) fn next_argument(&self) -> u64 {
        self.arguments.position()
    }

    /// Writes a part of an argument: as much as there is room for, and no more than
    /// a pipe holds, however fast the worker reads: others wait for the caller.
    pub(crate) fn feed(&self, bytes: &[u8]) -> Result<usize, Impossible> {
        let bytes = &bytes[..bytes.len().min(CAPACITY)];
        let mut fed = 0;
        // In steps, so that the worker reads one while the next is written.
        while fed < bytes.len() {
            let written = self.arguments.write(step(&bytes[fed..]))?;
            if written == 0 {
                break;
            }
            fed += written;
            self.rouse();
        }
        Ok(fed)
    }

    /// True if there is room for more of an argument, or the worker says what
    /// cannot be.
    pub(crate) fn takes_more(&self) -> bool {
        !matches!(self.arguments.room(), Ok(0))
    }

    /// Reads up to `most` bytes of a result, and no more than a pipe holds; says how
    /// many.
    pub(crate) fn drain(&self, most: u64, buffer: &mut Vec<u8>) -> Result<usize, Impossible> {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        large::reserve(buffer, most);
        let most = most.min(CAPACITY);
        let mut drained = 0;
        while drained < most {
            large::prepare(buffer, STEP);
            let start = self.results.position();
            let read = self.results.read((most - drained).min(STEP), buffer)?;
            if read == 0 {
                break;
            }
            drained += read;
            // Only a worker that waits for room: one that has written all may be
            // asleep, and waking it takes longer than to read on.
            if self.results.was_full(start) {
                self.rouse();
            }
        }
        Ok(drained)
    }

    /// True if the pipe holds bytes that no result accounts for: the job with this
    /// number still runs and has sent all that it announced.
    pub(crate) fn holds_too_much(&self, seq: u64) -> bool {
        // In this order: bytes of the next job come after the end of this one.
        !matches!(self.results.ready(), Ok(0)) && self.slot(seq).look(seq) == Sight::Running
    }

    /// True if the worker says that the function of the first job, whose number this
    /// is, has ended, and that it is sending a result that does not fit into a slot.
    pub(crate) fn is_sending(&self, seq: u64) -> bool {
        let slot = self.slot(seq);
        let outcome = slot.result();
        slot.look(seq) == Sight::Running && (outcome.piped || outcome.kind == kind::SENT)
    }

    /// How many parts of results the worker says that it has sent. Those of a job that
    /// was seen to be done are among them.
    pub(crate) fn parts(&self) -> u64 {
        self.layout().work.parts.load(SeqCst)
    }

    /// How long one of its last jobs took the worker, as it says.
    pub(crate) fn pace(&self) -> Option<Duration> {
        let nanos = self.layout().work.pace.load(Relaxed);
        (nanos != 0).then(|| Duration::from_nanos(nanos))
    }

    /// How many bytes have gone and come through the pipes, in all.
    pub(crate) fn moved(&self) -> u64 {
        self.arguments.position() + self.results.position()
    }

    /// True if something became of the first job, whose number this is.
    pub(crate) fn is_news(&self, seq: u64) -> bool {
        match self.slot(seq).look(seq) {
            Sight::Queued | Sight::Taken | Sight::Condemned => false,
            Sight::Running => {
                !matches!(self.results.ready(), Ok(0)) && self.slot(seq).result().piped
            }
            Sight::Done | Sight::Acked | Sight::Nonsense => true,
        }
    }

    /// The descriptor that becomes readable when the worker rings.
    pub(crate) fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    /// The supervisor is about to sleep, and looks once more after this.
    pub(crate) fn announce_sleep(&self) {
        self.layout().news.announce();
    }

    /// The supervisor is awake, and need not be woken.
    pub(crate) fn withdraw_sleep(&self) {
        self.layout().news.withdraw();
    }

    /// Somebody looks for the end of this job: the supervisor need not be woken for it.
    pub(crate) fn look_for(&self, seq: u64) {
        self.layout().news.look_for(seq);
    }

    /// Nobody looks for it any more. Who did looks once more after this.
    pub(crate) fn look_no_more(&self, seq: u64) {
        self.layout().news.look_no_more(seq);
    }

    /// How long ago the worker began a job that has a time limit. What it claims
    /// is taken for no later than now.
    ///
    /// Only for a slot that is [`Sight::Running`].
    pub(crate) fn runs_for(&self, seq: u64) -> Duration {
        let began = self.slot(seq).began();
        Duration::from_nanos(monotonic_nanos().saturating_sub(began))
    }

    /// True if the bell has to be rung over the wire: the supervisor sleeps, and nobody
    /// else has rung since it announced that.
    pub(crate) fn must_ring(&self) -> bool {
        self.layout().news.must_ring()
    }

    /// The time as both sides know it.
    pub(crate) fn now() -> u64 {
        monotonic_nanos()
    }

    /// Writes anything anywhere into the counters of the pipes.
    #[cfg(fuzzing)]
    pub(crate) fn poke(&self, place: usize, value: u64) {
        [&self.arguments, &self.results][place / 2 % 2].poke(place, value);
    }
}

/// Which slot a job has.
pub(crate) fn place(seq: u64) -> usize {
    (seq % SLOTS as u64) as usize
}

/// The clock that all processes of the system share.
fn monotonic_nanos() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    // Neither is ever negative.
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
