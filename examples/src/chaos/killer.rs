//! [`Killer`]: kills and stops workers at random.
//!
//! Where the machine is slow, all workers might be killed before they are ready,
//! again and again; a pool rightly calls itself broken then. So nobody is killed
//! before a job was done since the last time.

use super::{Dice, Ledger};
use pool_process::ProcessPool;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::fs;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// Kills and stops the workers of a pool.
#[derive(Debug)]
pub struct Killer {
    pool: ProcessPool,
    dice: Dice,
    every: Duration,
    ledger: Arc<Ledger>,
}

/// What it did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kills {
    /// How many workers were sent SIGKILL.
    pub killed: u64,
    /// How many were sent SIGSTOP.
    pub stopped: u64,
    /// How many of these were sent SIGCONT later.
    pub continued: u64,
}

impl Killer {
    /// Who kills one worker of `pool` in each such time, on average.
    pub fn new(pool: ProcessPool, dice: Dice, every: Duration, ledger: Arc<Ledger>) -> Self {
        Self {
            pool,
            dice,
            every,
            ledger,
        }
    }

    /// Kills until the other side of `stop` is gone.
    pub fn run(mut self, stop: &Receiver<()>) -> Kills {
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
            let Some(worker) = self.victim() else {
                continue;
            };
            done_before = done;
            if !self.dice.one_in(30) {
                kills.killed += u64::from(send(&worker, Signal::KILL));
            } else if send(&worker, Signal::STOP) {
                kills.stopped += 1;
                // Some go on soon, some too late.
                stopped.push((round + self.dice.magnitude(100), worker));
            }
        }
        kills
    }

    /// One of the workers of the moment.
    ///
    /// Its number may belong to a stranger by now. The descriptor cannot change
    /// its owner any more, and that this is a child of ours is asked after it
    /// was opened.
    fn victim(&mut self) -> Option<OwnedFd> {
        let pids = self.pool.worker_pids();
        let pid = *pids.get(self.dice.below(pids.len() as u64) as usize)?;
        let worker = pidfd_open(Pid::from_raw(pid as i32)?, PidfdFlags::empty()).ok()?;
        (parent_of(pid)? == std::process::id()).then_some(worker)
    }
}

fn send(worker: &OwnedFd, signal: Signal) -> bool {
    pidfd_send_signal(worker, signal).is_ok()
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields = stat.rsplit_once(')')?.1;
    fields.split_whitespace().nth(1)?.parse().ok()
}
