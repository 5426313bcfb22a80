//! The word of state of a [`Cell`](super::Cell): three bits of phase, and
//! flags. What each phase means stands in the cell's own file.

use crate::watch::Settled;

pub(super) const QUEUED: u8 = 0;
pub(super) const HELD: u8 = 1;
pub(super) const WRITING: u8 = 2;
pub(super) const CALLING: u8 = 3;
pub(super) const DONE: u8 = 4;
pub(super) const TAKEN: u8 = 5;
pub(super) const PHASE: u8 = 0b111;

/// Somebody waits or has left a callback. Never set once `DONE`.
pub(super) const WATCHED: u8 = 1 << 3;
/// The outcome is an error. Set together with `CALLING` or `DONE`.
pub(super) const FAILED: u8 = 1 << 4;
/// That error says that the task was cancelled.
const CANCELLED: u8 = 1 << 5;
/// Somebody has seen the error, or nobody cares: it is not reported. Set by
/// anybody, at any time.
pub(super) const QUIET: u8 = 1 << 6;

/// Somebody wants the function to stop, and was told so by `cancel` or a time
/// limit. Set under the lock of the slot.
pub(super) const WISHED: u8 = 1 << 7;

/// The flags that outlive a change of the rest of the word.
const KEPT: u8 = QUIET | WISHED;

/// Another phase and other flags, but for those that are kept.
pub(super) fn replace(state: u8, next: u8) -> u8 {
    (state & KEPT) | next
}

/// Whether an error that stands in the cell was overlooked by everybody. A
/// cancellation is nobody's mistake.
pub(super) fn is_overlooked(state: u8) -> bool {
    phase(state) == DONE && state & FAILED != 0 && state & (CANCELLED | QUIET) == 0
}

pub(super) fn phase(state: u8) -> u8 {
    state & PHASE
}

/// The same flags, another phase.
pub(super) fn with(state: u8, phase: u8) -> u8 {
    (state & !PHASE) | phase
}

pub(super) fn outcome_flags(settled: Settled) -> u8 {
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
    pub(super) fn of(state: u8) -> Self {
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
