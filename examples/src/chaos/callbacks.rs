//! [`Errands`]: done callbacks that do what a callback is better advised not to,
//! and may: they wait for another job of the pool, submit one and wait for it, or
//! block.

use super::gates::{Place, wait_at_gate};
use super::job::Submitted;
use super::{Answer, Deed, Dice, Findings, Ledger, Plan, Row, Rules, Tally};
use executor_core::{Task, TaskErrorKind};
use pool_process::ProcessPool;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What a done callback does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// Waits at the gate until the porter opens it.
    Block,
    /// Waits for another job of the pool, which was submitted before.
    Await,
    /// Submits another job and waits for it, as who tries again does.
    Again,
}

impl Errand {
    pub(super) fn roll(dice: &mut Dice) -> Self {
        match dice.below(3) {
            0 => Self::Block,
            1 => Self::Await,
            _ => Self::Again,
        }
    }
}

/// What the callbacks share.
#[derive(Debug)]
pub struct Errands {
    pool: ProcessPool,
    ledger: Arc<Ledger>,
    rules: Rules,
    /// The most callbacks that wait for a job at the same time.
    most: usize,
    waiting: AtomicUsize,
    /// Callbacks that have not returned yet, called or not.
    open: AtomicUsize,
    /// How many waited for a job that was there, and for one of their own.
    awaited: AtomicU64,
    again: AtomicU64,
    in_vain: AtomicU64,
    would_deadlock: AtomicU64,
    /// The jobs that they waited for: outcomes, and those without one so far.
    books: Mutex<(Tally, Vec<Submitted>)>,
}

impl Errands {
    /// Callbacks of jobs of `pool`, of which so many wait for a job at a time.
    pub fn new(pool: ProcessPool, ledger: Arc<Ledger>, rules: Rules, most: usize) -> Arc<Self> {
        Arc::new(Self {
            pool,
            ledger,
            rules,
            most,
            waiting: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            awaited: AtomicU64::new(0),
            again: AtomicU64::new(0),
            in_vain: AtomicU64::new(0),
            would_deadlock: AtomicU64::new(0),
            books: Mutex::default(),
        })
    }

    /// Adds a callback to `task` that does this errand.
    pub(super) fn send(self: &Arc<Self>, errand: Errand, task: &Task<Answer>) {
        let job = match errand {
            Errand::Await if self.enter() => Some(self.submit()),
            Errand::Await => return,
            Errand::Block | Errand::Again => None,
        };
        let errands = self.clone();
        errands.open.fetch_add(1, Relaxed);
        task.add_done_callback(move |_| {
            match job {
                Some(job) => {
                    errands.awaited.fetch_add(1, Relaxed);
                    errands.wait(job);
                    errands.leave();
                }
                None if errand == Errand::Block => wait_at_gate(Place::Callback),
                None if errands.enter() => {
                    errands.again.fetch_add(1, Relaxed);
                    errands.wait(errands.submit());
                    errands.leave();
                }
                None => {}
            }
            errands.open.fetch_sub(1, Relaxed);
        });
    }

    fn enter(&self) -> bool {
        let more = |waiting| (waiting < self.most).then_some(waiting + 1);
        self.waiting.fetch_update(Relaxed, Relaxed, more).is_ok()
    }

    fn leave(&self) {
        self.waiting.fetch_sub(1, Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, (Tally, Vec<Submitted>)> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn submit(&self) -> Submitted {
        let job = Submitted::submit(&self.pool, Plan::new(Deed::Echo, 100), &self.ledger);
        self.lock().0.submitted += 1;
        job
    }

    fn wait(&self, mut job: Submitted) {
        let limit = self.rules.callback_waits();
        match job.wait_its_turn(limit, &self.rules, &self.ledger) {
            // An error is allowed where a wait would be for ever; the job goes on.
            Some(Err(error)) if error.kind() == TaskErrorKind::WouldDeadlock => {
                self.would_deadlock.fetch_add(1, Relaxed);
                self.lock().1.push(job);
            }
            Some(outcome) => job.finish(outcome, &self.ledger, &mut self.lock().0),
            None => {
                self.in_vain.fetch_add(1, Relaxed);
                self.lock().1.push(job);
            }
        }
    }

    /// Waits for the callbacks, and for the jobs that they left behind.
    pub fn settle(&self) -> Findings {
        let until = Instant::now() + self.rules.patience;
        while self.open.load(Relaxed) > 0 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        let open = self.open.load(Relaxed);
        let (mut tally, left) = std::mem::take(&mut *self.lock());
        for mut job in left {
            let patience = until.saturating_duration_since(Instant::now());
            match job.task.wait_timeout(patience) {
                Some(outcome) => job.finish(outcome, &self.ledger, &mut tally),
                None => tally.stuck.push(format!("{job:?}")),
            }
        }
        let count = |name: &str, number: &AtomicU64| Row::count(name, number.load(Relaxed));
        let rows = vec![
            count("callbacks that waited for another job", &self.awaited),
            count("callbacks that submitted one and waited", &self.again),
            count("... told that it would be for ever", &self.would_deadlock),
            Row::never("... that waited in vain", self.in_vain.load(Relaxed)),
            Row::never("... that never returned", open as u64),
        ];
        Findings {
            tally,
            rows,
            ..Findings::default()
        }
    }
}
