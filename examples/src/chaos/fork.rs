//! [`Forker`]: children of this process, made by `fork`, that use its pools.
//!
//! Such a child has the memory of the program and none of its threads, so nobody
//! would ever run what it submits. It is to be refused at once, and the parent's
//! pools must not notice that the child has dropped their handles.

// `fork` has no safe form: this is the one file that may call it.
#![allow(unsafe_code)]

use super::job::Submitted;
use super::{Deed, Dice, Findings, Ledger, Order, Plan, Row, Rules, Runs, Tally, act};
use executor_core::{Executor as _, ExecutorExt as _, Shutdown};
use pool_process::ProcessPool;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How long a child may take to be refused and to end.
const CHILD_LIMIT: Duration = Duration::from_secs(5);
/// The longest pause between two children, in µs.
const PAUSE: u64 = 400_000;

/// How a child ends if all was as it should be.
const REFUSED: i32 = 0;
const ACCEPTED: i32 = 10;
const OTHER_ERROR: i32 = 11;
const PANICKED: i32 = 12;

/// Forks.
#[derive(Debug)]
pub struct Forker {
    /// The pool that is in use, so that its locks may be held at any moment.
    busy: ProcessPool,
    dice: Dice,
    ledger: Arc<Ledger>,
    rules: Rules,
}

/// What came of it.
#[derive(Debug, Default)]
struct Forks {
    /// The outcomes of the parent's jobs in between.
    tally: Tally,
    /// Children that did anything but be refused and exit.
    odd: Vec<String>,
    children: u64,
    refused: u64,
    hung: u64,
}

impl Forker {
    /// Whose children use `busy`.
    pub fn new(busy: ProcessPool, dice: Dice, ledger: Arc<Ledger>, rules: Rules) -> Self {
        Self {
            busy,
            dice,
            ledger,
            rules,
        }
    }

    /// Forks until the other side of `stop` is gone. `own` is the only handle of
    /// its pool, so that each child drops the last one.
    pub fn run(mut self, own: ProcessPool, stop: &Receiver<()>) -> Findings {
        let mut forks = Forks::default();
        let pause = |dice: &mut Dice| Duration::from_micros(dice.below(PAUSE));
        while stop.recv_timeout(pause(&mut self.dice)) == Err(RecvTimeoutError::Timeout) {
            // The parent's job shows that the child before did no harm.
            let job = Submitted::submit(&own, Plan::new(Deed::Echo, 100), &self.ledger);
            forks.tally.submitted += 1;
            let orders = [(); 2].map(|()| {
                let number = self.ledger.number();
                // Nobody may run what a child submits.
                self.ledger.expect(number, Runs(0, 0));
                Plan::new(Deed::Echo, 100).order(number)
            });
            let through_exit = self.dice.one_in(2);
            // SAFETY: the child has one thread, this one. It allocates, which the C
            // library allows after a fork, takes no lock but those that the pools
            // may take, which is what is tested, and ends without returning from
            // here. An alarm ends it if it blocks.
            match unsafe { libc::fork() } {
                0 => be_the_child(self.busy, own, orders, through_exit),
                child @ 1.. => look_after(child, &mut forks),
                _ => forks.odd.push("ODD: fork failed".to_owned()),
            }
            self.finish(job, &mut forks);
        }
        let survivors = own.worker_pids().len() as u64;
        let mut shutdown = own.shutdown(Shutdown::drain());
        if shutdown.wait_timeout(self.rules.patience).is_none() {
            let stuck = &mut forks.tally.stuck;
            stuck.push("the shutdown of the pool that was forked".to_owned());
        }
        let rows = vec![
            Row::count("forked children", forks.children),
            Row::count("... refused", forks.refused),
            Row::never("... that ended in another way", forks.odd.len() as u64),
            Row::never("... that hung and were killed", forks.hung),
        ];
        Findings {
            tally: forks.tally,
            rows,
            complaints: forks.odd,
            survivors,
        }
    }

    fn finish(&self, mut job: Submitted, forks: &mut Forks) {
        let limit = self.rules.held_up_after();
        match job.wait_its_turn(limit, &self.rules, &self.ledger) {
            Some(outcome) => job.finish(outcome, &self.ledger, &mut forks.tally),
            None => forks.tally.stuck.push(format!("{job:?}")),
        }
    }
}

/// Submits to both pools, drops their handles, and exits.
fn be_the_child(busy: ProcessPool, own: ProcessPool, orders: [Order; 2], through_exit: bool) -> ! {
    // SAFETY: it only sets a timer, whose signal ends this child if its parent
    // does not.
    unsafe { libc::alarm(3 * CHILD_LIMIT.as_secs() as u32) };
    let submit = move || {
        let [first, second] = orders;
        let tasks = [busy.submit(act, first), own.submit(act, second)];
        drop((busy, own));
        let ends = tasks.map(|task| match task.wait() {
            Ok(_) => ACCEPTED,
            Err(error) if error.is_rejected() => REFUSED,
            Err(_) => OTHER_ERROR,
        });
        ends.into_iter().max().unwrap_or(PANICKED)
    };
    let submit = std::panic::AssertUnwindSafe(submit);
    let code = std::panic::catch_unwind(submit).unwrap_or(PANICKED);
    match through_exit {
        // SAFETY: this child has no other thread that could end it as well; the
        // handlers for its end are what is tested.
        true => unsafe { libc::exit(code) },
        // SAFETY: it ends the process and runs nothing.
        false => unsafe { libc::_exit(code) },
    }
}

fn look_after(child: i32, forks: &mut Forks) {
    forks.children += 1;
    let Some(pid) = Pid::from_raw(child) else {
        return;
    };
    let until = Instant::now() + CHILD_LIMIT;
    loop {
        match waitpid(Some(pid), WaitOptions::NOHANG) {
            Ok(Some((_, status))) => {
                match status.exit_status() {
                    Some(REFUSED) => forks.refused += 1,
                    _ => forks.odd.push(told_by(child, status.exit_status())),
                }
                return;
            }
            Ok(None) if Instant::now() > until => break,
            Ok(None) => std::thread::sleep(Duration::from_millis(1)),
            Err(error) => {
                return forks
                    .odd
                    .push(format!("ODD: forked child {child}: {error}"));
            }
        }
    }
    forks.hung += 1;
    let _ = kill_process(pid, Signal::KILL);
    let _ = waitpid(Some(pid), WaitOptions::empty());
}

fn told_by(child: i32, code: Option<i32>) -> String {
    let what = match code {
        Some(ACCEPTED) => "a job of its had a result",
        Some(OTHER_ERROR) => "a job of its had another error than a refusal",
        Some(PANICKED) => "it panicked",
        Some(_) => "it ended with another code",
        None => "it was killed by a signal",
    };
    format!("ODD: forked child {child}: {what}")
}
