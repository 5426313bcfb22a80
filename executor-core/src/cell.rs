//! The completion cell: one allocation that an executor and a `Task` share.
//!
//! It holds the job's input until that is taken, then the outcome until *that* is
//! taken, and everybody who waits for the outcome in between. The executor's
//! side is a `Job` or `HeldJob` or `Promise`, of which there is at most one; the
//! owner's side is at most one `Task`.
//!
//! # States
//!
//! The low three bits of `state` are the phase.
//!
//! | phase | meaning | `input` belongs to | `output` belongs to |
//! |---|---|---|---|
//! | `QUEUED` | nobody has begun | whoever ends this phase | nobody |
//! | `HELD` | an executor has taken it | the executor's side | nobody, or a winner without rivals |
//! | `WRITING` | somebody won the right to resolve | the executor's side, or the winner if the phase was `QUEUED` | the winner |
//! | `CALLING` | done callbacks run with the outcome | nobody | the winner, shared with callbacks |
//! | `DONE` | resolved | nobody | the `Task` |
//! | `TAKEN` | the `Task` has moved the outcome out | nobody | nobody |
//!
//! Moves, each a compare-and-swap on `state`, so that each has one winner:
//!
//! * `QUEUED → HELD` by the executor (`hold`), back by `release`;
//! * `QUEUED → WRITING` by `cancel` or a refusal;
//! * `HELD → WRITING` by the worker that has the result, or a time limit;
//! * `HELD → DONE` by the worker, at once, if there is no time limit that could
//!   come first (`resolve_alone`): it has the right to write as long as it holds;
//! * `WRITING → DONE` when nobody watches, else `WRITING → CALLING → DONE`;
//! * `DONE → TAKEN` by the `Task`.
//!
//! A task resolves exactly once because only one caller can move it to
//! `WRITING`, and whoever does goes on to `DONE` without user code in between
//! that could stop it: callbacks are caught when they panic.
//!
//! # Waiting
//!
//! Waiters and callbacks live in `slot`, behind a lock that is taken only when
//! somebody waits. `WATCHED` says that there is something in it.
//!
//! There are one waiter, which the next one replaces; followers, any number; and
//! callbacks, which are called before the task counts as done.
//!
//! * *Register*: lock, store, set `WATCHED`. If that very operation finds the
//!   phase to be `DONE`, take the entry back: the resolver may have missed it.
//! * *Resolve*: move `WRITING → DONE` on condition that `WATCHED` is clear. If
//!   it is set, go through `CALLING`: take callbacks out under the lock, call
//!   them outside it, repeat until there are none, and store `DONE` under the
//!   lock in which none were found.
//!
//! Both are operations on the one word `state`, so one of the two sees the
//! other: no wake-up is lost. The models in `cell/loom.rs` check this.
//!
//! Besides, whoever listens for failures anywhere is told of an error, once the
//! phase is `DONE`: see `watch/failures.rs`. Who holds a job, and how it is reached,
//! stands in `cell/holding.rs`; how a queue and its ledger learn what becomes of a
//! job, in `cell/place.rs`.

mod callbacks;
mod content;
mod holding;
#[cfg(all(test, loom))]
mod loom;
mod phase;
mod place;
mod reach;
mod waiters;

use self::callbacks::call;
use self::content::Content;
use self::phase::{CALLING, DONE, ENTERED, HELD, QUEUED, QUIET, TAKEN, WATCHED, WRITING};
use self::phase::{outcome_flags, phase};
use self::place::{Deaths, Place};
use self::waiters::{Slot, Waiter};
use crate::control::Control;
use crate::error::TaskError;
use crate::sync::{AtomicU16, Mutex, UnsafeCell, lock};
use crate::wakeups::Wakeups;
use crate::watch::Settled;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

pub use self::callbacks::CallbackId;
pub(crate) use self::callbacks::{Callback, call_with};
pub(crate) use self::phase::Stage;

/// How a task ended.
pub(crate) type Outcome<T> = Result<T, TaskError>;

pub(crate) struct Cell<I, T> {
    state: AtomicU16,
    /// This and the next field stand here, where there is room, so that they make no
    /// job any longer.
    deaths: Deaths,
    place: Place,
    content: UnsafeCell<Content<I, T>>,
    control: UnsafeCell<Option<Arc<dyn Control>>>,
    /// What the control knows the job by.
    ticket: AtomicU64,
    slot: Mutex<Slot<T>>,
}

// SAFETY: `slot` is a mutex. `content` is reached by one thread at a time, the one
// that the table above names; the right passes from thread to thread through
// acquire and release operations on `state`, hence `Send`. `control` is written by
// one thread at a time, while nobody reads it: see `cell/holding.rs`.
// Shared access to the outcome from two threads cannot happen: callbacks see it
// in `CALLING`, the owner of the `Task` only from `DONE` on.
unsafe impl<I: Send, T: Send> Sync for Cell<I, T> {}

impl<I, T> Cell<I, T> {
    /// A cell in the phase `QUEUED`, with its input.
    pub(crate) fn queued(input: I) -> Self {
        Self::new(QUEUED, Content::Input(input), None)
    }

