//! Who holds a job: its [`Control`], which reaches it there.
//!
//! It costs no lock unless somebody asks:
//!
//! * the executor's side writes it in the phase `QUEUED`, before it ends that
//!   phase and after it has come back to it, and so it does the ticket beside it;
//! * who wants to read it takes the lock, sets `WATCHED` in the phase `HELD`, and
//!   reads before giving the lock up;
//! * who ends the phase `HELD` removes it: nobody begins to read it any more, and
//!   if somebody did before, `WATCHED` has led through the lock.

use super::Cell;
use super::phase::{self, HELD, QUEUED, WATCHED, phase};
use crate::control::Control;
use crate::panic::discard;
use crate::sync::lock;
use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

/// In place of a ticket: the job is held to be encoded.
const ENCODING: u64 = u64::MAX;

/// Who holds a job that is not queued.
pub(super) enum Holder {
    /// It is queued.
    Nobody,
    Known(Arc<dyn Control>, u64),
    /// It is being encoded, and is queued again then.
    Encoder,
    /// It runs where it cannot be reached, or is done.
    Unknown,
}

impl<I, T> Cell<I, T> {
    /// `QUEUED → HELD`. False if the job was cancelled meanwhile; true gives
    /// the caller the right to the input.
    pub(crate) fn hold(&self, control: Option<(Arc<dyn Control>, u64)>) -> bool {
        let Some((control, ticket)) = control else {
            return self.advance(QUEUED, HELD);
        };
        self.ticket.store(ticket, Relaxed);
        // SAFETY: the phase is `QUEUED`, and this is the executor's side. There is none
        // to be dropped: whoever ended or left the phase `HELD` has removed it.
        self.control
            .with_mut(|place| unsafe { *place = Some(control) });
        let held = self.advance(QUEUED, HELD);
        if !held {
            // SAFETY: nobody has seen it in the phase `HELD`.
            unsafe { self.remove_control() };
        }
        held
    }

    /// As `hold`, to encode the input: whoever wants to cancel it meanwhile leaves a wish.
    pub(crate) fn hold_to_encode(&self) -> bool {
        self.ticket.store(ENCODING, Relaxed);
        self.advance(QUEUED, HELD)
    }

    /// `HELD → QUEUED`, for a job that is to be run elsewhere.
    ///
    /// False if it was resolved meanwhile, by a time limit.
    pub(crate) fn release(&self) -> bool {
        let released = self.release_unwatched() || {
            // Nobody reads the control meanwhile, nor from then on.
            let _slot = lock(&self.slot);
            self.advance(HELD, QUEUED)
        };
        if released {
            // SAFETY: the phase is `QUEUED`, and this is the executor's side.
            unsafe { self.remove_control() };
        }
        released
    }

    /// The same, if nobody has read the control, nor could from then on.
    fn release_unwatched(&self) -> bool {
        let state = self.state.load(Relaxed);
        let queued = phase::with(state, QUEUED);
        phase(state) == HELD
            && state & WATCHED == 0
            && self
                .state
                .compare_exchange(state, queued, AcqRel, Relaxed)
                .is_ok()
    }

    /// In the phase `HELD`: whether it is held to be encoded.
    pub(super) fn is_being_encoded(&self) -> bool {
        self.ticket.load(Acquire) == ENCODING
    }

    /// Drops the control. Most cells have none, and are not written to.
    ///
    /// # Safety
    /// The caller may write it: see above.
    pub(super) unsafe fn remove_control(&self) {
        // SAFETY: the caller promises that nobody else reaches for it.
        let control = self.control.with_mut(|control| unsafe {
            let control = &mut *control;
            if control.is_some() {
                control.take()
            } else {
                None
            }
        });
        if control.is_some() {
            discard(control);
        }
    }

    /// Who is to be asked about a job that is not queued, or was not a moment
    /// ago.
    pub(super) fn holder(&self) -> Holder {
        let slot = lock(&self.slot);
        let watch = |state| (phase(state) == HELD).then_some(state | WATCHED);
        let known = match self.state.fetch_update(AcqRel, Acquire, watch) {
            Ok(_) if self.ticket.load(Acquire) == ENCODING => return Holder::Encoder,
            // SAFETY: the phase is `HELD` and watched: whoever ends it comes for the
            // lock before the control is removed.
            Ok(_) => self.control.with(|control| unsafe { (*control).clone() }),
            Err(state) if phase(state) == QUEUED => return Holder::Nobody,
            Err(_) => None,
        };
        drop(slot);
        known.map_or(Holder::Unknown, |control| {
            Holder::Known(control, self.ticket.load(Acquire))
        })
    }
}
