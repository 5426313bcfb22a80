//! Waiting for news: looking for a while, then sleeping.

use super::Supervisor;
use crate::config::{GRACE, ROUND};
use crate::crew;
use crate::seat::{LOOKS, Occupant};
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
        // Of one that is distrusted there is no news but its end. The others may be given a
        // job at any moment.
        let listened_to = |worker: &&Arc<Occupant>| !worker.is_distrusted();
        let workers: Vec<&Arc<Occupant>> = self.workers.iter().filter(listened_to).collect();
        let busy = workers.iter().any(|its| !its.flight.is_empty());
        let attention = &self.dispatch.poller.attention;
        let has_news = || workers.iter().any(|its| its.flight.has_news());
        let ready = || attention.is_poked() || has_news();
        // Ends and messages are heard of in between, too, and not only in sleep.
        self.unpolled += 1;
        let by_message = self.dispatch.config.transport == Transport::Messages;
        if by_message && busy || self.unpolled >= LONG {
            self.unpolled = 0;
            self.dispatch
                .poller
                .sleep(Some(Duration::ZERO), &mut self.happened);
        }
        if self.is_behind || ready() || !self.happened.is_empty() {
            return;
        }
        let (limit, is_long) = self.dispatch.rest_limit(self.is_in_use, self.next_round);
        if limit == Some(Duration::ZERO) {
            return;
        }
        self.has_slept_long |= is_long;
        let (dispatch, shift) = (self.dispatch, self.shift);
        let happened = &mut self.happened;
        let sleep = || {
            if !dispatch.crew.role.rest(shift) {
                return false;
            }
            // Announced, and then looked once more: see `transport/bell.rs`.
            workers.iter().for_each(|its| its.board.announce_sleep());
            if attention.sleep() && !has_news() {
                dispatch.poller.sleep(limit, happened);
            }
            workers.iter().for_each(|its| its.board.withdraw_sleep());
            dispatch.crew.role.wake(shift);
            crew::watch(dispatch);
            false
        };
        if !busy {
            // At once: where there are few processors, whoever is about to submit needs one.
            let mut sleep = sleep;
            sleep();
            return;
        }
        let patience = match workers.iter().any(|its| its.flight.is_amid()) {
            true => &mut self.amid,
            false => &mut self.patience,
        };
        patience.wait(ready, sleep);
    }
}

impl super::Dispatch {
    /// How long there is nothing to be done unless something happens; `None` is for ever.
    /// And whether that may be longer than until the next round: from here on, whoever
    /// posts a job goes by that.
    fn rest_limit(&self, is_in_use: bool, next_round: Instant) -> (Option<Duration>, bool) {
        let mut state = self.lock();
        let now = Instant::now();
        let busy = is_in_use || state.roster.serving().any(|its| !its.is_idle());
        state.sleeps_long = !busy;
        let mut until = busy.then_some(next_round);
        let few_suffice = state.roster.few_suffice();
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
        by(few_suffice.then(|| now + LOOKS));
        if state.mode().is_some() {
            by(now.checked_add(GRACE));
        }
        state.sleeps_until = until;
        (until.map(|at| at.saturating_duration_since(now)), !busy)
    }
}
