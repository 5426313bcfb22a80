//! Calling a function later: one thread for all the time limits of the process.
//!
//! No runtime is assumed here, so the limits of jobs are kept by a thread of our
//! own, started with the first timer. A timer that is dropped before its time is
//! removed at once and its function is dropped.

use crate::panic::{catch, discard};
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
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
    running: bool,
}

fn clock() -> &'static Clock {
    static CLOCK: OnceLock<Clock> = OnceLock::new();
    CLOCK.get_or_init(Clock::default)
}

impl Clock {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

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
                    drop(state);
                    if let Some((_, action)) = action
                        && let Err(report) = catch(action)
                    {
                        tracing::error!(%report, "a timer's action panicked");
                    }
                    self.lock()
                }
            };
        }
    }
}

/// A function that will be called, unless this is dropped first.
#[must_use = "a timer that is dropped does nothing"]
#[derive(Debug)]
pub struct Timer(Option<Key>);

/// Calls `action` after `delay`, on the timer thread: it must be short and must
/// not block.
///
/// A delay too long to be represented never ends. If the timer thread cannot be
/// started, that is reported through `tracing` and tried again with the next
/// timer; until then limits are late.
pub fn after(delay: Duration, action: impl FnOnce() + Send + 'static) -> Timer {
    let Some(at) = Instant::now().checked_add(delay) else {
        return Timer(None);
    };
    let mut state = clock().lock();
    if !state.running {
        let started = std::thread::Builder::new()
            .name("executor-timer".to_owned())
            .spawn(|| clock().run());
        match started {
            Ok(_) => state.running = true,
            Err(error) => tracing::error!(%error, "the timer thread could not be started"),
        }
    }
    let key = (at, state.next);
    state.next += 1;
    let first = state.due.first_key_value().is_none_or(|(&at, _)| key < at);
    state.due.insert(key, Box::new(action));
    drop(state);
    if first {
        clock().earlier.notify_one();
    }
    Timer(Some(key))
}

impl Timer {
    /// Lets the timer run although nobody holds it any more.
    pub fn detach(mut self) {
        self.0 = None;
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some(key) = self.0 {
            let action = clock().lock().due.remove(&key);
            discard(action);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn timers_fire_in_order_of_their_time() {
        let (tell, told) = mpsc::channel();
        for millis in [30_u64, 10, 20] {
            let tell = tell.clone();
            after(Duration::from_millis(millis), move || {
                let _ = tell.send(millis);
            })
            .detach();
        }
        let deadline = Duration::from_secs(60);
        let order: Vec<_> = (0..3)
            .map(|_| told.recv_timeout(deadline).unwrap())
            .collect();
        assert_eq!(order, [10, 20, 30]);
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
    fn an_endless_delay_is_no_timer() {
        assert!(after(Duration::MAX, || ()).0.is_none());
    }
}
