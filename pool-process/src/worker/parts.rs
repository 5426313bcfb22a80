//! Parts of results: what a job has finished leaves over the wire while it runs.
//!
//! The thread that runs the job writes them, or one of the core's that looks after it;
//! never both at once, and never between two jobs, when this side writes anything else
//! there. Whoever writes may wait until the parent reads, and the job with it.

use crate::transport::{Board, HEAD, Head, WorkerWire, kind, place};
use executor_core::partial;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};

/// The number of the job that runs. Whoever sends a part of it has been told of it by
/// the thread that runs it, under a lock of the core's.
static RUNNING: AtomicU64 = AtomicU64::new(0);

/// `None` when nothing is to be sent any more.
static WIRE: Mutex<Option<&'static WorkerWire>> = Mutex::new(None);

/// The next job runs.
pub(super) fn enter(seq: u64) {
    RUNNING.store(seq, Relaxed);
}

/// Sends no more parts, once that one is written which is being written: the process is
/// about to abort, and something else is to be written.
pub(super) fn stop() {
    WIRE.lock().unwrap_or_else(PoisonError::into_inner).take();
}

/// From now on parts are sent.
pub(super) fn install(board: &'static Board, wire: &'static WorkerWire) {
    *WIRE.lock().unwrap_or_else(PoisonError::into_inner) = Some(wire);
    let mut message = Vec::new();
    partial::set_sink(move |part| {
        let wire = WIRE.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(wire) = *wire else { return };
        let seq = RUNNING.load(Relaxed);
        let head = Head {
            len: part.len() as u64,
            slot: place(seq) as u32,
            kind: kind::PART,
            seq,
        };
        message.resize(HEAD, 0);
        executor_core::pieces::append(&mut message, part);
        // A parent that does not listen is gone, or will end this process.
        if wire.send(head, &mut message).is_ok() {
            board.count_part();
        }
        message.clear();
        message.shrink_to(KEPT);
    });
}

/// How much of the buffer is kept: a large part must not stay for the life of the worker.
const KEPT: usize = 64 * 1024;
