//! Running jobs, one after another.

use super::{hook, parts};
use crate::image;
use crate::transport::{
    Board, HEAD, Head, INLINE, NoArgument, Parcel, Patience, SAMPLED, WorkerWire, kind, parcels,
};
use executor_core::panic::catch;
use executor_core::{CallFault, codec, pieces, spare};
use std::time::Instant;

/// How much of a buffer is kept for the next job: a large one must not stay for
/// the life of the worker.
const KEPT: usize = 64 * 1024;

/// Runs the jobs that are posted on the board, until there are no more.
pub(super) fn posted(board: &Board) {
    let mut patience = Patience::new();
    let mut amid = patience.clone();
    let (mut argument, mut buffer) = (Vec::new(), Vec::new());
    for seq in 1.. {
        if !board.await_job(seq, &mut patience) {
            return;
        }
        let slot = board.slot(seq);
        let order = slot.order();
        argument.clear();
        match board.argument(seq, order, &mut argument, &mut amid) {
            Ok(()) | Err(NoArgument::TakenBack) => {}
            Err(NoArgument::TooLarge(len)) => {
                let pid = std::process::id();
                eprintln!("worker process {pid} has no memory for an argument of {len} bytes");
                std::process::exit(1);
            }
        }
        if !slot.claim(seq, order.limited.then(Board::now)) {
            // Taken back. The parent is told, so that it can use the slot.
            board.report();
            continue;
        }
        buffer.clear();
        let began = seq.is_multiple_of(SAMPLED).then(Instant::now);
        hook::enter(seq);
        parts::enter(seq);
        let kind = run(order.offset, &mut argument, &mut buffer, 0);
        hook::leave();
        if let Some(began) = began {
            board.note_pace(began.elapsed());
        }
        deliver(board, seq, kind, &buffer, &mut amid);
        put_away(&mut argument);
        put_away(&mut buffer);
    }
}

/// Empties a buffer. The memory of a large one is not to stay in it.
fn put_away(buffer: &mut Vec<u8>) {
    if buffer.capacity() >= spare::LEAST {
        spare::give(std::mem::take(buffer));
    }
    buffer.clear();
    buffer.shrink_to(KEPT);
}

/// Leaves a result on the board.
pub(super) fn deliver(board: &Board, seq: u64, kind: u32, result: &[u8], patience: &mut Patience) {
    let slot = board.slot(seq);
    if result.len() <= INLINE {
        slot.write(kind, result);
    } else {
        board.send(seq, kind, result, patience);
    }
    if !slot.end(seq) {
        wait_for_the_end();
    }
    board.report_end(seq);
}

/// Runs all jobs of a message.
pub(super) fn all(board: &Board, wire: &WorkerWire, message: &[u8]) {
    let (mut argument, mut buffer) = (Vec::new(), Vec::new());
    for parcel in parcels(message) {
        let Some(parcel) = parcel else {
            // The parent is trusted; a message it has garbled is a bug, and
            // going on would leave its jobs waiting for ever.
            eprintln!("a worker was sent a message that it cannot read");
            std::process::abort();
        };
        let seq = parcel.seq;
        if !board.slot(seq).claim(seq, parcel.limited.then(Board::now)) {
            // Taken back. The parent is told, so that it can use the slot.
            ring(board, wire);
            continue;
        }
        buffer.clear();
        buffer.resize(HEAD, 0);
        argument.clear();
        pieces::append(&mut argument, parcel.argument);
        hook::enter(seq);
        parts::enter(seq);
        let kind = run(parcel.offset, &mut argument, &mut buffer, HEAD);
        hook::leave();
        send_or_leave(board, wire, &parcel, kind, &mut buffer);
        put_away(&mut argument);
        put_away(&mut buffer);
    }
}

/// Calls the function. Its result, or what is to be said in place of one, is
/// written to `buffer` from `start` on.
fn run(offset: i64, argument: &mut Vec<u8>, buffer: &mut Vec<u8>, start: usize) -> u32 {
    // SAFETY: the parent runs the same image, which the handshake has checked,
    // and took the offset from an entry of its own.
    let Some(entry) = (unsafe { image::entry_at(offset) }) else {
        let fault = CallFault::Argument("its function is not in this program".to_owned());
        return report(&fault, buffer, start, kind::FAULT);
    };
    match catch(|| entry.call(argument, buffer)) {
        Ok(Ok(())) => kind::VALUE,
        Ok(Err(fault)) => report(&fault, buffer, start, kind::FAULT),
        Err(panic) => report(&panic, buffer, start, kind::PANIC),
    }
}

/// Replaces what is in the buffer by a report.
fn report<T: serde::Serialize>(report: &T, buffer: &mut Vec<u8>, start: usize, kind: u32) -> u32 {
    buffer.truncate(start);
    // Texts and options only: it cannot fail, and if it did, the empty report
    // would be refused as malformed.
    let _ = codec::encode(report, buffer);
    kind
}

/// Leaves a small result on the board and sends a large one.
fn send_or_leave(
    board: &Board,
    wire: &WorkerWire,
    parcel: &Parcel<'_>,
    kind: u32,
    buffer: &mut [u8],
) {
    let slot = board.slot(parcel.seq);
    if buffer.len() - HEAD <= INLINE {
        slot.write(kind, &buffer[HEAD..]);
    } else {
        let head = Head {
            len: (buffer.len() - HEAD) as u64,
            slot: parcel.slot as u32,
            kind,
            seq: parcel.seq,
        };
        // The function has ended, however long this takes.
        slot.write(kind::SENT, &[]);
        send(wire, head, buffer);
    }
    if !slot.end(parcel.seq) {
        wait_for_the_end();
    }
    ring(board, wire);
}

fn ring(board: &Board, wire: &WorkerWire) {
    if board.must_ring() {
        send(wire, Head::plain(kind::BELL, 0), &mut [0; HEAD]);
    }
}

fn send(wire: &WorkerWire, head: Head, buffer: &mut [u8]) {
    // A parent that does not listen has dismissed this process, or is gone: the
    // next wait for jobs ends it, or the watch on the parent.
    let _ = wire.send(head, buffer);
}

/// Condemned: the parent has promised that nothing else runs here.
fn wait_for_the_end() -> ! {
    loop {
        std::thread::park();
    }
}
