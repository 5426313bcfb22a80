//! Reaching a job wherever it is: in the queue, or with whoever holds it.
//!
//! A job may move while it is looked for: from the queue to a holder, back, and
//! on to another. So who finds it gone looks again, until it was found in one
//! place and something was done about it there. A function that runs in this process
//! is reached through its token, if it has asked for one.

use super::holding::Holder;
use super::phase::{HELD, WISHED, phase};
use super::{Cell, Stage};
use crate::control::{CancelOutcome, Control};
use crate::error::TaskError;
use crate::panic::{catch, discard};
use crate::say;
use crate::sync::lock;
use crate::token::CancelToken;
use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Acquire};

impl<I, T> Cell<I, T> {
    /// Cancels, or passes the wish on to whoever holds the job.
    ///
    /// `error` is made only if the task is cancelled here.
    pub(crate) fn cancel(&self, error: impl Fn() -> TaskError) -> CancelOutcome {
        loop {
            if self.refuse(&error) {
                return CancelOutcome::BeforeStart;
            }
            match self.holder() {
                Holder::Nobody => {}
                Holder::Known(control, ticket) => {
                    let asked = self.ask_to_stop();
                    // Foreign code, like all that is behind a trait.
                    let outcome = catch(|| control.cancel(ticket)).unwrap_or_else(|report| {
                        say!(error, %report, "an executor panicked over a cancellation");
                        CancelOutcome::TooLate
                    });
                    if outcome.took_effect() {
                        return outcome;
                    }
                    if !self.has_left(&control, ticket) {
                        return asked;
                    }
                }
                Holder::Encoder if self.leave_wish() => return CancelOutcome::Requested,
                Holder::Encoder => {}
                Holder::Unknown => return self.ask_to_stop(),
            }
        }
    }

    /// Asks the function that runs to stop, if it listens; else remembers the wish.
    fn ask_to_stop(&self) -> CancelOutcome {
        match self.wish() {
            Some(token) => {
                token.cancel();
                CancelOutcome::Requested
            }
            None => CancelOutcome::TooLate,
        }
    }

    /// Remembers that the function that runs is to stop, and gives the token that
    /// it looks at, if it has asked for one, to be cancelled under no lock.
    ///
    /// This and [`token`](Self::token) hold the lock of the slot: if the function
    /// asks first, its token is found here, and else it finds the wish.
    pub(crate) fn wish(&self) -> Option<CancelToken> {
        let slot = lock(&self.slot);
        if phase(self.state.load(Acquire)) != HELD {
            return None;
        }
        self.state.fetch_or(WISHED, AcqRel);
        slot.others.as_ref().and_then(|others| others.token.clone())
    }

    /// The token of the function that runs; `make` is called when it first asks.
    pub(crate) fn token(&self, make: impl FnOnce() -> CancelToken) -> CancelToken {
        let known = lock(&self.slot)
            .others
            .as_ref()
            .and_then(|others| others.token.clone());
        let token = known.unwrap_or_else(make);
        let mut slot = lock(&self.slot);
        let token = slot.others().token.get_or_insert(token).clone();
        let wished = self.state.load(Acquire) & WISHED != 0;
        drop(slot);
        if wished {
            token.cancel();
        }
        token
    }

    /// Fails the job unless it has started: its time in the queue is over.
    pub(crate) fn expire_in_queue(&self, error: impl Fn() -> TaskError) {
        while !self.refuse(&error) {
            match self.holder() {
                Holder::Nobody => {}
                Holder::Known(control, ticket) => {
                    if control.withdraw(ticket, error()) || !self.has_left(&control, ticket) {
                        return;
                    }
                }
                // Made up for when it is encoded.
                Holder::Encoder | Holder::Unknown => return,
            }
        }
    }

    /// Remembers that a job which is being encoded is not to run. False if it is not
    /// being encoded any more.
    fn leave_wish(&self) -> bool {
        let _slot = lock(&self.slot);
        let encoded = phase(self.state.load(Acquire)) == HELD && self.is_being_encoded();
        if encoded {
            self.state.fetch_or(WISHED, AcqRel);
        }
        encoded
    }

    /// Whether somebody wanted to cancel it while it was encoded.
    pub(crate) fn is_wished_away(&self) -> bool {
        self.state.load(Acquire) & WISHED != 0
    }

    /// Whether the job has left this holder, for the queue or for another.
    fn has_left(&self, control: &Arc<dyn Control>, ticket: u64) -> bool {
        match self.holder() {
            Holder::Nobody | Holder::Encoder => true,
            Holder::Known(now, its) => !Arc::ptr_eq(&now, control) || its != ticket,
            Holder::Unknown => false,
        }
    }

    /// Why a thread that blocks for the outcome would wait in vain, if it would.
    pub(crate) fn stuck(&self) -> Option<TaskError> {
        if self.is_calling_back() {
            let why = "it is not done before its done callback is, which waits for it";
            return Some(TaskError::would_deadlock(why));
        }
        match self.holder() {
            Holder::Known(control, ticket) => control.stuck(ticket),
            Holder::Nobody | Holder::Encoder | Holder::Unknown => None,
        }
    }

    /// Has whoever holds the job look for its result for a moment.
    pub(crate) fn await_briefly(&self) {
        if self.stage() != Stage::Held {
            return;
        }
        if let Holder::Known(control, ticket) = self.holder() {
            control.await_briefly(ticket);
            discard(control);
        }
    }

    /// Whether the function has started and is not done.
    pub(crate) fn is_running(&self) -> bool {
        match self.holder() {
            Holder::Nobody | Holder::Encoder => false,
            Holder::Known(control, ticket) => control.is_running(ticket),
            Holder::Unknown => self.stage() == Stage::Held,
        }
    }
}
