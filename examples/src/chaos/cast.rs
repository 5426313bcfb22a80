//! [`Cast`]: all who use a pool or make trouble for it, each on a thread of its own.

use super::run::{Settings, Workshop};
use super::{
    Budget, Client, Dice, Errands, Findings, Flooder, Forker, Freezer, Killer, Ledger, Limits,
    Mischief, Porter, Watchdog,
};
use pool_process::{BuildError, ProcessPool};
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};
use test_support::freezer::Icebox;

/// How many threads use the pool.
const CLIENTS: u64 = 2;
/// How many workers the pool has whose queue is full, and how many jobs may wait.
const FULL_WORKERS: usize = 2;
const FULL_ROOM: usize = 50;

/// All who use a pool or make trouble for it.
pub(super) struct Cast<'a> {
    settings: &'a Settings,
    watchdog: &'a Watchdog,
    pool: &'a ProcessPool,
    ledger: &'a Arc<Ledger>,
}

/// What one of the cast does until the other side of the receiver is gone.
type Part<'a> = Box<dyn FnOnce(&Receiver<()>) -> Result<Findings, Fault> + Send + 'a>;
/// What went wrong with the run itself: it ends the program.
pub type Fault = Box<dyn Error + Send + Sync>;

/// One of the cast, at it.
struct Actor<'scope> {
    over: Sender<()>,
    thread: ScopedJoinHandle<'scope, Result<Findings, Fault>>,
}

impl<'scope> Actor<'scope> {
    fn start<'env>(scope: &'scope Scope<'scope, 'env>, part: Part<'scope>) -> Self {
        let (over, until) = channel();
        let thread = scope.spawn(move || part(&until));
        Self { over, thread }
    }

    /// Says that it is over; what is returned waits for its end.
    fn tell(self) -> impl FnOnce() -> Result<Findings, Fault> {
        drop(self.over);
        || self.thread.join().expect("nobody of the cast panics")
    }

    fn end(self) -> Result<Findings, Fault> {
        self.tell()()
    }
}

impl<'a> Cast<'a> {
    pub(super) fn new(
        settings: &'a Settings,
        watchdog: &'a Watchdog,
        pool: &'a ProcessPool,
        ledger: &'a Arc<Ledger>,
    ) -> Self {
        Self {
            settings,
            watchdog,
            pool,
            ledger,
        }
    }

    /// Submits jobs and makes trouble for as long as the settings say, and waits
    /// for all jobs.
    ///
    /// # Errors
    /// Those of the builders of further pools, and of the diary.
    pub(super) fn play(&self, workshop: &Workshop<'_>) -> Result<Findings, Fault> {
        let rules = self.settings.rules.clone();
        // User code that blocks, so many pieces at a time, takes all workers' threads.
        let crowd = 2 * self.settings.workers + 2;
        let errands = Errands::new(self.pool.clone(), self.ledger.clone(), rules.clone(), crowd);
        let porter = Porter::new(self.pool.clone(), self.ledger.clone(), rules, crowd);
        let killer = self.killer();
        let others = self.others(workshop)?;
        let stop = AtomicBool::new(false);
        self.watchdog.stage("running");
        std::thread::scope(|scope| {
            let start = |part| Actor::start(scope, part);
            let porter = start(Box::new(|until| Ok(porter.run(until))));
            let killer = start(Box::new(|until| Ok(killer.run(until))));
            let others: Vec<_> = others.into_iter().map(start).collect();
            let run = |client: Client| {
                let stop = &stop;
                scope.spawn(move || client.run(stop))
            };
            let clients: Vec<_> = self.clients(&errands).map(run).collect();
            tell_progress(self.ledger, self.settings.duration);
            stop.store(true, Ordering::Relaxed);

            self.watchdog.stage("waiting for what is in flight");
            let mut found = Findings::default();
            let others: Vec<_> = others.into_iter().map(Actor::tell).collect();
            for client in clients {
                let tally = client.join().expect("a client does not panic");
                found.tally.add(tally);
            }
            let settled = errands.settle();
            found.add(killer.end()?);
            // The gate has been opened until now, and others have been killed.
            found.add(porter.end()?);
            found.add(settled);
            for other in others {
                found.add(other()?);
            }
            Ok(found)
        })
    }

    /// Those who stop when the clients do.
    fn others<'b>(&self, workshop: &'b Workshop<'_>) -> Result<Vec<Part<'b>>, BuildError> {
        let rules = &self.settings.rules;
        let common = |n| (self.dice(n), self.ledger.clone(), rules.clone());
        let mut parts: Vec<Part<'b>> = Vec::new();
        if rules.has(Mischief::Freeze) {
            match Icebox::find() {
                Ok(icebox) => {
                    let (dice, ledger, rules) = common(2);
                    let freezer = Freezer::new(self.pool.clone(), icebox, dice, ledger, rules);
                    let diary = workshop.diary();
                    parts.push(Box::new(|until| Ok(freezer.run(diary, until)?)));
                }
                Err(why) => println!("skipped: no worker is frozen: {why}"),
            }
        }
        if rules.has(Mischief::Full) {
            let builder = workshop.builder(FULL_WORKERS);
            let full = builder.max_queued(FULL_ROOM).build()?;
            let (dice, ledger, rules) = common(3);
            let flooder = Flooder::new(full, FULL_ROOM, dice, ledger, rules);
            let diary = workshop.diary();
            parts.push(Box::new(move |until| Ok(flooder.run(diary, until)?)));
        }
        if rules.has(Mischief::Fork) {
            let own = workshop.builder(1).build()?;
            let (dice, ledger, rules) = common(4);
            let forker = Forker::new(self.pool.clone(), dice, ledger, rules);
            parts.push(Box::new(|until| Ok(forker.run(own, until))));
        }
        Ok(parts)
    }

    /// Dice for one of those who make trouble.
    fn dice(&self, number: u64) -> Dice {
        Dice::new(!self.settings.seed.wrapping_add(number << 32))
    }

    fn killer(&self) -> Killer {
        let every = self.settings.kill_every;
        let killer = Killer::new(self.pool.clone(), self.dice(1), every, self.ledger.clone());
        match self.settings.rules.has(Mischief::Stop) {
            true => killer,
            false => killer.without_stops(),
        }
    }

    fn clients(&self, errands: &Arc<Errands>) -> impl Iterator<Item = Client> {
        let max_payload = self.settings.max_payload;
        let budget = Arc::new(Budget::new(4 * max_payload.max(1 << 20)));
        (0..CLIENTS).map(move |n| {
            let dice = Dice::new(self.settings.seed.wrapping_add(n << 32));
            let limits = Limits {
                max_payload,
                jobs: 500,
                rules: self.settings.rules.clone(),
            };
            let (ledger, budget) = (self.ledger.clone(), budget.clone());
            Client::new(
                self.pool.clone(),
                dice,
                limits,
                ledger,
                budget,
                errands.clone(),
            )
        })
    }
}

/// Waits, and says once a minute that it still does.
fn tell_progress(ledger: &Ledger, limit: Duration) {
    let (_never, silence): (_, Receiver<()>) = channel();
    let until = Instant::now() + limit;
    while let left @ 1.. = until.saturating_duration_since(Instant::now()).as_nanos() {
        let minute = Duration::from_secs(60);
        let left = Duration::from_nanos(left as u64);
        let _ = silence.recv_timeout(left.min(minute));
        if left > minute {
            println!("{} jobs so far", ledger.len() - 1);
        }
    }
}
