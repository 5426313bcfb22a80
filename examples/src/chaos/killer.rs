//! [`Killer`]: kills and stops workers at random.
//!
//! Where the machine is slow, all workers might be killed before they are ready,
//! again and again; a pool rightly calls itself broken then. So nobody is killed
//! before a job was done since the last time.

use super::{Dice, Findings, Ledger, Row};
use pool_process::ProcessPool;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::Duration;
use test_support::children::parent_of;

/// One worker in so many is stopped, the others are killed.
const STOPS: u64 = 30;

/// Kills and stops the workers of a pool.
#[derive(Debug)]
pub struct Killer {
    pool: ProcessPool,
    dice: Dice,
    every: Duration,
    stops: bool,
    ledger: Arc<Ledger>,
}

/// How many workers were sent which signal.
#[derive(Clone, Copy, Debug, Default)]
struct Kills {
    killed: u64,
    stopped: u64,
    continued: u64,
}

impl Killer {
    /// Who kills one worker of `pool` in each such time, on average.
    pub fn new(pool: ProcessPool, dice: Dice, every: Duration, ledger: Arc<Ledger>) -> Self {
        Self {
            pool,
            dice,
            every,
            stops: true,
            ledger,
        }
    }

    /// Stops none.
    #[must_use]
    pub fn without_stops(mut self) -> Self {
        self.stops = false;
        self
    }

    /// Kills until the other side of `stop` is gone.
    pub fn run(mut self, stop: &Receiver<()>) -> Findings {
        let mut kills = Kills::default();
        let mut stopped: Vec<(u64, OwnedFd)> = Vec::new();
        let mut done_before = 0;
        for round in 0_u64.. {
            let pause = self.every.as_micros() as u64 * 2;
            let pause = Duration::from_micros(self.dice.below(pause.max(2)));
            match stop.recv_timeout(pause) {
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
                _ => break,
            }
            while let Some((_, worker)) = stopped.pop_if(|(until, _)| *until <= round) {
                kills.continued += u64::from(send(&worker, Signal::CONT));
            }
            let done = self.ledger.done.load(Ordering::Relaxed);
            if done == done_before {
                continue;
            }
            let Some((_, worker)) = victim(&self.pool, &mut self.dice) else {
                continue;
            };
            done_before = done;
            if !self.dice.one_in(STOPS) || !self.stops {
                kills.killed += u64::from(send(&worker, Signal::KILL));
            } else if send(&worker, Signal::STOP) {
                kills.stopped += 1;
                // Some go on soon, some too late.
                stopped.push((round + self.dice.magnitude(100), worker));
            }
        }
        Findings {
            rows: vec![
                Row::count("... by SIGKILL from outside", kills.killed),
                Row::count("workers stopped", kills.stopped),
                Row::count("... and continued", kills.continued),
            ],
            ..Findings::default()
        }
    }
}

/// One of the workers of the moment: its number, and a descriptor that cannot
/// change its owner any more.
///
/// The number may belong to a stranger by now, so that this is a child of ours is
/// asked after the descriptor was opened.
pub(super) fn victim(pool: &ProcessPool, dice: &mut Dice) -> Option<(u32, OwnedFd)> {
    let pids = pool.worker_pids();
    let pid = *pids.get(dice.below(pids.len() as u64) as usize)?;
    let worker = pidfd_open(Pid::from_raw(pid as i32)?, PidfdFlags::empty()).ok()?;
    (parent_of(pid)? == std::process::id()).then_some((pid, worker))
}

fn send(worker: &OwnedFd, signal: Signal) -> bool {
    pidfd_send_signal(worker, signal).is_ok()
}