    /// A cell in the phase `HELD`, with nothing to run.
    pub(crate) fn held(control: Option<(Arc<dyn Control>, u64)>) -> Self {
        Self::new(HELD, Content::Nothing, control)
    }

    fn new(phase: u16, content: Content<I, T>, control: Option<(Arc<dyn Control>, u64)>) -> Self {
        let (control, ticket) = control.unzip();
        Self {
            state: AtomicU16::new(phase),
            deaths: Deaths::default(),
            place: Place::default(),
            content: UnsafeCell::new(content),
            control: UnsafeCell::new(control),
            ticket: AtomicU64::new(ticket.unwrap_or(0)),
            slot: Slot::empty(),
        }
    }

    /// What an onlooker may know of the state.
    pub(crate) fn stage(&self) -> Stage {
        Stage::of(self.state.load(Acquire))
    }

    // ----- the executor's side -----

    /// Moves the input out.
    ///
    /// # Safety
    /// The caller has the right to the input: see the table of states.
    pub(crate) unsafe fn take_input(&self) -> Option<I> {
        // SAFETY: the caller has the right, so nobody else reaches for it.
        self.content
            .with_mut(|content| unsafe { (*content).take_input() })
    }

    /// Lets `f` change the input.
    ///
    /// # Safety
    /// As for `with_input`; and nobody else has it.
    pub(crate) unsafe fn with_input_mut<R>(&self, f: impl FnOnce(Option<&mut I>) -> R) -> R {
        // SAFETY: the caller has the right, so nobody else reaches for it.
        self.content
            .with_mut(|content| f(unsafe { (*content).input_mut() }))
    }

    /// Shows the input to `f`.
    ///
    /// # Safety
    /// The caller has the right to the input for as long as `f` runs.
    pub(crate) unsafe fn with_input<R>(&self, f: impl FnOnce(Option<&I>) -> R) -> R {
        // SAFETY: the caller has the right, so nobody else reaches for it.
        self.content
            .with(|content| f(unsafe { (*content).input() }))
    }

    /// Resolves a job that is held. Gives the outcome back if it was resolved
    /// already.
    pub(crate) fn resolve(&self, outcome: Outcome<T>) -> Result<(), Outcome<T>> {
        self.resolve_and(outcome, true)
    }

    /// [`resolve`](Self::resolve)s a job whose function goes on: it keeps its place
    /// among the admitted ones until it [leaves](Self::leave).
    pub(crate) fn resolve_early(&self, outcome: Outcome<T>) -> Result<(), Outcome<T>> {
        self.resolve_and(outcome, false)
    }

    fn resolve_and(&self, outcome: Outcome<T>, leaves: bool) -> Result<(), Outcome<T>> {
        if !self.advance(HELD, WRITING) {
            return Err(outcome);
        }
        self.publish(outcome, leaves);
        // SAFETY: this call ended the phase `HELD`, and who read the control then
        // was waited for.
        unsafe { self.remove_control() };
        Ok(())
    }

    /// Resolves a job that is held, of which nobody else can try to: it has no
    /// time limit that runs. The one waker that may wait for it goes to `later`.
    pub(crate) fn resolve_alone(&self, outcome: Outcome<T>, later: Option<&mut Wakeups>) {
        let settled = Settled::of(&outcome);
        // SAFETY: the phase is `HELD`, and who holds it is the only one who may
        // move it on, so this is the winner already.
        self.content
            .with_mut(|content| unsafe { *content = Content::Output(outcome) });
        let done = DONE | outcome_flags(settled);
        // Not one that was admitted: that is to leave first.
        let quickly = self.state.compare_exchange(HELD, done, AcqRel, Relaxed);
        match quickly {
            Ok(_) => self.announce(settled),
            Err(_) => self.tell(settled, later, true),
        }
        // SAFETY: as for `resolve`.
        unsafe { self.remove_control() };
    }

