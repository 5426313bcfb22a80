//! The board: memory that one worker shares with its parent.
//!
//! It holds a [`Slot`] for each job that can be with the worker, a [`Pipe`](End)
//! each way for what does not fit into a slot, and a [`Bell`] for each side.
//!
//! Jobs are numbered from one on, and each has the slot after its predecessor's,
//! round and round. The worker takes them in order, so it needs no queue: it
//! looks at the slot of the next number. A number that was taken back is
//! acknowledged in its turn, and its slot is free only then.
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
//! soon as they are there: so a result may be larger than the pipe.
//!
//! # Bells
//!
//! `news` wakes the supervisor: something became of its first job, or there is
//! room or there are bytes in a pipe. `work` wakes the worker: a job was posted
//! or taken back, or there is room or there are bytes in a pipe, or there will be
//! no more jobs. A dead worker rings nothing, so whoever learns of its end sounds
//! the [`alarm`](Board::alarm).
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

use super::bell::Bell;
use super::large;
use super::patience::Patience;
use super::pipe::{CAPACITY, Counters, End, Impossible};
use super::slot::{Order, Outcome, Sight, Slot};
use rustix::fs::{MemfdFlags, SealFlags};
use rustix::mm::{MapFlags, ProtFlags};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::time::{Duration, Instant};

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
}

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
    /// The other side has ended; known to the parent alone.
    gone: AtomicBool,
}

// SAFETY: the mapping lives until the board is dropped, and all of it that is
// reached through references is atomic.
unsafe impl Send for Board {}
// SAFETY: as above.
unsafe impl Sync for Board {}

/// Why there is no argument.
pub(crate) enum NoArgument {
    /// The job was taken back.
    TakenBack,
    /// There is no memory for it.
    TooLarge(u64),
}

