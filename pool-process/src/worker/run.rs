//! Running the jobs of a message, one after another.

use crate::image;
use crate::transport::{Board, HEAD, Head, INLINE, Parcel, WorkerWire, kind, parcels};
use crate::worker::hook;
use executor_core::panic::catch;
use executor_core::{CallFault, codec};

/// Runs all jobs of a message.
pub(super) fn all(board: &Board, wire: &WorkerWire, message: &[u8]) {
    let mut buffer = Vec::new();
    for parcel in parcels(message) {
        let Some(parcel) = parcel else {
            // The parent is trusted; a message it has garbled is a bug, and
            // going on would leave its jobs waiting for ever.
            eprintln!("a worker was sent a message that it cannot read");
            std::process::abort();
        };
        if !board.claim(parcel.slot, parcel.seq, parcel.limited) {
            // Taken back. The parent is told, so that it can use the slot.
            ring(board, wire);
            continue;
        }
        buffer.clear();
        buffer.resize(HEAD, 0);
        hook::enter(parcel.slot, parcel.seq);
        let kind = run(&parcel, &mut buffer);
        hook::leave();
        deliver(board, wire, &parcel, kind, &mut buffer);
        // A large result must not stay for the life of the worker.
        buffer.shrink_to(64 * 1024);
    }
}

/// Calls the function. Its result, or what is to be said in place of one, is
/// appended to `buffer`.
fn run(parcel: &Parcel<'_>, buffer: &mut Vec<u8>) -> u32 {
    // SAFETY: the parent runs the same image, which the handshake has checked,
    // and took the offset from an entry of its own.
    let Some(entry) = (unsafe { image::entry_at(parcel.offset) }) else {
        let fault = CallFault::Argument("its function is not in this program".to_owned());
        return report(&fault, buffer, kind::FAULT);
    };
    match catch(|| entry.call(parcel.argument, buffer)) {
        Ok(Ok(())) => kind::VALUE,
        Ok(Err(fault)) => report(&fault, buffer, kind::FAULT),
        Err(panic) => report(&panic, buffer, kind::PANIC),
    }
}

/// Replaces what is in the buffer by a report.
fn report<T: serde::Serialize>(report: &T, buffer: &mut Vec<u8>, kind: u32) -> u32 {
    buffer.truncate(HEAD);
    // Texts and options only: it cannot fail, and if it did, the empty report
    // would be refused as malformed.
    let _ = codec::encode(report, buffer);
    kind
}

/// Leaves a small result on the board and sends a large one.
fn deliver(board: &Board, wire: &WorkerWire, parcel: &Parcel<'_>, kind: u32, buffer: &mut [u8]) {
    let (slot, seq) = (parcel.slot, parcel.seq);
    if buffer.len() - HEAD <= INLINE {
        board.write(slot, kind, &buffer[HEAD..]);
    } else {
        let head = Head {
            len: (buffer.len() - HEAD) as u64,
            slot: slot as u32,
            kind,
            seq,
        };
        send(wire, head, buffer);
        board.write(slot, kind::SENT, &[]);
    }
    if !board.end(slot, seq) {
        // Condemned: the parent has promised that nothing else runs here.
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

fn wait_for_the_end() -> ! {
    loop {
        std::thread::park();
    }
}
