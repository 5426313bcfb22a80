//! The worker's side of the board.

use super::{Board, STEP, step};
use crate::transport::large;
use crate::transport::patience::{Patience, look_until};
use crate::transport::slot::{Order, Outcome, Sight};
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::{Duration, Instant};

/// How long the end of a job is kept from the parent if somebody looks for it.
const LATE: Duration = Duration::from_micros(20);

/// Why there is no argument.
pub(crate) enum NoArgument {
    /// The job was taken back.
    TakenBack,
    /// There is no memory for it.
    TooLarge(u64),
}

impl Board {
    /// Waits for a job. False if there will be none.
    pub(crate) fn await_job(&self, seq: u64, patience: &mut Patience) -> bool {
        let slot = self.slot(seq);
        let work = &self.layout().work;
        let has_come = || {
            work.released.load(SeqCst) > seq
                && matches!(slot.look(seq), Sight::Queued | Sight::Taken)
        };
        self.report_late(seq.wrapping_sub(1), has_come);
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
        large::reserve(buffer, len);
        buffer.try_reserve_exact(len).map_err(no_room)?;
        if start != self.arguments.position() {
            self.arguments.skip_to(start);
            // That makes room, for which the parent may wait.
            self.report();
        }
        let work = &self.layout().work.bell;
        while buffer.len() < len {
            let ready =
                || !matches!(self.arguments.ready(), Ok(0)) || slot.look(seq) != Sight::Queued;
            patience.wait(ready, || work.doze(ready, None));
            if slot.look(seq) != Sight::Queued {
                return Err(NoArgument::TakenBack);
            }
            large::prepare(buffer, STEP);
            let before = self.arguments.position();
            // The parent is trusted to write what it says.
            let _ = self.arguments.read((len - buffer.len()).min(STEP), buffer);
            // Only a parent that waits for room.
            if self.arguments.was_full(before) {
                self.report();
            }
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
            self.report();
        }
    }

    /// A part of a result was written to the wire, whole.
    pub(crate) fn count_part(&self) {
        self.layout().work.parts.fetch_add(1, SeqCst);
    }

    /// So long a job has taken.
    pub(crate) fn note_pace(&self, took: Duration) {
        let nanos = took.as_nanos().clamp(1, u64::MAX.into()) as u64;
        self.layout().work.pace.store(nanos, Relaxed);
    }

    /// Wakes the parent, if it sleeps: something became of a job, or of a pipe.
    pub(crate) fn report(&self) {
        if self.layout().news.must_ring() {
            self.ring();
        }
    }

    /// The same for the end of a job. If somebody looks for that it is put off until
    /// [`await_job`](Self::await_job).
    pub(crate) fn report_end(&self, seq: u64) {
        if self.layout().news.must_ring_for(seq) {
            self.ring();
        }
    }

    /// Makes up for that, unless who looked has come: before the next job begins.
    fn report_late(&self, done: u64, has_come: impl Fn() -> bool) {
        let news = &self.layout().news;
        if !news.is_looked_for(done) {
            return;
        }
        let look = || !news.is_looked_for(done) || has_come();
        let _ = look_until(Instant::now() + LATE, look);
        if news.must_ring_after_all(done) {
            self.ring();
        }
    }

    fn ring(&self) {
        // It would block only after 2^64 times; and then, too, it can be read.
        let _ = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
    }
}