impl Board {
    /// A new board, and the descriptor through which a worker can
    /// [`open`](Self::open) it.
    pub(crate) fn create() -> io::Result<(Self, OwnedFd)> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let fd = rustix::fs::memfd_create("pool-process board", flags)?;
        rustix::fs::ftruncate(&fd, SIZE as u64)?;
        let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
        rustix::fs::fcntl_add_seals(&fd, seals)?;
        // A memfd is born zeroed, and zero is a slot that no sequence matches.
        Ok((Self::map(&fd)?, fd))
    }

    /// The board that the parent created.
    pub(crate) fn open(fd: impl AsFd) -> io::Result<Self> {
        let size = rustix::fs::fstat(&fd)?.st_size;
        if size != SIZE as i64 {
            let why = format!("not a board: {size} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        Self::map(fd)
    }

    fn map(fd: impl AsFd) -> io::Result<Self> {
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
            gone: AtomicBool::new(false),
        })
    }

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

    /// Wakes the worker, if it sleeps: a job was posted or taken back.
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

    /// Writes a part of an argument: as much as there is room for.
    pub(crate) fn feed(&self, bytes: &[u8]) -> Result<usize, Impossible> {
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

    /// Reads up to `most` bytes of a result; says how many.
    pub(crate) fn drain(&self, most: u64, buffer: &mut Vec<u8>) -> Result<usize, Impossible> {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        large::reserve(buffer, most);
        let mut drained = 0;
        while drained < most {
            let read = self.results.read((most - drained).min(STEP), buffer)?;
            if read == 0 {
                break;
            }
            drained += read;
            self.rouse();
        }
        Ok(drained)
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

    /// Waits until `ready` or until the worker has ended, but no longer than
    /// `limit`.
    pub(crate) fn await_news(
        &self,
        patience: &mut Patience,
        limit: Duration,
        ready: impl Fn() -> bool,
    ) -> bool {
        let bell = &self.layout().news;
        let ready = || self.gone.load(SeqCst) || ready();
        let mut until = None;
        patience.wait(ready, || {
            let until = *until.get_or_insert_with(|| Instant::now() + limit);
            bell.doze(ready, Some(until))
        })
    }

    /// True if the worker has ended.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(SeqCst)
    }

    /// The worker has ended: wakes the supervisor.
    pub(crate) fn alarm(&self) {
        self.gone.store(true, SeqCst);
        self.layout().news.wake();
    }

    /// How long ago the worker began a job that has a time limit. What it claims
    /// is taken for no later than now.
    ///
    /// Only for a slot that is [`Sight::Running`].
    pub(crate) fn runs_for(&self, seq: u64) -> Duration {
        let began = self.slot(seq).began();
        Duration::from_nanos(monotonic_nanos().saturating_sub(began))
    }

    /// Clears the bell that is rung over the wire; the parent looks at the slots
    /// after this.
    pub(crate) fn hear(&self) {
        self.layout().news.announce();
    }

    // ----- the worker's side -----

    /// Waits for a job. False if there will be none.
    pub(crate) fn await_job(&self, seq: u64, patience: &mut Patience) -> bool {
        let slot = self.slot(seq);
        let work = &self.layout().work;
        let has_come = || matches!(slot.look(seq), Sight::Queued | Sight::Taken);
        let ready = || has_come() || work.closed.load(SeqCst) != 0;
        patience.wait(ready, || work.bell.doze(ready, None));
        has_come()
    }

    /// Reads the argument of a job that has not begun.
    pub(crate) fn argument(
        &self,
        seq: u64,
        order: Order,
        buffer: &mut Vec<u8>,
        patience: &mut Patience,
    ) -> Result<(), NoArgument> {
        let slot = self.slot(seq);
        let Some(start) = order.piped else {
            slot.read_argument(order.len, buffer);
            return Ok(());
        };
        let no_room = |_| NoArgument::TooLarge(order.len);
        let len = usize::try_from(order.len).map_err(|_| NoArgument::TooLarge(order.len))?;
        buffer.try_reserve_exact(len).map_err(no_room)?;
        large::advise(buffer);
        self.arguments.skip_to(start);
        let work = &self.layout().work.bell;
        while buffer.len() < len {
            let ready =
                || !matches!(self.arguments.ready(), Ok(0)) || slot.look(seq) != Sight::Queued;
            patience.wait(ready, || work.doze(ready, None));
            if slot.look(seq) != Sight::Queued {
                return Err(NoArgument::TakenBack);
            }
            // The parent is trusted to write what it says.
            let _ = self.arguments.read((len - buffer.len()).min(STEP), buffer);
            self.layout().news.ring();
        }
        Ok(())
    }

    /// Sends a result through the pipe, to be followed by [`Slot::end`].
    pub(crate) fn send(&self, seq: u64, kind: u32, mut bytes: &[u8], patience: &mut Patience) {
        self.slot(seq).announce(Outcome {
            kind,
            piped: true,
            len: bytes.len() as u64,
        });
        let work = &self.layout().work.bell;
        while !bytes.is_empty() {
            let ready = || !matches!(self.results.room(), Ok(0));
            patience.wait(ready, || work.doze(ready, None));
            let written = self.results.write(step(bytes)).unwrap_or(0);
            bytes = &bytes[written..];
            self.layout().news.ring();
        }
    }

    /// Tells the parent, if it sleeps, that something became of a job.
    pub(crate) fn report(&self) {
        self.layout().news.ring();
    }

    /// True if the bell has to be rung over the wire: nobody has since the parent
    /// cleared it.
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

impl Drop for Board {
    fn drop(&mut self) {
        // SAFETY: this is the mapping that `map` made, and no reference into it
        // outlives `self`.
        let unmapped = unsafe { rustix::mm::munmap(self.memory.as_ptr().cast(), SIZE) };
        debug_assert!(unmapped.is_ok());
    }
}

/// The clock that all processes of the system share.
fn monotonic_nanos() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    // Neither is ever negative.
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn pair() -> (Board, Board) {
        let (parent, fd) = Board::create().unwrap();
        let worker = Board::open(&fd).unwrap();
        (parent, worker)
    }

    fn order(len: usize, piped: Option<u64>) -> Order {
        Order {
            offset: 1,
            limited: false,
            len: len as u64,
            piped,
        }
    }

    #[test]
    fn the_size_is_sealed() {
        let (_, fd) = Board::create().unwrap();
        assert!(rustix::fs::ftruncate(&fd, 0).is_err());
        let other = rustix::fs::memfd_create("other", MemfdFlags::CLOEXEC).unwrap();
        assert!(Board::open(other).is_err());
    }

    #[test]
    fn a_worker_sleeps_until_a_job_comes_and_its_parent_until_it_is_done() {
        let (parent, worker) = pair();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut patience = Patience::new();
                for seq in 1..=3000 {
                    assert!(worker.await_job(seq, &mut patience));
                    assert!(worker.slot(seq).claim(seq, None));
                    worker.slot(seq).write(0, &seq.to_le_bytes());
                    assert!(worker.slot(seq).end(seq));
                    worker.report();
                }
                assert!(!worker.await_job(3001, &mut patience));
            });
            let mut patience = Patience::new();
            for seq in 1..=3000 {
                parent.slot(seq).post(seq, order(0, None), b"");
                parent.rouse();
                let ready = || parent.is_news(seq);
                assert!(parent.await_news(&mut patience, LONG, ready));
                assert_eq!(parent.slot(seq).look(seq), Sight::Done);
                assert_eq!(*parent.slot(seq).read(8).unwrap(), seq.to_le_bytes());
            }
            parent.close();
        });
    }

    #[test]
    fn what_is_larger_than_a_pipe_goes_through_it_both_ways() {
        let (parent, worker) = pair();
        let bytes: Vec<u8> = (0..3 * CAPACITY + 7).map(|n| (n >> 5) as u8).collect();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let (mut patience, mut argument) = (Patience::new(), Vec::new());
                assert!(worker.await_job(1, &mut patience));
                let order = worker.slot(1).order();
                let read = worker.argument(1, order, &mut argument, &mut patience);
                assert!(read.is_ok() && worker.slot(1).claim(1, None));
                worker.send(1, 2, &argument, &mut patience);
                assert!(worker.slot(1).end(1));
                worker.report();
            });
            let start = Some(parent.next_argument());
            parent.slot(1).post(1, order(bytes.len(), start), b"");
            parent.rouse();
            let (mut patience, mut fed, mut result) = (Patience::new(), 0, Vec::new());
            while parent.slot(1).look(1) != Sight::Done || result.len() < bytes.len() {
                let feeding = fed < bytes.len();
                let ready = || parent.is_news(1) || feeding && parent.takes_more();
                assert!(parent.await_news(&mut patience, LONG, ready));
                fed += parent.feed(&bytes[fed..]).unwrap();
                let outcome = parent.slot(1).result();
                if outcome.piped {
                    let left = outcome.len - result.len() as u64;
                    parent.drain(left, &mut result).unwrap();
                }
            }
            assert!(result == bytes);
            assert_eq!(parent.slot(1).result().kind, 2);
        });
    }

    #[test]
    fn an_argument_that_is_given_up_in_the_middle_is_skipped() {
        let (parent, worker) = pair();
        parent.slot(1).post(1, order(100, Some(0)), b"");
        parent.feed(&[1; 60]).unwrap();
        assert!(parent.slot(1).take_back(1));
        let start = parent.next_argument();
        parent.slot(2).post(2, order(5, Some(start)), b"");
        parent.feed(b"hello").unwrap();
        let (mut patience, mut argument) = (Patience::new(), Vec::new());
        let order = worker.slot(1).order();
        let read = worker.argument(1, order, &mut argument, &mut patience);
        assert!(matches!(read, Err(NoArgument::TakenBack)));
        assert!(!worker.slot(1).claim(1, None));
        argument.clear();
        let order = worker.slot(2).order();
        assert!(
            worker
                .argument(2, order, &mut argument, &mut patience)
                .is_ok()
        );
        assert_eq!(argument, b"hello");
    }

    #[test]
    fn the_end_of_a_worker_wakes_its_supervisor() {
        let (parent, _) = pair();
        std::thread::scope(|scope| {
            scope.spawn(|| parent.alarm());
            assert!(parent.await_news(&mut Patience::new(), LONG, || false));
        });
        assert!(parent.is_gone());
    }
}
