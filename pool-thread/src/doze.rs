//! [`Doze`]: how long a worker stays awake when it has nothing to do.
//!
//! Falling asleep and being woken cost the two sides far more than a job in
//! sequence takes to come, so a worker first stays awake for a moment: it spins,
//! and lets others run in between, who may be about to submit.
//!
//! On a CPU that somebody else wants, that may be no bargain: whoever is let run
//! there keeps it for a whole time slice, and a job that comes waits until then.
//! One who sleeps and is woken, on the other hand, is run at once. So a worker
//! that was away for long and then finds that a job has waited does without for a
//! while: twice as many times as the last time, until being awake pays again. One
//! that finds no job has lost nothing: it was its own pool, as a rule, that was
//! busy in its place.

use std::time::{Duration, Instant};

/// How often a worker spins before it lets others run, twice as long each time.
const SPINS: u32 = 6;
/// How long it stays awake at the most.
const AWAKE: Duration = Duration::from_micros(30);
/// Who is away for so long has met somebody who wants the CPU.
const AWAY: Duration = Duration::from_micros(100);
/// How many times it does without, at the least and at the most.
const DO_WITHOUT: (u32, u32) = (16, 4096);

#[derive(Debug, Default)]
pub(crate) struct Doze {
    /// So many times it sleeps at once.
    skip: u32,
    /// How many those were after the last bad experience.
    skipped: u32,
    away: bool,
}

impl Doze {
    /// Stays awake for as long as nothing happens and it is no loss.
    pub(crate) fn stay_awake(&mut self, happened: impl Fn() -> bool) {
        for step in 0..SPINS {
            if happened() {
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
        while !happened() && now - start < AWAKE {
            std::thread::yield_now();
            let back = Instant::now();
            self.away |= back - now > AWAY;
            now = back;
        }
    }

    /// It has looked for a job since.
    #[inline]
    pub(crate) fn found(&mut self, job: bool) {
        if self.away {
            self.learn(job);
        }
    }

    #[cold]
    fn learn(&mut self, job: bool) {
        self.away = false;
        let (least, most) = DO_WITHOUT;
        self.skipped = match job {
            true => (2 * self.skipped).clamp(least, most),
            false => self.skipped / 2,
        };
        if job {
            self.skip = self.skipped;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_away_to_no_harm_does_not_mind() {
        let mut doze = Doze {
            away: true,
            ..Doze::default()
        };
        doze.found(false);
        assert_eq!((doze.skip, doze.away), (0, false));
    }

    #[test]
    fn who_has_let_jobs_wait_does_without_ever_more_often() {
        let mut doze = Doze::default();
        for times in [16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 4096] {
            doze.away = true;
            doze.found(true);
            assert_eq!(doze.skip, times);
            (0..times).for_each(|_| doze.stay_awake(|| false));
            assert_eq!(doze.skip, 0);
        }
    }

    #[test]
    fn what_happens_ends_it() {
        Doze::default().stay_awake(|| true);
        let looks = std::cell::Cell::new(0);
        Doze::default().stay_awake(|| looks.replace(looks.get() + 1) == 10);
        assert!(looks.get() <= 12);
    }
}
