//! The gate at which user code of this process blocks: callbacks, `Serialize`
//! and `Deserialize` implementations. A [`Porter`] opens it.
//!
//! While the gate is closed and somebody waits there, the porter submits a probe,
//! a job that has nothing to do with those who wait. It has to come back before
//! the gate opens: user code that blocks holds up its own task alone.
//!
//! The gate is a static, because `serde` passes no argument of ours along.

use super::job::Submitted;
use super::{Deed, Findings, Ledger, Plan, Row, Rules};
use pool_process::ProcessPool;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Which user code waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Callback,
    Serialize,
    Deserialize,
}

struct State {
    /// How many may wait: none unless there is a porter.
    room: usize,
    waiting: usize,
    /// Since when the first of them has been waiting.
    since: Option<Instant>,
    /// Goes up each time the gate opens.
    openings: u64,
    /// How many have waited, by [`Place`].
    waited: [u64; 3],
}

static GATE: Mutex<State> = Mutex::new(State {
    room: 0,
    waiting: 0,
    since: None,
    openings: 0,
    waited: [0; 3],
});
static OPENED: Condvar = Condvar::new();

/// How long the first at the gate waits for others before the probe is sent.
const CROWD_WAITS: Duration = Duration::from_millis(300);
/// How often the porter looks.
const LOOK: Duration = Duration::from_millis(20);

fn lock() -> MutexGuard<'static, State> {
    GATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until the porter opens the gate; returns at once if there is no porter,
/// as in a worker, or no room.
pub(super) fn wait_at_gate(place: Place) {
    let mut state = lock();
    if state.waiting >= state.room {
        return;
    }
    state.waiting += 1;
    state.since.get_or_insert_with(Instant::now);
    state.waited[place as usize] += 1;
    let openings = state.openings;
    while state.openings == openings {
        state = OPENED.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
    state.waiting -= 1;
}

fn open(mut state: MutexGuard<'static, State>) {
    state.openings += 1;
    state.since = None;
    drop(state);
    OPENED.notify_all();
}

/// Opens the gate now and then, and checks that nobody else was held up by it.
#[derive(Debug)]
pub struct Porter {
    pool: ProcessPool,
    ledger: Arc<Ledger>,
    rules: Rules,
    room: usize,
    probes: u64,
    found: Findings,
}

impl Porter {
    /// A porter who lets so many wait at a time.
    pub fn new(pool: ProcessPool, ledger: Arc<Ledger>, rules: Rules, room: usize) -> Self {
        lock().room = room;
        Self {
            pool,
            ledger,
            rules,
            room,
            probes: 0,
            found: Findings::default(),
        }
    }

    /// Opens the gate now and then, until the other side of `stop` is gone.
    pub fn run(mut self, stop: &Receiver<()>) -> Findings {
        while stop.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
            let state = lock();
            let is_late = state.since.is_some_and(|at| at.elapsed() > CROWD_WAITS);
            if is_late || state.waiting >= self.room {
                drop(state);
                self.probe();
                open(lock());
            }
        }
        let [callbacks, arguments, results] = lock().waited;
        let held_up = self.found.complaints.len() as u64;
        self.found.rows = vec![
            Row::count("callbacks that blocked at the gate", callbacks),
            Row::count("arguments that did, in Serialize", arguments),
            Row::count("results that did, in Deserialize", results),
            Row::count("probes sent meanwhile", self.probes),
            Row::never("... that were held up", held_up),
        ];
        std::mem::take(&mut self.found)
    }

    fn probe(&mut self) {
        let found = &mut self.found;
        let plan = Plan::new(Deed::Echo, 100);
        let mut probe = Submitted::submit(&self.pool, plan, &self.ledger);
        self.probes += 1;
        found.tally.submitted += 1;
        let limit = self.rules.held_up_after();
        let mut outcome = probe.wait_its_turn(limit, &self.rules, &self.ledger);
        if outcome.is_none() {
            let blocked = lock().waiting;
            let number = probe.number;
            let line =
                format!("HELD UP: job {number}, by user code that waits in {blocked} places");
            found.complaints.push(line);
            open(lock());
            outcome = probe.task.wait_timeout(self.rules.patience);
        }
        match outcome {
            Some(outcome) => probe.finish(outcome, &self.ledger, &mut found.tally),
            None => found.tally.stuck.push(format!("{probe:?}")),
        }
    }
}

impl Drop for Porter {
    fn drop(&mut self) {
        let mut state = lock();
        state.room = 0;
        open(state);
    }
}
