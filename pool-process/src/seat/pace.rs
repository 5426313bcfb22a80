//! [`Pace`]: whether a worker is quick: its jobs take less than to wake another worker for
//! them, and it gets on with them.
//!
//! | what is seen | then it is |
//! |---|---|
//! | it has finished a job, and says that one took less than [`QUICK`] | quick |
//! | it has finished a job, and says that one took longer, or nothing | not quick |
//! | it is given a job and had none for a [`LOOKS`] | not quick |
//! | it has the same first job as a [`LOOKS`] ago | not quick, and what it has said of its jobs so far is not believed any more |
//!
//! So a worker that lies about how long its jobs take, or is quick until a long one comes,
//! is found out after two looks. Jobs that take longer than that, but less than a look, and
//! come among shorter ones, are found only by chance.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

/// To wake a process that sleeps takes its parent 7 µs, and itself as long.
const QUICK: Duration = Duration::from_micros(10);
/// How often it is looked whether the quick ones get on.
pub(crate) const LOOKS: Duration = Duration::from_millis(1);

/// The pace of one worker, as its parent sees it.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    is_quick: AtomicBool,
    /// What it has said last of how long its jobs take, in nanoseconds; and what of that is
    /// not believed any more.
    said: AtomicU64,
    disbelieved: AtomicU64,
    /// The number of its first job when that was looked at last, or zero.
    first: AtomicU64,
}

impl Pace {
    /// The worker has finished a job, and says how long one has taken.
    pub(crate) fn gets_on(&self, took: Option<Duration>) {
        let said = took.map_or(0, |took| took.as_nanos() as u64);
        if self.said.load(Relaxed) != said {
            self.said.store(said, Relaxed);
        }
        let is_quick =
            took.is_some_and(|took| took < QUICK) && said != self.disbelieved.load(Relaxed);
        if self.is_quick() != is_quick {
            self.is_quick.store(is_quick, Relaxed);
        }
    }

    /// It is given a job and had none for long: how quick it was says nothing any more.
    pub(crate) fn begin_anew(&self) {
        self.is_quick.store(false, Relaxed);
    }

    /// Its first job has this number now, or it has none. Says whether it does not get on.
    pub(crate) fn look(&self, first: Option<u64>) -> bool {
        let before = self.first.swap(first.unwrap_or(0), Relaxed);
        if first != Some(before) {
            return false;
        }
        self.is_quick.store(false, Relaxed);
        self.disbelieved.store(self.said.load(Relaxed), Relaxed);
        true
    }

    pub(crate) fn is_quick(&self) -> bool {
        self.is_quick.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_finishes_short_jobs_is_quick_until_one_is_seen_twice() {
        let pace = Pace::default();
        assert!(!pace.is_quick());
        pace.gets_on(None);
        assert!(!pace.is_quick());
        pace.gets_on(Some(QUICK / 2));
        assert!(pace.is_quick());
        for first in [Some(1), Some(2), None, None, Some(3)] {
            assert!(!pace.look(first) && pace.is_quick());
        }
        assert!(pace.look(Some(3)) && !pace.is_quick());
        pace.gets_on(Some(QUICK / 2));
        assert!(!pace.is_quick(), "it has said that before");
        pace.gets_on(Some(QUICK / 3));
        assert!(pace.is_quick());
        pace.begin_anew();
        assert!(!pace.is_quick());
        pace.gets_on(Some(QUICK / 3));
        assert!(pace.is_quick());
        pace.gets_on(Some(QUICK));
        assert!(!pace.is_quick());
    }
}
