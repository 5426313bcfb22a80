//! The exception handler of a loop: asyncio's `test_set_exc_handler*`.

mod common;
#[path = "common/loops.rs"]
mod loops;

use combinators::EventLoop;
use common::{Canary, DEADLINE};
use loops::{exceptions, guarded, one_round};
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

fn send<T: Send + 'static>(tell: &Sender<T>, value: T) -> impl FnOnce() + Send + 'static {
    let tell = tell.clone();
    move || tell.send(value).unwrap()
}

/// CPython: test_base_events.py::test_set_exc_handler_custom,
/// test_default_exc_handler_callback
#[test]
fn a_panic_in_a_callback_is_reported_and_the_loop_goes_on() {
    guarded(|| {
        let mut event_loop = EventLoop::new();
        let handle = event_loop.handle();
        let told = exceptions(&handle);
        let (tell, called) = mpsc::channel();
        handle.call_soon(|| panic!("first")).unwrap();
        handle.call_soon(send(&tell, 1)).unwrap();
        handle
            .call_later(Duration::ZERO, || panic!("second"))
            .unwrap();
        one_round(&mut event_loop);
        assert_eq!(called.try_iter().count(), 1);
        for message in ["first", "second"] {
            let context = told.try_recv().unwrap();
            assert_eq!(context.message(), "a callback panicked");
            let report = context.panic_report().unwrap();
            assert_eq!(report.message(), message);
            assert!(
                report
                    .location()
                    .unwrap()
                    .contains("event_loop_exceptions.rs")
            );
            assert!(context.task_ref().is_none() && context.task_error().is_none());
        }
        // Without a handler, `tracing` is told, and the loop goes on all the same.
        handle.reset_exception_handler();
        handle.call_soon(|| panic!("third")).unwrap();
        handle.call_soon(send(&tell, 2)).unwrap();
        one_round(&mut event_loop);
        assert_eq!(called.try_iter().count(), 1);
        assert!(told.try_recv().is_err());
    });
}

/// CPython: test_base_events.py::test_set_exc_handler_broken
#[test]
fn a_handler_that_panics_harms_nobody() {
    guarded(|| {
        let mut event_loop = EventLoop::new();
        let handle = event_loop.handle();
        let (tell, called) = mpsc::channel();
        let calls = tell.clone();
        handle.set_exception_handler(move |_| {
            calls.send("handler").unwrap();
            panic!("a broken handler");
        });
        handle.call_soon(|| panic!("no luck")).unwrap();
        handle.call_soon(send(&tell, "callback")).unwrap();
        one_round(&mut event_loop);
        assert_eq!(
            called.try_iter().collect::<Vec<_>>(),
            ["handler", "callback"]
        );
    });
}

/// A handler may replace itself, and use the loop: it is called under no lock.
#[test]
fn a_handler_may_use_the_loop() {
    guarded(|| {
        let mut event_loop = EventLoop::new();
        let handle = event_loop.handle();
        let (tell, told) = mpsc::channel();
        let own = handle.clone();
        handle.set_exception_handler(move |context| {
            let (tell, text) = (tell.clone(), context.to_string());
            own.call_soon(move || tell.send(text).unwrap()).unwrap();
            own.reset_exception_handler();
        });
        handle.call_soon(|| panic!("no luck")).unwrap();
        one_round(&mut event_loop);
        one_round(&mut event_loop);
        assert!(told.try_recv().unwrap().contains("no luck"));
    });
}

/// A handler or a callback that holds a handle of its loop does not keep it.
#[test]
fn what_holds_a_handle_is_freed_with_the_loop() {
    let event_loop = EventLoop::new();
    let handle = event_loop.handle();
    let dropped: Vec<_> = (0..3)
        .map(|n| {
            let (canary, dropped) = Canary::new();
            let held = (handle.clone(), canary);
            match n {
                0 => handle.set_exception_handler(move |_| assert!(held.0.is_closed())),
                1 => drop(handle.call_soon(move || drop(held))),
                _ => drop(handle.call_later(DEADLINE, move || drop(held))),
            }
            dropped
        })
        .collect();
    drop(event_loop);
    for dropped in dropped {
        dropped.try_recv().expect("dropped with the loop");
    }
    let (canary, dropped) = Canary::new();
    handle.set_exception_handler(move |_| {
        let _canary = &canary;
    });
    dropped.try_recv().expect("a closed loop takes none");
}
