//! Errors that nobody looks at are reported once, when the task goes; others
//! never. CPython: `test_futures.py::test_future_exception_never_retrieved`,
//! `test_tb_logger_exception_unretrieved`, `…_retrieved`.

mod common;

use common::reports_of;
use executor_core::{ExecutorExt as _, Inline, Task, TaskError, promise};

fn failed() -> Task<u8> {
    Task::ready("careless", Err(TaskError::failed("no luck")))
}

fn assert_once(reports: &[String]) {
    assert_eq!(reports.len(), 1, "{reports:?}");
    let line = &reports[0];
    assert!(line.starts_with("ERROR"), "{line}");
    assert!(line.contains("never retrieved"), "{line}");
    assert!(
        line.contains("careless") && line.contains("no luck"),
        "{line}"
    );
}

#[test]
fn an_error_that_nobody_looked_at_is_reported_once() {
    assert_once(&reports_of(|| drop(failed())));
}

#[test]
fn so_is_one_that_comes_after_the_handle_has_gone() {
    assert_once(&reports_of(|| {
        let (promise, task) = promise::<u8>("careless");
        task.detach();
        promise.resolve(Err(TaskError::failed("no luck")));
    }));
}

#[test]
fn so_is_the_panic_of_a_job_that_was_detached() {
    let reports = reports_of(|| {
        let careless = |_: ()| -> u8 { panic!("no luck") };
        Inline::new()
            .task(careless, ())
            .name("careless")
            .submit()
            .detach();
    });
    assert_once(&reports);
}

#[test]
fn so_is_the_error_of_a_flattened_task() {
    assert_once(&reports_of(|| {
        let fails = |_: ()| -> Result<u8, String> { Err("no luck".to_owned()) };
        drop(
            Inline::new()
                .task(fails, ())
                .name("careless")
                .submit()
                .flatten(),
        );
    }));
}

#[test]
fn to_show_a_task_is_not_to_look_at_its_error() {
    assert_once(&reports_of(|| {
        let task = failed();
        assert!(format!("{task:?}").contains("raised Failed"));
    }));
}

#[test]
fn an_error_that_was_seen_is_not_reported() {
    let reports = reports_of(|| {
        assert!(failed().wait().is_err());
        let mut taken = failed();
        assert!(taken.try_result().is_err());
        assert!(failed().outcome().is_some());
        failed().add_done_callback(|_| ());
        failed().ignore_error();
        let (promise, task) = promise::<u8>("p");
        task.ignore_error();
        drop(task);
        promise.resolve(Err(TaskError::failed("nobody cares")));
    });
    assert!(reports.is_empty(), "{reports:?}");
}

#[test]
fn a_value_or_a_cancellation_is_not_reported() {
    let reports = reports_of(|| {
        drop(Task::ready("value", Ok(1)));
        drop(Task::<u8>::ready(
            "c",
            Err(TaskError::cancelled("by the test")),
        ));
        let (kept, task) = promise::<u8>("never resolved");
        drop(task);
        drop(kept);
    });
    assert!(reports.is_empty(), "{reports:?}");
}

/// Panics when it is dropped, and when it is shown.
#[derive(Debug)]
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

impl std::fmt::Display for Bomb {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("shown");
    }
}

impl std::error::Error for Bomb {}

/// Whoever has the last handle is not harmed by what the outcome does when it goes.
#[test]
fn outcomes_that_panic_when_they_go_harm_nobody() {
    let outcomes: [fn() -> Result<Bomb, TaskError>; 2] =
        [|| Ok(Bomb), || Err(TaskError::failed(Bomb))];
    for outcome in outcomes {
        let reports = reports_of(|| {
            // The promise is last.
            let (promise, task) = promise("p");
            drop(task);
            promise.resolve(outcome());
            // The task is last.
            drop(Task::ready("p", outcome()));
            // A reference is last.
            let (promise, task) = executor_core::promise("p");
            let reference = task.reference();
            drop(task);
            promise.resolve(outcome());
            drop(reference);
        });
        assert!(reports.len() >= 3, "{reports:?}");
        let contained = |line: &String| line.contains("panicked");
        assert!(reports.iter().all(contained), "{reports:?}");
    }
}

#[test]
fn so_does_the_argument_of_a_job_that_nobody_runs() {
    struct Forgets;
    impl executor_core::Executor for Forgets {
        fn execute(&self, job: executor_core::Job) {
            drop(job);
        }
        fn shutdown(&self, _: executor_core::Shutdown) -> Task<executor_core::ShutdownReport> {
            Task::ready("shutdown", Ok(executor_core::ShutdownReport::default()))
        }
        fn concurrency(&self) -> usize {
            1
        }
    }
    let bomb = Bomb;
    let (job, task) = executor_core::Job::from_closure(
        move || std::mem::forget(bomb),
        executor_core::JobOptions::default(),
    );
    executor_core::Executor::execute(&Forgets, job);
    assert!(task.wait().unwrap_err().is_pool_broken());
}
