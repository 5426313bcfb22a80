//! [`Freezer`]: freezes workers at random and thaws them later.
//!
//! A frozen worker does not even die of SIGKILL, where the hierarchy is v1. So the
//! jobs that have to be stopped there show whether the pool can do without its end.

use super::cgroup::{Frozen, Icebox};
use super::killer::victim;
use super::{Dice, Findings, Ledger, Row, Rules};
use pool_process::ProcessPool;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// The longest pause, in µs.
const PAUSE: u64 = 1_000_000;
/// The longest that most workers are frozen, in µs.
const SHORT: u64 = 1_000_000;
/// One worker in so many is frozen for longer than the pool may need to give it up.
const LONG: u64 = 4;

/// Freezes the workers of a pool.
#[derive(Debug)]
pub struct Freezer {
    pool: ProcessPool,
    icebox: Icebox,
    dice: Dice,
    ledger: Arc<Ledger>,
    rules: Rules,
}

/// How many workers were frozen.
#[derive(Clone, Copy, Debug, Default)]
struct Frost {
    frozen: u64,
    long: u64,
    thawed: u64,
    failed: u64,
}

impl Freezer {
    /// Who freezes workers of `pool` in `icebox`.
    pub fn new(
        pool: ProcessPool,
        icebox: Icebox,
        dice: Dice,
        ledger: Arc<Ledger>,
        rules: Rules,
    ) -> Self {
        Self {
            pool,
            icebox,
            dice,
            ledger,
            rules,
        }
    }

    /// Freezes until the other side of `stop` is gone; then all are thawed.
    pub fn run(mut self, stop: &Receiver<()>) -> Findings {
        let mut frost = Frost::default();
        let most = (self.pool.max_workers() / 2).max(1);
        let mut frozen: Vec<(Instant, Frozen)> = Vec::new();
        let mut next = Instant::now();
        let mut done_before = 0;
        while stop.recv_timeout(Duration::from_millis(10)) == Err(RecvTimeoutError::Timeout) {
            let now = Instant::now();
            let before = frozen.len();
            frozen.retain(|(until, _)| *until > now);
            frost.thawed += (before - frozen.len()) as u64;
            let done = self.ledger.done.load(Ordering::Relaxed);
            if now < next || frozen.len() >= most || done == done_before {
                continue;
            }
            next = now + Duration::from_micros(self.dice.below(PAUSE));
            let Some((pid, _)) = victim(&self.pool, &mut self.dice) else {
                continue;
            };
            done_before = done;
            // One that has ended since then cannot be frozen.
            let Ok(worker) = self.icebox.freeze(pid) else {
                frost.failed += 1;
                continue;
            };
            frost.frozen += 1;
            let is_long = self.dice.one_in(LONG);
            frost.long += u64::from(is_long);
            let pause = match is_long {
                true => self.rules.frozen_for(),
                false => Duration::from_micros(self.dice.magnitude(SHORT)),
            };
            frozen.push((now + pause, worker));
        }
        frost.thawed += frozen.len() as u64;
        drop(frozen);
        let how = match self.icebox.holds_against_kill() {
            true => "workers frozen against SIGKILL",
            false => "workers frozen, but not against SIGKILL",
        };
        let Frost {
            frozen,
            long,
            thawed,
            failed,
        } = frost;
        Findings {
            rows: vec![
                Row::count(how, frozen),
                Row::count("... for long", long),
                Row::must("... and thawed", thawed, thawed == frozen),
                Row::count("... that had ended before", failed),
            ],
            ..Findings::default()
        }
    }
}
