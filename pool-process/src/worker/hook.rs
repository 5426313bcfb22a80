//! The panic hook of a worker, for programs built with `panic = "abort"`.
//!
//! There a panic cannot be caught, so the report is sent from the hook, before
//! the process aborts. Where panics unwind, `catch` reports them and this does
//! nothing.

use crate::transport::{Board, HEAD, Head, WorkerWire, kind};
use executor_core::codec;
use executor_core::panic::PanicReport;
use std::sync::{Mutex, PoisonError};

/// The job that runs, as slot and sequence number.
static RUNNING: Mutex<Option<(usize, u64)>> = Mutex::new(None);

pub(super) fn enter(slot: usize, seq: u64) {
    if cfg!(panic = "abort") {
        *running() = Some((slot, seq));
    }
}

pub(super) fn leave() {
    if cfg!(panic = "abort") {
        *running() = None;
    }
}

fn running() -> std::sync::MutexGuard<'static, Option<(usize, u64)>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn install(board: &'static Board, wire: WorkerWire) {
    if cfg!(panic = "unwind") {
        return;
    }
    let former = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        former(info);
        // Whichever thread of the worker panics, the process ends, and with it
        // the job that runs.
        if let Some((slot, seq)) = running().take() {
            let mut message = vec![0; HEAD];
            let _ = codec::encode(&PanicReport::from_hook(info), &mut message);
            let head = Head {
                len: (message.len() - HEAD) as u64,
                slot: slot as u32,
                kind: kind::PANIC,
                seq,
            };
            if wire.send(head, &mut message).is_ok() {
                board.write(slot, kind::SENT, &[]);
                board.end(slot, seq);
            }
        }
    }));
}
