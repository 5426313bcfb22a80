//! run and Runner: asyncio's `test_runners.py`.

mod common;
#[path = "common/loops.rs"]
mod loops;

use combinators::{Runner, create_task, run};
use common::{Broken, Canary};
use executor_core::TaskErrorKind;
use futures::future::{pending, ready};
use loops::{exceptions, guarded};
use std::sync::mpsc;

/// CPython: test_runners.py::test_asyncio_run_return, test_asyncio_run_raises
#[test]
fn it_returns_what_main_does() {
    guarded(|| {
        assert_eq!(run(ready(Ok::<_, Broken>(7))).unwrap(), 7);
        let error = run(ready(Err::<u8, _>(Broken(1)))).unwrap_err();
        assert_eq!(error.downcast::<Broken>().unwrap(), Broken(1));
        let error = run(async {
            assert_eq!(1, 2, "no luck");
            Ok::<_, Broken>(())
        });
        assert!(error.unwrap_err().is_panicked());
    });
}

/// CPython: test_runners.py::test_asyncio_run_from_running_loop
#[test]
fn inside_a_running_loop_it_is_an_error() {
    guarded(|| {
        let (canary, dropped) = Canary::new();
        let inner = run(async {
            Ok::<_, Broken>(run(async move {
                let _canary = canary;
                Ok::<_, Broken>(())
            }))
        });
        let error = inner.unwrap().unwrap_err();
        assert_eq!(error.kind(), TaskErrorKind::InvalidState);
        assert!(error.to_string().contains("another loop is running"));
        dropped
            .try_recv()
            .expect("it is dropped, and did not start");
        // Nor in a coroutine of the shared runtime.
        let error = common::run(create_task(async { run(ready(Ok::<_, Broken>(()))) }));
        let error = error.unwrap().unwrap_err();
        assert!(error.is_invalid_state());
        assert!(error.to_string().contains("shared runtime"), "{error}");
    });
}

/// CPython: test_runners.py::test_asyncio_run_cancels_hanging_tasks
#[test]
fn what_is_left_is_cancelled_and_has_ended_when_it_returns() {
    guarded(|| {
        let (canary, dropped) = Canary::new();
        let (tell, told) = mpsc::channel();
        let hanging = run(async move {
            let began = tell.clone();
            let hanging = create_task(async move {
                let _canary = canary;
                began.send("begun").unwrap();
                pending::<()>().await;
                began.send("went on").unwrap();
            });
            // Never polled before it is cancelled.
            let task = create_task(async move { tell.send("last").unwrap() });
            Ok::<_, Broken>((hanging, task.reference()))
        });
        let (hanging, last) = hanging.unwrap();
        dropped.try_recv().expect("dropped by now");
        assert!(hanging.is_cancelled() && last.is_done());
        assert!(
            hanging
                .wait()
                .unwrap_err()
                .to_string()
                .contains("at an await")
        );
        assert_eq!(told.try_iter().collect::<Vec<_>>(), ["begun", "last"]);
    });
}

/// CPython: test_runners.py::test_asyncio_run_reports_hanging_tasks_errors: in Rust,
/// what can fail while it is cancelled is a `Drop`
#[test]
fn what_fails_while_it_is_cancelled_is_reported() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in drop");
        }
    }
    guarded(|| {
        let mut runner = Runner::new();
        let told = exceptions(&runner.handle());
        let main = runner.run(async {
            create_task(async {
                let _bomb = Bomb;
                pending::<()>().await;
            })
            .detach();
            Ok::<_, Broken>(())
        });
        main.unwrap();
        runner.close();
        let reports: Vec<_> = told.try_iter().collect();
        assert_eq!(reports.len(), 1, "{reports:?}");
        let report = &reports[0];
        assert!(report.message().contains("while it was dropped"));
        assert_eq!(report.panic_report().unwrap().message(), "in drop");
        assert!(report.task_ref().is_some());
    });
}

/// ... or what that `Drop` starts.
#[test]
fn an_error_while_the_runner_closes_is_reported() {
    guarded(|| {
        let mut runner = Runner::new();
        let told = exceptions(&runner.handle());
        struct Fails(combinators::Handle);
        impl Drop for Fails {
            fn drop(&mut self) {
                let failing = async { Err::<(), _>(Broken(4)) };
                self.0.run_coroutine_threadsafe(failing).detach();
            }
        }
        let fails = Fails(runner.handle());
        let main = runner.run(async move {
            create_task(async move {
                let _fails = fails;
                pending::<()>().await;
            })
            .detach();
            Ok::<_, Broken>(())
        });
        main.unwrap();
        runner.close();
        let report = told.try_recv().unwrap();
        assert_eq!(
            report.message(),
            "a task failed while the runner was closing"
        );
        assert_eq!(
            report.task_error().unwrap().downcast_ref::<Broken>(),
            Some(&Broken(4))
        );
    });
}

/// CPython: test_runners.py::test_double_close, test_run, test_reuse
#[test]
fn a_runner_runs_several_times_on_one_loop_until_it_is_closed() {
    guarded(|| {
        let mut runner = Runner::default();
        let handle = runner.handle();
        let left = runner.run(async { Ok::<_, Broken>(create_task(ready(1))) });
        let value = runner.run(left.unwrap());
        assert_eq!(value.unwrap(), 1);
        runner.close();
        runner.close();
        assert!(handle.is_closed());
        assert!(
            runner
                .run(ready(Ok::<_, Broken>(())))
                .unwrap_err()
                .is_rejected()
        );
        drop(runner);

        let runner = Runner::new();
        let handle = runner.handle();
        drop(runner);
        assert!(handle.is_closed());
    });
}
