//! Calling a function later: one clock for all the time limits of the process.
//!
//! No runtime is assumed here, so the limits of jobs are kept by a thread of our
//! own, started with the first timer. A timer that is dropped before its time is
//! removed at once and its function is dropped.
//!
//! A limit that passes resolves a task, and so may call what its owner has left
//! to be called. Nobody knows how long that takes: so the thread that is about to
//! run a function sees to it first that another one watches the clock.

use crate::fork::{Generation, PerProcess};
use crate::panic::{contain, discard};
use crate::say;
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

type Key = (Instant, u64);
type Action = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Clock {
    state: Mutex<State>,
    earlier: Condvar,
}

#[derive(Default)]
struct State {
    due: BTreeMap<Key, Action>,
    next: u64,
    /// How many threads watch the clock.
    watching: usize,
}

fn clock() -> &'static Clock {
    // A forked child has no thread of its parent's, and perhaps its lock for ever.
    static CLOCK: PerProcess<Clock> = PerProcess::new();
    CLOCK.get()
}

impl Clock {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a thread that watches, unless there is one. Gives back why it could
    /// not.
    fn watch(&self, state: &mut State) -> Option<std::io::Error> {
        if state.watching > 0 {
            return None;
        }
        let builder = std::thread::Builder::new().name("executor-timer".to_owned());
        match builder.spawn(|| clock().run()) {
            Ok(_) => {
                state.watching += 1;
                None
            }
            Err(error) => Some(error),
        }
    }

    /// Watches the clock and runs what is due, until there are enough others.
    fn run(&self) {
        // Done callbacks of jobs that expire are called here.
        crate::exit::this_thread_runs_jobs();
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            state = match state.due.first_key_value() {
                None => self
                    .earlier
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some((&(at, _), _)) if at > now => {
                    let waited = self.earlier.wait_timeout(state, at - now);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                Some(_) => {
                    let action = state.due.pop_first();
                    state.watching -= 1;
                    let failure = self.watch(&mut state);
                    drop(state);
                    // Who watches on may have slept past what is due after this.
                    self.earlier.notify_one();
                    report(failure);
                    if let Some((_, action)) = action {
                        contain("a timer's action panicked", action);
                    }
                    let mut state = self.lock();
                    if state.watching >= SPARE {
                        return;
                    }
                    state.watching += 1;
                    state
                }
            };
        }
    }
}

/// So many threads watch the clock at the most: one, and one for when that one
/// is busy.
const SPARE: usize = 2;

fn report(failure: Option<std::io::Error>) {
    if let Some(error) = failure {
        say!(error, %error, "no thread for a timer: limits may be late");
    }
}

/// A function that will be called, unless this is dropped first.
#[must_use = "a timer that is dropped does nothing"]
#[derive(Debug)]
pub struct Timer(Option<(Key, Generation)>);

/// Calls `action` after `delay`, on a thread of the clock. One that blocks holds
/// up nobody else.
///
/// A delay too long to be represented never ends. If a thread cannot be started,
/// that is reported through `tracing` and tried again with the next timer; until
/// then limits are late. In a forked child the timers of its parent never fire.
pub fn after(delay: Duration, action: impl FnOnce() + Send + 'static) -> Timer {
    let Some(at) = Instant::now().checked_add(delay) else {
        return Timer(None);
    };
    let mut state = clock().lock();
    let failure = clock().watch(&mut state);
    let key = (at, state.next);
    state.next += 1;
    let first = state.due.first_key_value().is_none_or(|(&at, _)| key < at);
    state.due.insert(key, Box::new(action));
    drop(state);
    report(failure);
    if first {
        clock().earlier.notify_one();
    }
    Timer(Some((key, Generation::current())))
}

impl Timer {
    /// Whether its time has come, so that it has fired or is about to.
    pub(crate) fn is_due(&self) -> bool {
        self.0.is_some_and(|((at, _), _)| at <= Instant::now())
    }

    /// Lets the timer run although nobody holds it any more.
    pub fn detach(mut self) {
        self.0 = None;
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // In a forked child, the clock that has it is not to be touched.
        if let Some((key, made)) = self.0
            && !made.is_foreign()
        {
            let action = clock().lock().due.remove(&key);
            discard(action);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// Two that are due at the same time may run on two threads, in any order.
    #[test]
    fn timers_fire_when_it_is_time_however_long_others_take() {
        let (tell, told) = mpsc::channel();
        let start = Instant::now();
        let _late = after(Duration::from_secs(3600), || ());
        for millis in [30_u64, 10, 20] {
            let tell = tell.clone();
            after(Duration::from_millis(millis), move || {
                let _ = tell.send((millis, start.elapsed()));
            })
            .detach();
        }
        let deadline = Duration::from_secs(60);
        let mut fired: Vec<_> = (0..3)
            .map(|_| told.recv_timeout(deadline).unwrap())
            .inspect(|(millis, after)| assert!(*after >= Duration::from_millis(*millis)))
            .map(|(millis, _)| millis)
            .collect();
        fired.sort_unstable();
        assert_eq!(fired, [10, 20, 30]);
    }

    #[test]
    fn a_dropped_timer_drops_its_action_at_once() {
        let (tell, told) = mpsc::channel::<()>();
        let timer = after(Duration::from_secs(3600), move || drop(tell));
        drop(timer);
        assert_eq!(told.try_recv(), Err(mpsc::TryRecvError::Disconnected));
    }

    #[test]
    fn a_panicking_action_does_not_end_the_others() {
        after(Duration::ZERO, || panic!("in a timer")).detach();
        let (tell, told) = mpsc::channel();
        after(Duration::from_millis(1), move || tell.send(()).unwrap()).detach();
        told.recv_timeout(Duration::from_secs(60)).unwrap();
    }

    #[test]
    fn an_action_that_blocks_holds_up_nobody() {
        let (release, released) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        let done = tell.clone();
        after(Duration::ZERO, move || {
            released.recv_timeout(Duration::from_secs(60)).unwrap();
            done.send("first").unwrap();
        })
        .detach();
        for _ in 0..3 {
            let tell = tell.clone();
            after(Duration::from_millis(1), move || {
                tell.send("other").unwrap()
            })
            .detach();
            let deadline = Duration::from_secs(60);
            assert_eq!(told.recv_timeout(deadline), Ok("other"));
        }
        release.send(()).unwrap();
        assert_eq!(told.recv_timeout(Duration::from_secs(60)), Ok("first"));
    }

    #[test]
    fn an_endless_delay_is_no_timer() {
        assert!(after(Duration::MAX, || ()).0.is_none());
    }
}
