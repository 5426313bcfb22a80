//! The word of state of a [`Cell`](super::Cell): three bits of phase, and
//! flags. What each phase means stands in the cell's own file.

use crate::watch::Settled;

pub(super) const QUEUED: u16 = 0;
pub(super) const HELD: u16 = 1;
pub(super) const WRITING: u16 = 2;
pub(super) const CALLING: u16 = 3;
pub(super) const DONE: u16 = 4;
pub(super) const TAKEN: u16 = 5;
pub(super) const PHASE: u16 = 0b111;

/// Somebody waits or has left a callback. Never set once `DONE`.
pub(super) const WATCHED: u16 = 1 << 3;
/// The outcome is an error. Set together with `CALLING` or `DONE`.
pub(super) const FAILED: u16 = 1 << 4;
/// That error says that the task was cancelled.
const CANCELLED: u16 = 1 << 5;
/// Somebody has seen the error, or nobody cares: it is not reported. Set by
/// anybody, at any time.
pub(super) const QUIET: u16 = 1 << 6;

/// Somebody wants the function to stop, and was told so by `cancel` or a time
/// limit. Set under the lock of the slot.
pub(super) const WISHED: u16 = 1 << 7;

/// The job stands in a [`JobQueue`](crate::queue::JobQueue), which counts on being
/// told when it is withdrawn. Only together with `QUEUED`.
pub(super) const ENTERED: u16 = 1 << 8;
/// The job was admitted by a ledger, which counts on being told when it is over. Not
/// once `CALLING` or `DONE`: from then on the place knows it.
pub(super) const ADMITTED: u16 = 1 << 9;

/// The flags that outlive a change of the rest of the word.
const KEPT: u16 = QUIET | WISHED;

/// Another phase and other flags, but for those that are kept.
pub(super) fn replace(state: u16, next: u16) -> u16 {
    (state & KEPT) | next
}

/// Whether an error that stands in the cell was overlooked by everybody. A
/// cancellation is nobody's mistake.
pub(super) fn is_overlooked(state: u16) -> bool {
    phase(state) == DONE && state & FAILED != 0 && state & (CANCELLED | QUIET) == 0
}

pub(super) fn phase(state: u16) -> u16 {
    state & PHASE
}

/// The same flags, another phase.
pub(super) fn with(state: u16, phase: u16) -> u16 {
    (state & !PHASE) | phase
}

pub(super) fn outcome_flags(settled: Settled) -> u16 {
    match settled {
        Settled::Value => 0,
        Settled::Error => FAILED,
        Settled::Cancelled => FAILED | CANCELLED,
    }
}

/// What an onlooker may know of a cell's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Not begun.
    Queued,
    /// With an executor: begun, or about to.
    Held,
    /// Resolved; whether the outcome is still there.
    Done { settled: Settled, taken: bool },
}

impl Stage {
    pub(super) fn of(state: u16) -> Self {
        let settled = match (state & FAILED != 0, state & CANCELLED != 0) {
            (false, _) => Settled::Value,
            (true, false) => Settled::Error,
            (true, true) => Settled::Cancelled,
        };
        match phase(state) {
            QUEUED => Self::Queued,
            DONE | TAKEN => Self::Done {
                settled,
                taken: phase(state) == TAKEN,
            },
            _ => Self::Held,
        }
    }
}
