//! Callbacks: asyncio's `test_call_soon*`, `test_call_later*`, `test_call_at*` and
//! `test_handle*`.

mod common;
#[path = "common/loops.rs"]
mod loops;

use combinators::{CallHandle, EventLoop, Handle};
use common::{Canary, DEADLINE, receive};
use executor_core::{CancelOutcome, ContextVar};
use loops::{SideLoop, guarded, one_round};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Barrier};
use std::time::Duration;

const SOON: Duration = Duration::from_millis(5);

fn send<T: Send + 'static>(tell: &Sender<T>, value: T) -> impl FnOnce() + Send + 'static {
    let tell = tell.clone();
    move || tell.send(value).unwrap()
}

fn stop_later(handle: &Handle, delay: Duration) -> CallHandle {
    let stopper = handle.clone();
    handle.call_later(delay, move || stopper.stop()).unwrap()
}

/// CPython: test_events.py::test_call_soon, test_call_soon_threadsafe_same_thread
#[test]
fn callbacks_come_in_order_by_whatever_name() {
    guarded(|| {
        let mut event_loop = EventLoop::new();
        let handle = event_loop.handle();
        let (tell, told) = mpsc::channel();
        for n in 0..100 {
            match n % 2 {
                0 => handle.call_soon(send(&tell, n)).unwrap(),
                _ => handle.call_soon_threadsafe(send(&tell, n)).unwrap(),
            };
        }
        one_round(&mut event_loop);
        assert!(told.try_iter().eq(0..100));
    });
}

/// CPython: test_events.py::test_call_soon_threadsafe: it wakes a loop that sleeps
#[test]
fn a_call_from_another_thread_wakes_the_loop() {
    let side = SideLoop::start();
    let (tell, told) = mpsc::channel();
    for round in 0..1000 {
        side.handle
            .call_soon_threadsafe(send(&tell, round))
            .unwrap();
        assert_eq!(receive(&told), round);
    }
}

/// Seed 002: one after another, all on the loop's thread, none at the caller's;
/// S12.
#[test]
fn callbacks_that_block_hold_up_the_loop_and_nobody_else() {
    let side = SideLoop::start();
    let (tell, told) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let may_go_on = Arc::new(std::sync::Mutex::new(may_go_on));
    for n in 0..3 {
        let (tell, may_go_on) = (tell.clone(), may_go_on.clone());
        let ping = move || {
            let thread = std::thread::current().name().unwrap().to_owned();
            tell.send((n, "begins", thread.clone())).unwrap();
            receive(&may_go_on.lock().unwrap());
            tell.send((n, "ends", thread)).unwrap();
        };
        side.handle.call_soon_threadsafe(ping).unwrap();
    }
    // The main thread is not blocked: it is the one that lets them go on.
    for n in 0..3 {
        assert_eq!(receive(&told), (n, "begins", "side loop".to_owned()));
        assert!(told.try_recv().is_err());
        go_on.send(()).unwrap();
        assert_eq!(receive(&told), (n, "ends", "side loop".to_owned()));
    }
}

/// Ten threads at once: each one's callbacks come in its order.
#[test]
fn the_order_of_each_thread_is_kept() {
    let side = SideLoop::start();
    let (tell, told) = mpsc::channel();
    let start = Arc::new(Barrier::new(10));
    let threads: Vec<_> = (0..10)
        .map(|thread| {
            let (handle, tell, start) = (side.handle.clone(), tell.clone(), start.clone());
            std::thread::spawn(move || {
                start.wait();
                for n in 0..100 {
                    handle
                        .call_soon_threadsafe(send(&tell, (thread, n)))
                        .unwrap();
                }
            })
        })
        .collect();
    let mut next = [0; 10];
    for _ in 0..1000 {
        let (thread, n): (usize, usize) = receive(&told);
        assert_eq!(n, next[thread]);
        next[thread] += 1;
    }
    threads.into_iter().for_each(|t| t.join().unwrap());
}

