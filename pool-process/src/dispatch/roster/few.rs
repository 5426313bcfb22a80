//! When a few workers are enough for all that waits.
//!
//! Jobs that take a microsecond are done sooner by the workers that are at it than by one
//! that has to be woken. So as soon as as many workers as there are processors have such
//! jobs and get on with them, the idle ones are left alone and none is started, and what
//! waits is shared among those few. That is judged anew in each round of the supervisor and
//! by each submit that finds somebody idle, and the supervisor makes a round each millisecond
//! while it holds: a job that is behind one which turns out to be long waits for two of them.
//! Any change of who is idle or serves ends it until it is judged again.

use super::{Hand, Roster};
use crate::seat::Seat;

impl<W: Hand> Roster<W> {
    /// Whether jobs may wait although workers are idle, as it was judged last.
    pub(crate) fn few_suffice(&self) -> bool {
        self.few_suffice
    }

    /// Judges that, and says so.
    pub(super) fn judge(&mut self) -> bool {
        let others = !self.idle.is_empty() || self.seats.len() < self.max_workers;
        self.few_suffice = others && self.quick_ones(None) >= self.processors;
        self.few_suffice
    }

    /// How many workers share what waits, if this one is given some of it.
    pub(super) fn sharers(&self, worker: u64) -> usize {
        let seats = self.seats.len();
        if seats > self.processors && self.quick_ones(Some(worker)) >= self.processors {
            return self.processors;
        }
        seats.max(1)
    }

    /// How many workers have jobs, this one counted among them, and are quick.
    fn quick_ones(&self, with: Option<u64>) -> usize {
        let counts = |seat: &&Seat<W>| {
            let quick = seat.serving().filter(|its| its.is_quick());
            quick.is_some_and(|its| its.is_busy() || with == Some(seat.id))
        };
        let quick = self.seats.iter().filter(counts);
        quick.take(self.processors).count()
    }
}
