//! How long to look before one sleeps.
//!
//! Waking a sleeper takes a system call, and a processor that sleeps with it
//! takes tens of microseconds to come back. So whoever waits for the other side
//! looks for a while first. That pays only if the wait is short, so each wait
//! teaches the next one: when it was over within the longest time that one would
//! look, the next one looks for so long; when it was not, for half as long. While
//! it looks it lets others have the processor, so that whoever it waits for can
//! come to run there.
//!
//! Waiting in the midst of a large payload is another matter than waiting for a job:
//! whoever does both has a patience for each, so that a long time without jobs does
//! not send it to sleep between two pieces.
//!
//! Where there is but one processor nobody looks: the other side cannot do
//! anything meanwhile.

use std::num::NonZeroUsize;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The longest that anybody looks.
const LONGEST: Duration = Duration::from_micros(50);
/// Less than this is not worth it.
const SHORTEST: Duration = Duration::from_micros(4);
/// How often one looks before one asks for the time and offers the processor.
const LOOKS: u32 = 64;
/// So many wake-ups for nothing in one wait are no accident.
const MANY: u32 = 1000;

#[derive(Clone, Debug)]
pub(crate) struct Patience {
    longest: Duration,
    now: Duration,
}

impl Patience {
    /// The patience of a waiter of this process.
    pub(crate) fn new() -> Self {
        let longest = match looks_at_all() {
            false => Duration::ZERO,
            true => LONGEST,
        };
        Self {
            longest,
            now: longest,
        }
    }

    /// Waits until `ready`: looks for a while, then calls `sleep` until it is, or
    /// until `sleep` returns false. Says whether it is.
    pub(crate) fn wait(
        &mut self,
        ready: impl Fn() -> bool,
        mut sleep: impl FnMut() -> bool,
    ) -> bool {
        if ready() {
            return true;
        }
        if self.longest.is_zero() {
            return Self::sleep_until(&ready, &mut sleep);
        }
        let since = Instant::now();
        let found = self.look(since, &ready) || Self::sleep_until(&ready, &mut sleep);
        self.learn(since.elapsed());
        found
    }

    fn look(&self, since: Instant, ready: impl Fn() -> bool) -> bool {
        self.now >= SHORTEST && look_until(since + self.now, ready)
    }

    fn sleep_until(ready: impl Fn() -> bool, mut sleep: impl FnMut() -> bool) -> bool {
        let mut woken = 0;
        while !ready() {
            if !sleep() {
                return ready();
            }
            woken += 1;
            if woken > MANY && !ready() {
                // Somebody wakes it for nothing: it is not to burn the processor.
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        true
    }

    fn learn(&mut self, waited: Duration) {
        self.now = match waited <= self.longest {
            true => self.longest,
            false => self.now / 2,
        };
    }
}

/// How many processors this process may use.
pub(crate) fn processors() -> usize {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    let count = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    *PROCESSORS.get_or_init(count)
}

/// Whether anybody looks at all: not where there is but one processor.
pub(crate) fn looks_at_all() -> bool {
    processors() > 1
}

/// Looks until it is `ready`, but no longer than `until`, and lets others have the
/// processor meanwhile. Says whether it is.
pub(crate) fn look_until(until: Instant, ready: impl Fn() -> bool) -> bool {
    loop {
        for _ in 0..LOOKS {
            std::hint::spin_loop();
            if ready() {
                return true;
            }
        }
        if Instant::now() > until {
            return false;
        }
        std::thread::yield_now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn patience(longest: Duration) -> Patience {
        Patience {
            longest,
            now: longest,
        }
    }

    #[test]
    fn long_waits_are_slept_through_and_short_ones_are_looked_for() {
        let mut patience = patience(LONGEST);
        for _ in 0..10 {
            let slept = Cell::new(false);
            let sleep = || {
                std::thread::sleep(2 * LONGEST);
                !slept.replace(true)
            };
            assert!(patience.wait(|| slept.get(), sleep));
        }
        assert!(patience.now < SHORTEST);
        // Over in no time, though it was slept for.
        let slept = Cell::new(false);
        patience.longest = Duration::from_secs(60);
        assert!(patience.wait(|| slept.get(), || !slept.replace(true)));
        assert_eq!(patience.now, patience.longest);
        let looks = Cell::new(0);
        let ready = || looks.replace(looks.get() + 1) > 1000;
        assert!(patience.wait(ready, || unreachable!("it is ready before")));
    }

    #[test]
    fn a_wait_ends_when_there_is_no_more_time() {
        for longest in [Duration::ZERO, LONGEST] {
            assert!(!patience(longest).wait(|| false, || false));
            assert!(patience(longest).wait(|| true, || unreachable!("no need")));
        }
    }
}
