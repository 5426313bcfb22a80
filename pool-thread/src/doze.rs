//! [`Doze`]: how long a worker stays awake when it has nothing to do.
//!
//! Falling asleep and being woken cost the two sides far more than a job in
//! sequence takes to come, so a worker first stays awake for a moment: it spins,
//! and lets others run in between, who may be about to submit.
//!
//! On a CPU that somebody else wants, that is no bargain: whoever is let run
//! there keeps it for a whole time slice, and a job comes in vain until then. One
//! who sleeps and is woken, on the other hand, is run at once. A worker learns of
//! that by how long it was away, and then does without for a while: twice as many
//! times as the last time, until being awake pays again.

use std::time::{Duration, Instant};

/// How often a worker spins before it lets others run, twice as long each time.
const SPINS: u32 = 6;
/// How long it stays awake at the most.
const AWAKE: Duration = Duration::from_micros(30);
/// Who is away for so long has met somebody who wants the CPU.
const AWAY: Duration = Duration::from_micros(100);
/// How many times it does without, at the most.
const OFTEN: u32 = 4096;

#[derive(Debug, Default)]
pub(crate) struct Doze {
    /// So many times it sleeps at once.
    skip: u32,
    /// How many those were after the last bad experience.
    skipped: u32,
}

impl Doze {
    /// Stays awake for as long as `waits` and it is no loss.
    pub(crate) fn stay_awake(&mut self, waits: impl Fn() -> bool) {
        for step in 0..SPINS {
            if !waits() {
                return;
            }
            (0..1 << step).for_each(|_| std::hint::spin_loop());
        }
        if self.skip > 0 {
            self.skip -= 1;
            return;
        }
        let start = Instant::now();
        let mut now = start;
        while waits() && now - start < AWAKE {
            std::thread::yield_now();
            let back = Instant::now();
            if back - now > AWAY {
                self.skipped = (2 * self.skipped).clamp(16, OFTEN);
                self.skip = self.skipped;
                return;
            }
            now = back;
        }
        if !waits() {
            self.skipped /= 2;
        }
    }
}
