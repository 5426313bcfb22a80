//! Looking for a result on the thread that waits for it: see `dispatch/direct.rs`.
//!
//! The board is told first, so that the worker does not wake the supervisor for what is
//! looked for. The worker rings all the same if nobody has come some microseconds after the
//! end of the job; and who gives up says so on the board and then looks once more. So
//! nothing is left to a thread that does not come back.

use super::Flight;
use crate::dispatch::{Dispatch, wait_here};
use crate::reply;
use crate::seat::Occupant;
use crate::transport::{Sight, Transport, kind, look_until, looks_at_all};
use executor_core::exit::as_part_of_a_job;
use executor_core::panic::contain;
use executor_core::{HeldJob, Wakeups};
use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// How long a thread looks.
const LOOK: Duration = Duration::from_micros(50);

/// Whom the table of a worker belongs to.
#[derive(Debug)]
pub(crate) struct Home {
    dispatch: Weak<Dispatch>,
    worker: Weak<Occupant>,
}

/// How this thread has fared with its last looks.
#[derive(Clone, Copy, Default)]
struct Luck {
    /// So many in a row were in vain.
    misses: u32,
    /// So many jobs are waited for without a look.
    pause: u32,
}

thread_local! {
    static LUCK: Cell<Luck> = const { Cell::new(Luck { misses: 0, pause: 0 }) };
}

impl Luck {
    /// Whether to look now: where jobs take long, once for each 64 of them.
    fn try_it() -> bool {
        let mut luck = LUCK.try_with(Cell::get).unwrap_or_default();
        let now = luck.pause == 0;
        luck.pause = luck.pause.saturating_sub(1);
        let _ = LUCK.try_with(|place| place.set(luck));
        now
    }

    fn learn(found: bool) {
        let misses = match found {
            true => 0,
            false => LUCK.try_with(Cell::get).unwrap_or_default().misses + 1,
        };
        let pause = (1 << misses.min(6)) - 1;
        let _ = LUCK.try_with(|place| place.set(Luck { misses, pause }));
    }
}

impl Flight {
    /// Looks for the result of this job for a moment, and resolves the job if it comes.
    pub(super) fn look_here(&self, seq: u64) {
        let home = self.home.get();
        let home = home.and_then(|its| Some((its.dispatch.upgrade()?, its.worker.upgrade()?)));
        let Some((dispatch, worker)) = home else {
            return;
        };
        if self.way != Transport::SharedMemory || !looks_at_all() {
            return;
        }
        // Of one that stands behind others nothing is to be seen soon.
        if !self.is_front(seq) || dispatch.config.replaces_workers() || !Luck::try_it() {
            return;
        }
        wait_here();
        self.board.look_for(seq);
        let is_over = || !self.is_front(seq) || self.board.slot(seq).look(seq) == Sight::Done;
        let found = look_until(Instant::now() + LOOK, is_over);
        Luck::learn(found);
        if !found || !self.collect_here(seq, &dispatch, &worker) {
            self.board.look_no_more(seq);
            if self.has_news() {
                dispatch.poller.poke();
            }
        }
    }

    fn is_front(&self, seq: u64) -> bool {
        self.front.load(Ordering::Acquire) == seq
    }

    /// Resolves this job, if it is done and there is nothing but a small result. All else
    /// is left to the supervisor.
    fn collect_here(&self, seq: u64, dispatch: &Dispatch, worker: &Occupant) -> bool {
        // As long as the job is in no table, the pool does not come to its end.
        let moving = dispatch.begin_moving();
        let Some((job, kind, mut bytes)) = self.take_finished(seq, dispatch) else {
            return false;
        };
        self.board.look_no_more(seq);
        if self.has_news() {
            dispatch.poller.poke();
        }
        job.leave_ledger();
        dispatch.tally.finish(1);
        worker.rounds().fruitful();
        dispatch.prove(worker);
        // Before its owner learns of the result: who submits again finds the worker idle.
        if worker.is_idle() {
            dispatch.at_rest(worker);
        }
        as_part_of_a_job(|| {
            let mut wakeups = Wakeups::new();
            contain("a task was resolved with a panic", || {
                reply::resolve(job, kind, &mut bytes, &mut wakeups);
            });
            wakeups.wake();
        });
        drop(moving);
        true
    }

    fn take_finished(&self, seq: u64, dispatch: &Dispatch) -> Option<(HeldJob, u32, Vec<u8>)> {
        let found = dispatch.unresolved.lock();
        let mut table = self.table();
        let slot = self.board.slot(seq);
        if table.front() != Some(seq) || table.fate.is_some() || slot.look(seq) != Sight::Done {
            return None;
        }
        let outcome = slot.result();
        if outcome.piped || outcome.kind == kind::SENT || self.lacks_parts(&table, seq) {
            return None;
        }
        let job = table.job(seq)?;
        if job.has_followers() || found.has_parts_of(job) {
            return None;
        }
        let mut bytes = Vec::new();
        slot.read(outcome.len, &mut bytes)?;
        let job = table.release_first();
        self.watch_first(&mut table);
        self.publish(&table);
        job.map(|job| (job, outcome.kind, bytes))
    }
}

impl Home {
    pub(crate) fn of(dispatch: &Arc<Dispatch>, worker: &Arc<Occupant>) -> Self {
        Self {
            dispatch: Arc::downgrade(dispatch),
            worker: Arc::downgrade(worker),
        }
    }
}
