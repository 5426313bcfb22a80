//! [`Drive`]: the rounds of one run, as a future.

use super::ready::Ready;
use super::running::Ended;
use super::shared::Shared;
use crate::coroutine::Routine;
use crate::runtime::Sleep;
use executor_core::panic::{catch, discard};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

/// So many rounds before the runtime, which sees to I/O and timers, has its turn
/// on this thread. It has a thread of its own besides.
const ROUNDS: usize = 32;

pub(super) struct Drive<'l, 'f> {
    shared: &'l Arc<Shared>,
    run: u64,
    main: Option<Box<dyn Routine + 'f>>,
    waker: Arc<MainWaker>,
    /// The future that the run is for is done: what came before is still to be done.
    ending: bool,
    /// That is done, too.
    complete: bool,
    /// What this round is to do.
    round: VecDeque<Ready>,
    sleep: Option<(Instant, Sleep)>,
}

impl<'l, 'f> Drive<'l, 'f> {
    pub(super) fn new(shared: &'l Arc<Shared>, main: Option<Box<dyn Routine + 'f>>) -> Self {
        let run = shared.lock().runs;
        Self {
            shared,
            run,
            main,
            waker: Arc::new(MainWaker {
                home: Arc::downgrade(shared),
                run,
                // It stands in the queue from the beginning.
                woken: AtomicBool::new(true),
            }),
            ending: false,
            complete: false,
            round: VecDeque::new(),
            sleep: None,
        }
    }

    /// One round; says how the run has ended, if it has.
    fn round(&mut self) -> Option<Ended> {
        let mut state = self.shared.lock();
        if let Some(next) = state.timers.next_at() {
            let now = Instant::now();
            while next <= now
                && let Some(call) = state.timers.pop_due(now)
            {
                state.ready.push_back(Ready::Call(call));
            }
        }
        std::mem::swap(&mut self.round, &mut state.ready);
        drop(state);
        while let Some(ready) = self.round.pop_front() {
            self.perform(ready);
        }
        if self.complete {
            return Some(Ended::Complete);
        }
        if self.ending {
            // No wish to stop, which may be that future's own, leaves out what it has
            // scheduled.
            return None;
        }
        let stop = std::mem::take(&mut self.shared.lock().stop);
        stop.then_some(Ended::Stopped)
    }

    fn perform(&mut self, ready: Ready) {
        match ready {
            Ready::Call(call) => call.call(self.shared),
            Ready::Node(node) => {
                if node.step() {
                    let mut state = self.shared.lock();
                    let done = state.nodes.remove(&node.task.id());
                    let departure = state.departure.take();
                    drop(state);
                    drop(done);
                    if let Some(waker) = departure {
                        waker.wake();
                    }
                }
            }
            Ready::Main(run) if run == self.run => self.poll_main(),
            Ready::End(run) if run == self.run => self.complete = true,
            // Of a run that was stopped.
            Ready::Main(_) | Ready::End(_) => {}
        }
    }

    fn poll_main(&mut self) {
        // Acquires what was written before it was woken.
        self.waker.woken.swap(false, Ordering::AcqRel);
        let Some(main) = &mut self.main else {
            return;
        };
        let waker = Waker::from(self.waker.clone());
        let polled = catch(|| main.drive(&mut Context::from_waker(&waker)));
        if !polled.is_ok_and(|polled| polled.is_pending()) {
            discard(self.main.take());
            // Behind what it has scheduled.
            self.ending = true;
            self.shared.push(Ready::End(self.run));
        }
    }

    /// Whether there is anything to do; if not, whoever changes that wakes the
    /// loop, or the clock does.
    fn is_idle(&mut self, context: &mut Context<'_>) -> bool {
        self.shared.sleeper.register(context.waker());
        let state = self.shared.lock();
        let (busy, next) = (
            !state.ready.is_empty() || state.stop,
            state.timers.next_at(),
        );
        drop(state);
        if busy {
            return false;
        }
        let Some(next) = next else {
            self.sleep = None;
            return true;
        };
        let sleep = match &mut self.sleep {
            Some((at, sleep)) if *at == next => sleep,
            slot => {
                let left = next.saturating_duration_since(Instant::now());
                &mut slot.insert((next, Sleep::new(left))).1
            }
        };
        if Pin::new(sleep).poll(context).is_pending() {
            return true;
        }
        // It may be early by a clock's granularity: another one for what is left.
        self.sleep = None;
        false
    }
}

impl Future for Drive<'_, '_> {
    type Output = Ended;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Ended> {
        for _ in 0..ROUNDS {
            // Nobody need wake a thread that is awake.
            self.shared.sleeper.take();
            if let Some(ended) = self.round() {
                return Poll::Ready(ended);
            }
            if self.shared.lock().ready.is_empty() && self.is_idle(context) {
                return Poll::Pending;
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Drive<'_, '_> {
    /// The future is dropped within the run, like all that belongs to it.
    ///
    /// If the run unwinds, from a waker that panics say, the next one does what is left
    /// of the round.
    fn drop(&mut self) {
        if !self.round.is_empty() {
            let mut state = self.shared.lock();
            self.round.append(&mut state.ready);
            std::mem::swap(&mut self.round, &mut state.ready);
        }
        if let Some(mut main) = self.main.take() {
            let _ = catch(|| main.abandon("its event loop was stopped"));
            discard(main);
        }
        self.shared.sleeper.take();
    }
}

/// Wakes the future that a run is for: a place in the queue, as for any coroutine.
struct MainWaker {
    home: Weak<Shared>,
    run: u64,
    woken: AtomicBool,
}

impl Wake for MainWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.woken.swap(true, Ordering::AcqRel)
            && let Some(home) = self.home.upgrade()
        {
            home.push(Ready::Main(self.run));
        }
    }
}