/// CPython: test_events.py::test_time_and_call_at, test_call_later: by their time,
/// never early; of the same time, in the order of the calls
#[test]
fn timers_come_in_the_order_of_their_times() {
    guarded(|| {
        let mut event_loop = EventLoop::new();
        let handle = event_loop.handle();
        let (tell, told) = mpsc::channel();
        let start = handle.time();
        let at = |millis: u64| start + Duration::from_millis(millis);
        let late = handle.call_at(at(20), send(&tell, 4)).unwrap();
        handle.call_at(at(10), send(&tell, 2)).unwrap();
        handle.call_at(at(10), send(&tell, 3)).unwrap();
        handle.call_at(start, send(&tell, 1)).unwrap();
        handle.call_soon(send(&tell, 0)).unwrap();
        assert_eq!(late.when(), Some(at(20)));
        let stopper = handle.clone();
        handle.call_at(at(20), move || stopper.stop()).unwrap();
        event_loop.run_forever().unwrap();
        assert!(handle.time() >= at(20));
        assert!(told.try_iter().eq(0..5));
    });
}

/// CPython: test_base_events.py::test_call_later_negative_delays: what is due comes
/// by its time, after what is ready
#[test]
fn a_time_that_has_passed_is_due() {
    guarded(|| {
        let mut event_loop = EventLoop::new();
        let handle = event_loop.handle();
        let (tell, told) = mpsc::channel();
        let now = handle.time();
        let ago = |seconds| now.checked_sub(Duration::from_secs(seconds)).unwrap();
        handle.call_at(ago(1), send(&tell, "b")).unwrap();
        handle.call_at(ago(2), send(&tell, "a")).unwrap();
        handle.call_soon(send(&tell, "soon")).unwrap();
        one_round(&mut event_loop);
        assert_eq!(told.try_iter().collect::<Vec<_>>(), ["soon", "a", "b"]);
    });
}

/// A delay that no clock can represent never passes, and can be cancelled.
#[test]
fn an_endless_delay_is_one() {
    let event_loop = EventLoop::new();
    let call = event_loop
        .handle()
        .call_later(Duration::MAX, || ())
        .unwrap();
    assert!(call.when().is_some());
    assert_eq!(call.cancel(), CancelOutcome::BeforeStart);
}

/// An earlier timer, set from another thread, wakes a loop that sleeps for a later
/// one.
#[test]
fn an_earlier_timer_is_not_slept_past() {
    let side = SideLoop::start();
    let (tell, told) = mpsc::channel();
    let late = side.handle.call_later(10 * DEADLINE, || ()).unwrap();
    for round in 0..20 {
        // Whether it sleeps by now or not.
        side.handle.call_soon(send(&tell, round)).unwrap();
        receive(&told);
        side.handle
            .call_later(SOON / 5, send(&tell, round))
            .unwrap();
        assert_eq!(receive(&told), round);
    }
    late.cancel();
}

/// CPython: test_base_events.py::test__run_once_cancelled_event_cleanup: cancelled
/// timers do not pile up
#[test]
fn a_cancelled_timer_is_gone_with_what_it_held() {
    guarded(|| {
        let mut event_loop = EventLoop::new();
        let handle = event_loop.handle();
        for _ in 0..1000 {
            let (canary, dropped) = Canary::new();
            let call = handle.call_later(DEADLINE, move || drop(canary)).unwrap();
            assert_eq!(call.cancel(), CancelOutcome::BeforeStart);
            dropped.try_recv().expect("dropped by cancel");
            assert!(call.cancelled());
            assert_eq!(
                call.cancel(),
                CancelOutcome::TooLate,
                "there is nothing left"
            );
        }
        assert!(format!("{handle:?}").contains("timers: 0"), "{handle:?}");
        stop_later(&handle, SOON);
        event_loop.run_forever().unwrap();
    });
}

