//! Packing a job: encoding its argument, which is the user's code and may take long.
//!
//! A job that is being packed is with nobody yet: neither in the queue nor with a worker.
//! It can be cancelled all the same, and its time in the queue goes on. Its control is the
//! flight of the worker that it is meant for, with a ticket of the thread that packs it;
//! the flight then asks that thread's [`Packing`], which notes that the job is not to run.
//! When the job is posted it gets a ticket of the flight's own.
//!
//! | word | meaning | set by |
//! |---|---|---|
//! | ticket, `OPEN` | the job is being packed | the thread that packs |
//! | ... and `REFUSED` | it is not to run; why stands beside the word, under a lock | whoever cancels, from `OPEN` |
//! | ticket alone | it is posted, or given up | the thread that packs |
//!
//! Each job costs one exchange of the word; the lock is taken only if somebody cancels.

use crate::flight::Flight;
use crate::image;
use crate::transport::Transport;
use executor_core::{HeldJob, Job, TaskError};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// What one thread packs at present.
#[derive(Debug)]
pub(crate) struct Packing {
    /// Tells the threads apart, see [`Packings`].
    thread: u64,
    word: AtomicU64,
    refused: Mutex<Option<TaskError>>,
}

/// Those of all threads that have ever packed for a pool.
#[derive(Debug, Default)]
pub(crate) struct Packings(Mutex<Vec<Weak<Packing>>>);

/// Tells a ticket of a thread that packs from one of a flight.
const PACKING: u64 = 1 << 63;
/// How many bits tell the jobs of a thread apart.
const JOBS: u32 = 44;
const OPEN: u64 = 1;
const REFUSED: u64 = 2;

/// A job that was packed.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) job: HeldJob,
    /// Where its trampoline is, from the anchor of the program's image.
    pub(crate) offset: i64,
    /// How many bytes of the argument stand in the job itself.
    pub(crate) rest: usize,
}

/// An argument with no fewer bytes, if it is nothing else, is not encoded but fed from
/// where it is.
const LARGE: usize = 64 * 1024;

impl Packings {
    /// One for this thread.
    pub(crate) fn join(&self) -> Arc<Packing> {
        let mut all = self.lock();
        let free = all.iter().position(|known| known.strong_count() == 0);
        let place = free.unwrap_or(all.len());
        let packing = Arc::new(Packing {
            thread: place as u64,
            // What an earlier thread has packed is not this one's.
            word: AtomicU64::new(START.fetch_add(1 << 32, Relaxed) << 2),
            refused: Mutex::default(),
        });
        match free {
            Some(place) => all[place] = Arc::downgrade(&packing),
            None => all.push(Arc::downgrade(&packing)),
        }
        packing
    }

    /// Notes why a job is not to run. False if it is not being packed.
    pub(crate) fn refuse(&self, ticket: u64, error: impl FnOnce() -> TaskError) -> bool {
        if !is_packing(ticket) {
            return false;
        }
        let thread = (ticket & !PACKING) >> JOBS;
        let known = usize::try_from(thread).ok().and_then(|place| {
            let all = self.lock();
            all.get(place).and_then(Weak::upgrade)
        });
        known.is_some_and(|packing| packing.refuse(ticket, error))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Packing>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the next thread begins to count its jobs.
static START: AtomicU64 = AtomicU64::new(0);

/// Whether a ticket is that of a job which is, or was, being packed.
pub(crate) fn is_packing(ticket: u64) -> bool {
    ticket & PACKING != 0
}

impl Packing {
    fn refused(&self) -> MutexGuard<'_, Option<TaskError>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ticket of a job with this word.
    fn ticket(&self, word: u64) -> u64 {
        PACKING | self.thread << JOBS | (word >> 2) & ((1 << JOBS) - 1)
    }

    /// Encodes a job's argument into `buffer`, which is empty. `None` if the job was
    /// cancelled or cannot be sent, which its owner has been told.
    pub(crate) fn pack(
        &self,
        job: Job,
        flight: &Arc<Flight>,
        way: Transport,
        buffer: &mut Vec<u8>,
    ) -> Option<Parcel> {
        if !job.is_queued() {
            return None;
        }
        let Some(entry) = job.entry() else {
            job.fail(TaskError::encode(
                "a closure that captures",
                "it cannot leave its process",
            ));
            return None;
        };
        let Some(offset) = image::offset_of(entry) else {
            let function = job.function();
            job.fail(TaskError::encode(
                format!("function `{function}`"),
                "it is not part of the program itself but of a dynamic library, where a worker \
                 could not find it",
            ));
            return None;
        };
        let ticket = self.open();
        let Some(mut job) = job.hold(flight.clone(), ticket) else {
            self.close();
            return None;
        };
        match encode(&mut job, way, buffer) {
            Ok(rest) => Some(Parcel { job, offset, rest }),
            Err(error) => {
                let refused = self.close();
                job.fail(refused.unwrap_or(error));
                None
            }
        }
    }

    fn open(&self) -> u64 {
        // Only this thread changes a word that is not open.
        let word = ((self.word.load(Relaxed) >> 2) + 1) << 2 | OPEN;
        self.word.store(word, Release);
        self.ticket(word)
    }

    /// From now on nobody is told that the job can still be stopped here. Gives the
    /// reason if it is not to run.
    pub(crate) fn close(&self) -> Option<TaskError> {
        let word = self.word.load(Relaxed);
        let word = self.word.swap(word & !(OPEN | REFUSED), AcqRel);
        match word & REFUSED {
            0 => None,
            _ => self.refused().take(),
        }
    }

    fn refuse(&self, ticket: u64, error: impl FnOnce() -> TaskError) -> bool {
        // Held until the reason is there, for which `close` comes.
        let mut refused = self.refused();
        let word = self.word.load(Acquire);
        if self.ticket(word) != ticket || word & OPEN == 0 {
            return false;
        }
        if word & REFUSED != 0 {
            return true;
        }
        let open = self
            .word
            .compare_exchange(word, word | REFUSED, AcqRel, Acquire)
            .is_ok();
        if open {
            *refused = Some(error());
        }
        open
    }
}

fn encode(job: &mut HeldJob, way: Transport, buffer: &mut Vec<u8>) -> Result<usize, TaskError> {
    let mut rest = 0;
    if way == Transport::SharedMemory && job.encode_argument_head(LARGE, buffer)? {
        job.with_argument_bytes(|bytes| rest = bytes.len());
        return Ok(rest);
    }
    job.encode_argument(buffer)?;
    Ok(rest)
}
