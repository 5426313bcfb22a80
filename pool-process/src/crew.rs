//! The threads that supervise a pool: one at a time, see `supervisor/role.rs`.
//!
//! A timer is the watchdog. While the supervisor is at work it looks at it every few
//! milliseconds; when nothing has happened for a while it stops, and the supervisor sets
//! it again when it wakes. If the supervisor is held up, a spare thread is woken, or one
//! is started, and takes the role over.

use crate::dispatch::Dispatch;
use crate::process;
use crate::signals;
use crate::supervisor::{self, Look, Role, Shift};
use crossbeam_utils::CachePadded;
use executor_core::say;
use executor_core::timer;
use std::io;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, fence};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// How long the supervisor may be at one step: between this and twice as long.
const TICK: Duration = Duration::from_millis(5);
/// For so many ticks a supervisor may be at one step that computes, or waits for a
/// processor: to take the role from one that is merely slow changes the order in which jobs
/// begin.
const BUSY_TICKS: u32 = 20;
/// After so many ticks in which nothing has happened, nobody looks any more.
const IDLE_TICKS: u32 = 40;
/// The stack of a supervisor: results are decoded on it, which a worker has encoded
/// on one of this size.
const STACK: usize = 8 << 20;

/// Who may supervise.
#[derive(Debug)]
pub(crate) struct Crew {
    pub(crate) role: CachePadded<Role>,
    begun: AtomicBool,
    /// The thread that supervises.
    thread: AtomicI32,
    watched: AtomicBool,
    /// How many supervisors, former ones included, are at a round: what they move from
    /// one table to another stands in neither for a moment, which is long if they are
    /// held up.
    at_rounds: AtomicUsize,
    /// A former supervisor may have been told what it did nothing about.
    missed: AtomicBool,
    /// The last thread that was to take over could not be started.
    is_short: AtomicBool,
    spares: Mutex<Spares>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Spares {
    waiting: usize,
    /// A spare thread is to take over from a supervisor that was seen so.
    called: Option<Look>,
    /// The pool is at its end.
    over: bool,
}

impl Crew {
    pub(crate) fn new() -> Self {
        Self {
            role: CachePadded::new(Role::new()),
            begun: AtomicBool::new(false),
            thread: AtomicI32::new(0),
            watched: AtomicBool::new(false),
            at_rounds: AtomicUsize::new(0),
            missed: AtomicBool::new(false),
            is_short: AtomicBool::new(false),
            spares: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    fn spares(&self) -> MutexGuard<'_, Spares> {
        self.spares.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anybody supervises.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun.load(SeqCst)
    }

    /// A supervisor begins a round, which ends when this is dropped.
    pub(crate) fn at_round(&self) -> AtRound<'_> {
        self.at_rounds.fetch_add(1, SeqCst);
        AtRound(self)
    }

    /// Whether no supervisor is at a round.
    pub(crate) fn moves_nothing(&self) -> bool {
        self.at_rounds.load(SeqCst) == 0
    }

    /// Has whoever supervises look after all workers: some news was missed.
    pub(crate) fn miss(&self) {
        self.missed.store(true, SeqCst);
    }

    /// Whether that is to be done.
    pub(crate) fn take_missed(&self) -> bool {
        self.missed.load(SeqCst) && self.missed.swap(false, SeqCst)
    }

    /// Whether the pool is at its end.
    pub(crate) fn is_over(&self) -> bool {
        self.spares().over
    }

    /// Whether the supervisor's thread runs, or would if there were a processor for it. No
    /// if the system does not tell.
    fn is_runnable(&self) -> bool {
        let thread = self.thread.load(SeqCst);
        process::state_in(&format!("/proc/self/task/{thread}/stat")) == Some(b'R')
    }

    /// The pool is at its end: spare threads go.
    pub(crate) fn dissolve(&self) {
        self.spares().over = true;
        self.changed.notify_all();
    }

    /// Waits to be called. `None` if this thread may go.
    fn stand_by(&self) -> Option<Look> {
        let mut spares = self.spares();
        // One is enough: it is called at once when the supervisor is held up again.
        if spares.waiting > 0 || spares.over {
            return None;
        }
        spares.waiting += 1;
        while spares.called.is_none() && !spares.over {
            let waited = self.changed.wait(spares);
            spares = waited.unwrap_or_else(PoisonError::into_inner);
        }
        spares.waiting -= 1;
        spares.called.take()
    }
}

/// A round of a supervisor.
pub(crate) struct AtRound<'a>(&'a Crew);

