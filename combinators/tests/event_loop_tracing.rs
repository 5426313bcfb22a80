//! What is logged where no exception handler is set: asyncio's
//! `test_default_exc_handler*` and `test_log_destroyed_pending_task`.

mod common;
#[path = "common/loops.rs"]
mod loops;

use combinators::{EventLoop, Runner};
use executor_core::{Executor, Job, Shutdown, ShutdownReport, Task, TaskError};
use futures::future::pending;
use loops::one_round;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Writes down warnings and errors.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

fn logged(program: impl FnOnce()) -> Vec<String> {
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), program);
    let lines = log.0.lock().unwrap();
    lines.clone()
}

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

/// An executor that is stuck.
struct Stuck;

impl Executor for Stuck {
    fn execute(&self, job: Job) {
        drop(job);
    }
    fn shutdown(&self, _how: Shutdown) -> Task<ShutdownReport> {
        let (promise, task) = executor_core::promise("stuck");
        std::mem::forget(promise);
        task
    }
    fn concurrency(&self) -> usize {
        1
    }
}

/// CPython: test_base_events.py::test_shutdown_default_executor_timeout
#[test]
fn an_executor_that_is_stuck_is_warned_of() {
    // It is the timer's thread that says so: not the one of this test.
    let log = Log::default();
    tracing::subscriber::set_global_default(log.clone()).unwrap();
    let limit = Duration::from_millis(5);
    let mut runner = Runner::new().executor_limit(limit);
    runner.handle().set_default_executor(Stuck);
    runner.run(async { Ok::<_, TaskError>(()) }).unwrap();
    runner.close();
    let lines = log.0.lock().unwrap();
    let warning = |line: &&String| line.contains("did not finish in time");
    let warnings: Vec<_> = lines.iter().filter(warning).collect();
    assert_eq!(warnings.len(), 1, "{lines:?}");
    assert!(warnings[0].starts_with("WARN"), "{lines:?}");
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
