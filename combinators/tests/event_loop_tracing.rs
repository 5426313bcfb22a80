//! What is logged where no exception handler is set: asyncio's
//! `test_default_exc_handler*` and `test_log_destroyed_pending_task`.

mod common;
#[path = "common/loops.rs"]
mod loops;

use combinators::{EventLoop, Runner};
use common::Stuck;
use common::reports::{Log, logged};
use executor_core::TaskError;
use futures::future::pending;
use loops::{one_round, telling};
use std::time::Duration;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// CPython: test_tasks.py::test_log_destroyed_pending_task; G6
#[test]
fn a_destroyed_task_is_logged() {
    let lines = logged(|| {
        let event_loop = EventLoop::new();
        event_loop.handle().create_task(pending::<()>()).detach();
    });
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("ERROR"), "{lines:?}");
    assert!(lines[0].contains("Task was destroyed but it is pending!"));
    assert!(lines[0].contains("Task-"), "{lines:?}");
}

/// CPython: test_base_events.py::test_default_exc_handler_callback,
/// test_set_exc_handler_broken
#[test]
fn a_panic_in_a_callback_or_a_handler_is_logged() {
    let lines = logged(|| {
        let mut event_loop = EventLoop::new();
        let handle = event_loop.handle();
        handle.call_soon(|| panic!("no luck")).unwrap();
        one_round(&mut event_loop);
    });
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("no luck"), "{lines:?}");
    let lines = logged(|| {
        let mut event_loop = EventLoop::new();
        let handle = event_loop.handle();
        handle.set_exception_handler(|_| panic!("a broken handler"));
        handle.call_soon(|| panic!("no luck")).unwrap();
        one_round(&mut event_loop);
    });
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("a broken handler"), "{lines:?}");
    assert!(lines[1].contains("no luck"), "{lines:?}");
}

/// CPython: test_base_events.py::test_default_exc_handler_coro: an error that nobody
/// looks at
#[test]
fn an_overlooked_error_of_a_coroutine_is_logged() {
    let lines = logged(|| {
        let mut event_loop = EventLoop::new();
        let failing = async { Err::<(), _>("no luck") };
        let task = event_loop.handle().run_coroutine_threadsafe(failing);
        one_round(&mut event_loop);
        drop(task);
    });
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("never retrieved") && lines[0].contains("no luck"));
}

/// CPython: test_base_events.py::test_shutdown_default_executor_timeout
#[test]
fn an_executor_that_is_stuck_is_warned_of() {
    // It is the timer's thread that says so: not the one of this test.
    let log = Log::default();
    tracing::subscriber::set_global_default(log.listener()).unwrap();
    let limit = Duration::from_millis(5);
    let mut runner = Runner::new().executor_limit(limit);
    runner.handle().set_default_executor(Stuck);
    runner.run(async { Ok::<_, TaskError>(()) }).unwrap();
    runner.close();
    let lines = log.lines();
    let warning = |line: &&String| line.contains("did not finish in time");
    let warnings: Vec<_> = lines.iter().filter(warning).collect();
    assert_eq!(warnings.len(), 1, "{lines:?}");
    assert!(warnings[0].starts_with("WARN"), "{lines:?}");
}

/// Where even the subscriber panics that is told of a panic, the round goes on.
#[test]
fn a_subscriber_that_panics_holds_up_nothing() {
    struct Panics;
    impl Subscriber for Panics {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, _: &Event<'_>) {
            panic!("a subscriber");
        }
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }
    let mut event_loop = EventLoop::new();
    let handle = event_loop.handle();
    let (tell, told) = std::sync::mpsc::channel();
    let callback = |n| telling(&tell, n);
    handle.call_soon(|| panic!("no luck")).unwrap();
    handle.call_soon(callback(1)).unwrap();
    let task = handle.create_task(async { 7 });
    tracing::subscriber::with_default(Panics, || one_round(&mut event_loop));
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [1]);
    assert_eq!(task.wait().unwrap(), 7);
    handle.call_soon(callback(2)).unwrap();
    one_round(&mut event_loop);
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [2]);
}

/// An orderly program logs nothing.
#[test]
fn nothing_is_logged_otherwise() {
    let lines = logged(|| {
        let outcome = combinators::run(async {
            let job = combinators::run_in_executor(None, |n: u8| n, 1);
            let left = combinators::create_task(pending::<()>());
            left.detach();
            job.await
        });
        assert_eq!(outcome.unwrap(), 1);
    });
    assert!(lines.is_empty(), "{lines:?}");
}