impl Drop for AtRound<'_> {
    fn drop(&mut self) {
        self.0.at_rounds.fetch_sub(1, SeqCst);
    }
}

/// Sees to it that somebody supervises.
///
/// # Errors
/// There is no thread to be had; the next call tries again.
pub(crate) fn begin(dispatch: &Arc<Dispatch>) -> io::Result<()> {
    let crew = &dispatch.crew;
    if crew.begun.load(SeqCst) || crew.begun.swap(true, SeqCst) {
        return Ok(());
    }
    start(dispatch, crew.role.look()).inspect_err(|_| crew.begun.store(false, SeqCst))
}

/// Starts a thread that takes over from a supervisor that was seen so.
fn start(dispatch: &Arc<Dispatch>, before: Look) -> io::Result<()> {
    let its = dispatch.clone();
    let name = format!("{}-supervisor", dispatch.config.name);
    let builder = std::thread::Builder::new().name(name).stack_size(STACK);
    builder.spawn(move || serve(&its, before)).map(drop)
}

fn serve(dispatch: &Arc<Dispatch>, before: Look) {
    // Callbacks run here; what they start inherits the mask that the program had.
    executor_core::exit::this_thread_runs_jobs();
    signals::set_mask(dispatch.config.snapshot.signals);
    let mut called = Some(before);
    while let Some(before) = called {
        if let Some(shift) = dispatch.crew.role.take_over(before) {
            let thread = rustix::thread::gettid().as_raw_nonzero().get();
            dispatch.crew.thread.store(thread, SeqCst);
            supervise(dispatch, shift);
        }
        called = dispatch.crew.stand_by();
    }
}

fn supervise(dispatch: &Arc<Dispatch>, shift: Shift) {
    while let Err(report) = executor_core::panic::catch(|| supervisor::run(dispatch, shift)) {
        // It would be a bug of ours; what it was at stands in the tables.
        say!(error, %report, "a supervisor panicked");
        if !dispatch.crew.role.is(shift) {
            return;
        }
    }
}

/// Has the watchdog look, if it does not: the supervisor is at work.
pub(crate) fn watch(dispatch: &Arc<Dispatch>) {
    let crew = &dispatch.crew;
    // That it works is known before this look: see `tick`.
    fence(SeqCst);
    if !crew.watched.load(SeqCst) && !crew.watched.swap(true, SeqCst) {
        look_later(Arc::downgrade(dispatch), crew.role.look(), Ticks::default());
    }
}

/// How many ticks in a row nothing has happened, and how many the supervisor was at the
/// same step.
#[derive(Clone, Copy, Debug, Default)]
struct Ticks {
    idle: u32,
    same: u32,
}

fn look_later(dispatch: Weak<Dispatch>, before: Look, ticks: Ticks) {
    let look = move || {
        if let Some(dispatch) = dispatch.upgrade() {
            tick(&dispatch, before, ticks);
        }
    };
    timer::after(TICK, look).detach();
}

fn tick(dispatch: &Arc<Dispatch>, before: Look, mut ticks: Ticks) {
    let crew = &dispatch.crew;
    if crew.spares().over {
        // Whoever supervised last is gone, and is never held up again.
        return;
    }
    let now = crew.role.look();
    if now != before {
        ticks = Ticks::default();
    } else if now.is_at_work() {
        ticks.same += 1;
        if ticks.same >= BUSY_TICKS || !crew.is_runnable() {
            call(dispatch, now);
        }
    } else {
        ticks.idle += 1;
    }
    if ticks.idle < IDLE_TICKS {
        return look_later(Arc::downgrade(dispatch), now, ticks);
    }
    crew.watched.store(false, SeqCst);
    // Whoever goes to work after this look finds that nobody watches.
    fence(SeqCst);
    if crew.role.look() != now {
        watch(dispatch);
    }
}

/// Has another thread take over from a supervisor that was seen so.
fn call(dispatch: &Arc<Dispatch>, seen: Look) {
    let mut spares = dispatch.crew.spares();
    if spares.over {
        return;
    }
    if spares.waiting > 0 {
        spares.called = Some(seen);
        drop(spares);
        dispatch.crew.changed.notify_one();
        return;
    }
    drop(spares);
    match start(dispatch, seen) {
        Ok(()) => dispatch.crew.is_short.store(false, SeqCst),
        // Tried again at the next tick. Said once, and not by the timer's thread.
        Err(error) => {
            if !dispatch.crew.is_short.swap(true, SeqCst) {
                dispatch.tell(move |pool| {
                    say!(warn, pool, %error, "no other thread to supervise the pool");
                });
            }
        }
    }
}
