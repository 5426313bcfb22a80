//! Waiting for news: looking for a while, then sleeping.

use super::Supervisor;
use crate::config::{GRACE, ROUND};
use crate::crew;
use crate::seat::Occupant;
use crate::transport::Transport;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// After so many rounds without a sleep the kernel is asked what has happened.
const LONG: u32 = 16;

impl Supervisor<'_> {
    /// Waits until there is something to be done. Not if this thread has lost the role.
    pub(super) fn wait(&mut self) {
        // What happens is told once, and to whom it concerns.
        if !self.is_on_duty() {
            return;
        }
        self.look_up_workers();
        // Of one that is distrusted there is no news but its end.
        let is_busy =
            |worker: &&Arc<Occupant>| !worker.flight.is_empty() && !worker.is_distrusted();
        let busy: Vec<&Arc<Occupant>> = self.workers.iter().filter(is_busy).collect();
        let attention = &self.dispatch.poller.attention;
        let ready = || attention.is_poked() || busy.iter().any(|its| its.flight.has_news());
        // Ends and messages are heard of in between, too, and not only in sleep.
        self.unpolled += 1;
        let by_message = self.dispatch.config.transport == Transport::Messages;
        if by_message && !busy.is_empty() || self.unpolled >= LONG {
            self.unpolled = 0;
            self.dispatch
                .poller
                .sleep(Some(Duration::ZERO), &mut self.happened);
        }
        if self.is_behind || ready() || !self.happened.is_empty() {
            return;
        }
        let limit = self.dispatch.rest_limit(!busy.is_empty(), self.next_round);
        if limit == Some(Duration::ZERO) {
            return;
        }
        let (dispatch, shift) = (self.dispatch, self.shift);
        let happened = &mut self.happened;
        let sleep = || {
            if !dispatch.crew.role.rest(shift) {
                return false;
            }
            // Announced, and then looked once more: see `transport/bell.rs`.
            busy.iter().for_each(|its| its.board.announce_sleep());
            if attention.sleep() && !busy.iter().any(|its| its.flight.has_news()) {
                dispatch.poller.sleep(limit, happened);
            }
            busy.iter().for_each(|its| its.board.withdraw_sleep());
            dispatch.crew.role.wake(shift);
            crew::watch(dispatch);
            false
        };
        if busy.is_empty() {
            // At once: where there are few processors, whoever is about to submit needs one.
            let mut sleep = sleep;
            sleep();
            return;
        }
        let patience = match busy.iter().any(|its| its.flight.is_amid()) {
            true => &mut self.amid,
            false => &mut self.patience,
        };
        patience.wait(ready, sleep);
    }
}

impl super::Dispatch {
    /// How long there is nothing to be done unless something happens; `None` is for ever.
    fn rest_limit(&self, busy: bool, next_round: Instant) -> Option<Duration> {
        let state = self.lock();
        let now = Instant::now();
        let mut until = busy.then_some(next_round);
        let mut by = |at: Option<Instant>| {
            until = match (until, at) {
                (Some(until), Some(at)) => Some(until.min(at)),
                (until, at) => until.or(at),
            };
        };
        let changing = state
            .roster
            .seats
            .iter()
            .any(|seat| seat.serving().is_none_or(|its| its.is_ending()));
        by((changing || state.has_unkilled()).then(|| now + ROUND));
        by(state.next_idle_end(&self.config));
        by(state.untidy().map(|(_, at)| at));
        by(state.next_start());
        if state.mode().is_some() {
            by(now.checked_add(GRACE));
        }
        until.map(|until| until.saturating_duration_since(now))
    }
}