    /// Changes the phase, if it is `from`; the flags stay.
    fn advance(&self, from: u16, to: u16) -> bool {
        let mut state = self.state.load(Relaxed);
        while phase(state) == from {
            // Whoever ends the phase `QUEUED` takes the job out of its queue.
            let next = phase::with(state, to) & !ENTERED;
            match self
                .state
                .compare_exchange_weak(state, next, AcqRel, Relaxed)
            {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        false
    }

    /// `WRITING → DONE`. Called once, by the one who moved it to `WRITING`.
    fn publish(&self, outcome: Outcome<T>, leaves: bool) {
        let settled = Settled::of(&outcome);
        // SAFETY: the phase is `WRITING` and this is the winner.
        self.content
            .with_mut(|content| unsafe { *content = Content::Output(outcome) });
        let flags = outcome_flags(settled);
        // Nobody watches: done at once.
        if self
            .state
            .compare_exchange(WRITING, DONE | flags, AcqRel, Acquire)
            .is_ok()
        {
            return self.announce(settled);
        }
        self.tell(settled, None, leaves);
    }

    /// `HELD` or `WRITING → CALLING → DONE`: the outcome is there, and somebody is
    /// to be told. A job that `leaves` gives up its place among the admitted ones after
    /// the callbacks, which hold up its worker, and before the task counts as done.
    fn tell(&self, settled: Settled, later: Option<&mut Wakeups>, leaves: bool) {
        let flags = outcome_flags(settled);
        self.replace(CALLING | WATCHED | flags);
        let (waiter, others) = loop {
            let mut slot = lock(&self.slot);
            let callbacks = slot.take_callbacks();
            if callbacks.is_empty() {
                let waiter = std::mem::replace(&mut slot.waiter, Waiter::Nobody);
                let others = slot.others.take();
                if leaves {
                    self.leave();
                }
                self.replace(DONE | flags);
                drop(slot);
                break (waiter, others);
            }
            drop(slot);
            // Whoever calls back is shown the error.
            self.be_quiet();
            self.calling_back(|| {
                for (_, callback) in callbacks {
                    self.content.with(|content| {
                        // SAFETY: in `CALLING` the outcome is only read, and only
                        // by this thread; the owner waits for `DONE`.
                        let outcome = unsafe { (*content).output() };
                        if let Some(outcome) = outcome {
                            call(callback, outcome);
                        }
                    });
                }
            });
        };
        self.announce(settled);
        match (waiter, later) {
            (Waiter::Task(waker), Some(later)) => later.add(waker),
            (waiter, _) => waiter.tell(settled),
        }
        if let Some(others) = others {
            others.tell(settled);
        }
    }

    /// Another phase and other flags, but for those that are kept.
    fn replace(&self, next: u16) {
        let replaced = |state| Some(phase::replace(state, next));
        // It never refuses.
        let _ = self.state.fetch_update(AcqRel, Relaxed, replaced);
    }

    /// From now on, an error that nobody takes is not reported.
    pub(crate) fn be_quiet(&self) {
        if self.state.load(Relaxed) & QUIET == 0 {
            self.state.fetch_or(QUIET, Relaxed);
        }
    }

    /// The error that nobody has looked at, when all handles are gone.
    pub(crate) fn overlooked(&mut self) -> Option<TaskError> {
        let overlooked = phase::is_overlooked(self.state.load(Acquire));
        // SAFETY: `&mut self`: nobody else is left.
        let content = |content: *mut Content<I, T>| unsafe { (*content).take_error() };
        self.content.with_mut(content).filter(|_| overlooked)
    }

    /// Drops what is left in the cell, when all handles are gone: it may panic.
    pub(crate) fn clear(&mut self) {
        // SAFETY: `&mut self`: nobody else is left.
        let clear = |content: *mut Content<I, T>| unsafe { (*content).clear() };
        self.content.with_mut(clear);
    }

    /// Whether an error is looked at, when it is moved out, for the first time.
    pub(crate) fn is_quiet(&self) -> bool {
        self.state.load(Relaxed) & QUIET != 0
    }

    // ----- the owner's side -----

    /// Moves the outcome out, if it is there.
    ///
    /// # Safety
    /// The caller is the owner's side, and borrows the outcome nowhere.
    pub(crate) unsafe fn take_output(&self) -> Option<Outcome<T>> {
        let state = self.state.load(Acquire);
        if phase(state) != DONE {
            return None;
        }
        // No exchange: nobody else moves it on from `DONE`, and flags that come
        // now come too late to mean anything.
        self.state.store(phase::with(state, TAKEN), Release);
        // SAFETY: from `DONE` on the outcome belongs to the owner's side.
        self.content
            .with_mut(|content| unsafe { (*content).take_output() })
    }

    /// Moves the outcome out, if it is a value.
    ///
    /// # Safety
    /// As `take_output`.
    pub(crate) unsafe fn take_value(&self) -> Option<T> {
        if self.state.load(Acquire) & (phase::PHASE | phase::FAILED) != DONE {
            return None;
        }
        // SAFETY: the caller promises the same.
        unsafe { self.take_output() }.and_then(Result::ok)
    }

    /// Shows the outcome to `f`, if it is there.
    ///
    /// # Safety
    /// The caller is the owner's side, does not take the outcome while `f`
    /// runs, and calls this from one thread at a time unless `T` is `Sync`.
    pub(crate) unsafe fn with_output<R>(&self, f: impl FnOnce(&Outcome<T>) -> R) -> Option<R> {
        if phase(self.state.load(Acquire)) != DONE {
            return None;
        }
        // SAFETY: from `DONE` on the outcome belongs to the owner's side.
        self.content
            .with(|content| unsafe { (*content).output() }.map(f))
    }

    /// Sets `WATCHED`; false if the task is done, so that nobody may look.
    fn set_watched(&self) -> bool {
        let mut state = self.state.load(Acquire);
        while !matches!(phase(state), DONE | TAKEN) {
            match self
                .state
                .compare_exchange_weak(state, state | WATCHED, AcqRel, Acquire)
            {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        false
    }
}
