//! Closing a loop: asyncio's `test_close` and `test_log_destroyed_pending_task`.

mod common;
#[path = "common/loops.rs"]
mod loops;

use combinators::EventLoop;
use common::{Broken, Canary};
use executor_core::{Settled, TaskError};
use futures::future::{pending, ready};
use loops::{exceptions, guarded, one_round};
use std::sync::mpsc;

/// CPython: test_events.py::test_close, test_base_events.py::test_close
#[test]
fn closed_it_refuses_everything() {
    guarded(|| {
        let mut event_loop = EventLoop::new();
        let handle = event_loop.handle();
        assert!(!handle.is_closed());
        event_loop.close();
        event_loop.close();
        assert!(handle.is_closed() && !handle.is_running());

        let closed = |error: TaskError| {
            assert!(error.is_rejected());
            assert!(
                error.to_string().contains("Event loop is closed"),
                "{error}"
            );
        };
        closed(event_loop.run_forever().unwrap_err());
        closed(
            event_loop
                .run_until_complete(ready(Ok::<_, Broken>(())))
                .unwrap_err(),
        );
        closed(handle.call_soon(|| ()).unwrap_err());
        closed(handle.call_soon_threadsafe(|| ()).unwrap_err());
        closed(handle.call_later(common::DEADLINE, || ()).unwrap_err());
        closed(handle.call_at(handle.time(), || ()).unwrap_err());
        closed(
            handle
                .run_in_executor(None, |n: u8| n, 1)
                .wait()
                .unwrap_err(),
        );
        handle.stop();
    });
}

/// CPython: test_base_events.py::test_create_task_error_closes_coro,
/// test_tasks.py::test_error_in_call_soon,
/// test_tasks.py::test_run_coroutine_threadsafe_task_factory_exception
#[test]
fn a_coroutine_for_a_closed_loop_is_dropped_and_its_task_has_failed() {
    let event_loop = EventLoop::new();
    let handle = event_loop.handle();
    drop(event_loop);
    for threadsafe in [false, true] {
        let (canary, dropped) = Canary::new();
        let coroutine = async move {
            let _canary = canary;
            pending::<Result<(), Broken>>().await
        };
        let task = match threadsafe {
            true => handle.run_coroutine_threadsafe(coroutine),
            false => handle.create_task(coroutine).flatten(),
        };
        assert_eq!(task.settled(), Some(Settled::Error));
        dropped.try_recv().expect("the coroutine is dropped");
        let error = task.wait().unwrap_err();
        assert!(error.is_rejected());
        assert!(error.task_name().unwrap().starts_with("Task-"));
        assert!(handle.all_tasks().is_empty(), "no phantom");
    }
}

/// CPython: test_tasks.py::test_log_destroyed_pending_task
#[test]
fn closing_destroys_what_is_pending_and_says_so() {
    guarded(|| {
        for began in [false, true] {
            let mut event_loop = EventLoop::new();
            let handle = event_loop.handle();
            let told = exceptions(&handle);
            let (canary, dropped) = Canary::new();
            let task = handle.create_task(async move {
                let _canary = canary;
                pending::<()>().await;
            });
            let done = handle.create_task(ready(()));
            if began {
                one_round(&mut event_loop);
                assert!(done.is_done());
            }
            drop(event_loop);
            dropped.try_recv().expect("the coroutine is dropped");
            let error = task.wait().unwrap_err();
            assert!(error.is_cancelled());
            assert!(error.to_string().contains("its event loop was closed"));
            let reports: Vec<_> = told.try_iter().collect();
            assert_eq!(reports.len(), if began { 1 } else { 2 });
            for report in reports {
                let message = "Task was destroyed but it is pending!";
                assert_eq!(report.message(), message);
                assert!(report.to_string().contains("Task-"));
                assert!(report.task_ref().unwrap().is_done());
            }
        }
    });
}

/// What a coroutine or callback held is dropped once, under no lock, with its loop:
/// it may use the loop.
#[test]
fn what_is_dropped_by_close_may_use_the_loop() {
    struct Uses(combinators::Handle, mpsc::Sender<bool>);
    impl Drop for Uses {
        fn drop(&mut self) {
            let refused = self.0.call_soon(|| ()).is_err();
            let task = self.0.create_task(ready(()));
            self.1.send(refused && task.is_done()).unwrap();
            panic!("in drop");
        }
    }
    guarded(|| {
        let mut event_loop = EventLoop::new();
        let handle = event_loop.handle();
        let (tell, told) = mpsc::channel();
        let uses = || Uses(handle.clone(), tell.clone());
        let (soon, later, held) = (uses(), uses(), uses());
        handle.call_soon(move || drop(soon)).unwrap();
        let late = handle.call_later(common::DEADLINE, move || drop(later));
        let task = handle.create_task(async move {
            pending::<()>().await;
            drop(held);
        });
        event_loop.close();
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [true; 3]);
        assert!(late.unwrap().cancelled());
        assert!(task.is_cancelled());
    });
}
