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