/// CPython: test_events.py::test_cancel, test_call_soon_threadsafe_handle_cancel_other_thread
#[test]
fn cancelled_before_it_ran_it_never_does() {
    guarded(|| {
        let mut event_loop = EventLoop::new();
        let handle = event_loop.handle();
        let (tell, told) = mpsc::channel();
        let first = handle.call_soon(send(&tell, 1)).unwrap();
        handle.call_soon(send(&tell, 2)).unwrap();
        let other = std::thread::spawn(move || (first.cancel(), first.cancelled()));
        assert_eq!(other.join().unwrap(), (CancelOutcome::BeforeStart, true));
        // Also by a callback of the same round.
        let slot = Arc::new(std::sync::Mutex::new(None::<CallHandle>));
        let victim = slot.clone();
        let cancel = move || {
            victim.lock().unwrap().take().unwrap().cancel();
        };
        handle.call_soon(cancel).unwrap();
        *slot.lock().unwrap() = Some(handle.call_soon(send(&tell, 3)).unwrap());
        one_round(&mut event_loop);
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [2]);
    });
}

/// CPython: test_events.py::test_call_soon_threadsafe_handle_block_cancellation; but
/// here nobody blocks: it is too late, and that is said
#[test]
fn cancelling_a_callback_that_runs_is_too_late_and_does_not_block() {
    let side = SideLoop::start();
    let (tell, told) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let begins = tell.clone();
    let call = side.handle.call_soon_threadsafe(move || {
        begins.send("begins").unwrap();
        receive(&may_go_on);
        begins.send("ends").unwrap();
    });
    let call = call.unwrap();
    assert_eq!(receive(&told), "begins");
    assert_eq!(call.cancel(), CancelOutcome::TooLate);
    assert!(!call.cancelled());
    go_on.send(()).unwrap();
    assert_eq!(receive(&told), "ends");
    assert_eq!(call.cancel(), CancelOutcome::TooLate);
    assert!(!call.cancelled());
}

/// CPython: test_events.py::test_call_soon_threadsafe_handle_cancel_other_event_loop
#[test]
fn callbacks_of_two_loops_may_cancel_each_other() {
    for _ in 0..50 {
        let (one, other) = (SideLoop::start(), SideLoop::start());
        let (tell, told) = mpsc::channel();
        let start = Arc::new(Barrier::new(2));
        let slots: [Arc<std::sync::Mutex<Option<CallHandle>>>; 2] = Default::default();
        let sides = [&one, &other];
        for n in 0..2 {
            let (start, tell, victim) = (start.clone(), tell.clone(), slots[1 - n].clone());
            let call = sides[n].handle.call_later(Duration::ZERO, move || {
                start.wait();
                let victim = victim.lock().unwrap().clone();
                tell.send(victim.map(|call| call.cancel())).unwrap();
            });
            *slots[n].lock().unwrap() = Some(call.unwrap());
        }
        for _ in 0..2 {
            // Both run: neither was prevented, and neither waits for the other.
            assert!(matches!(
                receive(&told),
                None | Some(CancelOutcome::TooLate)
            ));
        }
    }
}

/// Callbacks and coroutines of a loop run in a copy of the context that they were
/// made in: CPython: test_tasks.py::test_context_1..6
#[test]
fn they_run_in_a_copy_of_their_context() {
    static VAR: ContextVar<u8> = ContextVar::new("var");
    guarded(|| {
        let mut event_loop = EventLoop::new();
        let handle = event_loop.handle();
        let (tell, told) = mpsc::channel();
        for n in [1, 2] {
            VAR.scope(n, || {
                let (soon, later, polled) = (tell.clone(), tell.clone(), tell.clone());
                let report = |tell: Sender<Option<u8>>| {
                    tell.send(VAR.get()).unwrap();
                    VAR.set(9);
                };
                handle.call_soon(move || report(soon)).unwrap();
                handle
                    .call_at(handle.time(), move || report(later))
                    .unwrap();
                handle.create_task(async move { report(polled) }).detach();
            });
        }
        handle.call_soon(send(&tell, VAR.get())).unwrap();
        one_round(&mut event_loop);
        assert_eq!(VAR.get(), None, "it does not leak");
        let mut seen: Vec<_> = told.try_iter().collect();
        seen.sort();
        assert_eq!(seen, [&[None][..], &[Some(1); 3], &[Some(2); 3]].concat());
    });
}
