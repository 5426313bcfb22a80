//! Done callbacks: when they run, in which order, and how they are taken back.

mod common;

use common::reports_of;
use executor_core::{Task, TaskError, current, promise};
use std::sync::{Arc, Mutex};

type Log = Arc<Mutex<Vec<String>>>;

fn log(task: &Task<u8>, log: &Log, name: &'static str) -> executor_core::CallbackId {
    let log = log.clone();
    task.add_done_callback(move |outcome| log.lock().unwrap().push(format!("{name} {outcome:?}")))
}

/// CPython: `test_future.py::test_done_callback_with_result`.
#[test]
fn callbacks_get_the_outcome_in_the_order_they_were_added() {
    let (promise, task) = promise("p");
    let lines = Log::default();
    log(&task, &lines, "a");
    log(&task, &lines, "b");
    promise.resolve(Ok(7));
    assert_eq!(*lines.lock().unwrap(), ["a Ok(7)", "b Ok(7)"]);
}

/// CPython: `test_futures.py::test_remove_done_callback`.
#[test]
fn a_removed_callback_is_dropped_and_not_called() {
    let (promise, task) = promise("p");
    let lines = Log::default();
    log(&task, &lines, "a");
    let b = log(&task, &lines, "b");
    log(&task, &lines, "c");
    assert_eq!(Arc::strong_count(&lines), 4);
    assert!(task.remove_done_callback(b));
    assert_eq!(
        Arc::strong_count(&lines),
        3,
        "its captures are freed at once"
    );
    assert!(!task.remove_done_callback(b), "it is gone");
    promise.resolve(Ok(1));
    assert_eq!(*lines.lock().unwrap(), ["a Ok(1)", "c Ok(1)"]);
}

#[test]
fn it_is_too_late_to_remove_a_callback_that_was_called() {
    let (promise, task) = promise::<u8>("p");
    let lines = Log::default();
    let before = log(&task, &lines, "before");
    promise.resolve(Ok(1));
    let after = log(&task, &lines, "after");
    assert!(!task.remove_done_callback(before) && !task.remove_done_callback(after));
    assert_eq!(lines.lock().unwrap().len(), 2);
}

#[test]
fn a_callback_of_another_task_is_not_touched() {
    let (_p, one) = promise::<u8>("one");
    let (_q, other) = promise::<u8>("other");
    let lines = Log::default();
    let id = log(&one, &lines, "a");
    assert!(!other.remove_done_callback(id));
    assert!(one.remove_done_callback(id));
}

/// CPython: `test_future.py::test_done_callback_raises`.
#[test]
fn a_panic_in_one_is_reported_and_the_later_ones_run() {
    let lines = Log::default();
    let reports = reports_of(|| {
        let (promise, task) = promise("p");
        task.add_done_callback(|_| panic!("broken"));
        log(&task, &lines, "b");
        promise.resolve(Ok(2));
        assert_eq!(task.wait().unwrap(), 2);
    });
    assert_eq!(*lines.lock().unwrap(), ["b Ok(2)"]);
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert!(reports[0].contains("exception calling a done callback"));
    assert!(reports[0].contains("broken"), "{reports:?}");
}

/// CPython: `test_future.py::test_done_callback_raises_already_succeeded`.
#[test]
fn adding_to_a_finished_task_never_passes_the_panic_on() {
    let reports = reports_of(|| {
        let task = Task::ready("p", Ok(1));
        task.add_done_callback(|_| panic!("broken"));
    });
    assert_eq!(reports.len(), 1);
}

/// CPython: `test_future.py::test_done_callback_with_cancel`.
#[test]
fn a_callback_sees_the_cancellation() {
    let lines = Log::default();
    let (promise, task) = promise::<u8>("p");
    let seen = lines.clone();
    task.add_done_callback(move |outcome: Result<&u8, &TaskError>| {
        let cancelled = outcome.is_err_and(TaskError::is_cancelled);
        seen.lock().unwrap().push(cancelled.to_string());
    });
    drop(promise);
    assert_eq!(*lines.lock().unwrap(), ["true"]);
}

/// CPython's futures are done when their callbacks run; here they are not.
#[test]
fn a_callback_that_waits_for_its_own_task_is_told_so() {
    let slot = Arc::<Mutex<Option<Task<u8>>>>::default();
    let own = slot.clone();
    let (promise, task) = promise::<u8>("own");
    let (tell, told) = std::sync::mpsc::channel();
    task.add_done_callback(move |_| {
        let mut own = own.lock().unwrap().take().unwrap();
        let awaited = futures::executor::block_on(&mut own).unwrap_err();
        let waited = own.wait().unwrap_err();
        tell.send([awaited, waited]).unwrap();
    });
    *slot.lock().unwrap() = Some(task);
    promise.resolve(Ok(1));
    let errors = told.try_recv().unwrap();
    assert!(
        errors.iter().all(TaskError::is_would_deadlock),
        "{errors:?}"
    );
}

#[test]
fn a_callback_is_no_part_of_the_task_or_the_cancellation_that_it_follows() {
    let (promise, task) = promise::<u8>("p");
    let (_current, other) = executor_core::promise::<u8>("current");
    let lines = Log::default();
    let seen = lines.clone();
    task.add_done_callback(move |_| {
        let state = (executor_core::current_task(), current::is_cancelling());
        seen.lock().unwrap().push(format!("{state:?}"));
    });
    current::enter(other.reference(), || {
        current::cancelling(|| {
            promise.resolve(Ok(1));
            let seen = lines.clone();
            task.add_done_callback(move |_| {
                let state = (executor_core::current_task(), current::is_cancelling());
                seen.lock().unwrap().push(format!("{state:?}"));
            });
            assert!(current::is_cancelling());
        });
        assert_eq!(executor_core::current_task(), Some(other.reference()));
    });
    assert_eq!(*lines.lock().unwrap(), ["(None, false)", "(None, false)"]);
}

#[test]
fn many_callbacks_are_taken_back_in_any_order() {
    let (promise, task) = promise::<u8>("p");
    let lines = Log::default();
    let ids: Vec<_> = (0..3000).map(|_| log(&task, &lines, "x")).collect();
    let (early, late) = ids.split_at(1500);
    for id in early.iter().chain(late.iter().rev()) {
        assert!(task.remove_done_callback(*id));
    }
    promise.resolve(Ok(1));
    assert!(lines.lock().unwrap().is_empty());
}
