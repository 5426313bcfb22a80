//! The panic hook of a worker, for programs built with `panic = "abort"`.
//!
//! There a panic cannot be caught, so the report is sent from the hook, before
//! the process aborts. Where panics unwind, `catch` reports them and this does
//! nothing.

use super::{parts, run};
use crate::transport::{Board, HEAD, Head, Patience, Transport, WorkerWire, kind, place};
use executor_core::codec;
use executor_core::panic::PanicReport;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The number of the job that runs.
static RUNNING: Mutex<Option<u64>> = Mutex::new(None);

pub(super) fn enter(seq: u64) {
    if cfg!(panic = "abort") {
        *running() = Some(seq);
    }
}

/// Not while a report is being written: it would be torn.
pub(super) fn leave() {
    if cfg!(panic = "abort") {
        *running() = None;
    }
}

fn running() -> MutexGuard<'static, Option<u64>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn install(way: Transport, board: &'static Board, wire: &'static WorkerWire) {
    if cfg!(panic = "unwind") {
        return;
    }
    let former = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        former(info);
        // Whichever thread of the worker panics, the process ends, and with it
        // the job that runs. The lock is held until then.
        let mut running = running();
        let Some(seq) = running.take() else { return };
        // Not into the middle of one, and none after this.
        parts::stop();
        let mut message = vec![0; HEAD];
        let _ = codec::encode(&PanicReport::from_hook(info), &mut message);
        match way {
            Transport::SharedMemory => {
                let mut patience = Patience::new();
                run::deliver(board, seq, kind::PANIC, &message[HEAD..], &mut patience);
            }
            Transport::Messages => send(board, wire, seq, &mut message),
        }
        std::mem::forget(running);
    }));
}

fn send(board: &Board, wire: &WorkerWire, seq: u64, message: &mut [u8]) {
    let head = Head {
        len: (message.len() - HEAD) as u64,
        slot: place(seq) as u32,
        kind: kind::PANIC,
        seq,
    };
    if wire.send(head, message).is_ok() {
        board.slot(seq).write(kind::SENT, &[]);
        board.slot(seq).end(seq);
    }
}
