//! Rules about queues, workers and the end of an executor.

use super::{Gate, Subject, finish, pass, visit};
use crate::error::TaskErrorKind;
use crate::ext::ExecutorExt as _;
use crate::shutdown::Shutdown;
use crate::task::Task;
use std::time::Duration;

fn echo(n: u64) -> u64 {
    n
}

fn fail(n: u64) -> u64 {
    panic!("{n} was told to")
}

/// With one worker, jobs start in the order of their submission.
pub fn jobs_start_in_the_order_they_were_submitted(subject: &dyn Subject) {
    let executor = subject.start(1);
    let mut gate = Gate::new();
    let tasks: Vec<_> = (0..50)
        .map(|n| executor.submit(visit, gate.ticket(n)))
        .collect();
    let order: Vec<_> = (0..50).map(|_| gate.arrival()).collect();
    assert_eq!(order, (0..50).collect::<Vec<_>>());
    assert!(tasks.into_iter().all(|task| finish(task).is_ok()));
}

/// As many jobs run at the same time as there are workers, and no more; a long
/// one does not hold up those behind it while another worker is free.
pub fn as_many_jobs_run_at_once_as_there_are_workers(subject: &dyn Subject) {
    if subject.runs_inline() {
        return;
    }
    let executor = subject.start(3);
    assert_eq!(executor.concurrency(), 3);
    let mut gate = Gate::new();
    let tasks: Vec<_> = (0..4)
        .map(|n| executor.submit(pass, gate.ticket(n)))
        .collect();
    let mut first: Vec<_> = (0..3).map(|_| gate.arrival()).collect();
    first.sort_unstable();
    assert_eq!(first, [0, 1, 2]);
    assert!(tasks[..3].iter().all(Task::is_running));
    assert!(!tasks[3].is_running());
    gate.open_for(1);
    assert_eq!(gate.arrival(), 3);
    // 0 and 2 still run; these pass them by.
    gate.open_for(3);
    let short: Vec<_> = (10..60).map(|n| executor.submit(echo, n)).collect();
    assert!(short.into_iter().all(|task| finish(task).is_ok()));
    assert!(tasks[0].is_running() && tasks[2].is_running());
    gate.open();
    let results: Vec<_> = tasks.into_iter().map(|t| finish(t).unwrap()).collect();
    assert_eq!(results, [0, 1, 2, 3]);
}

/// After a shutdown, a submit comes back as a failed task that says why.
pub fn after_shutdown_submit_is_refused(subject: &dyn Subject) {
    let executor = subject.start(1);
    assert_eq!(finish(executor.submit(echo, 1)).unwrap(), 1);
    finish(executor.shutdown(Shutdown::drain())).unwrap();
    let refused = executor.task(echo, 2).name("late").submit();
    assert!(refused.is_done());
    let error = finish(refused).unwrap_err();
    assert_eq!(error.kind(), TaskErrorKind::Rejected);
    assert_eq!(error.task_name(), Some("late"));
    assert!(error.to_string().contains("shut down"), "{error}");
    // A second shutdown is no error, and ends.
    finish(executor.shutdown(Shutdown::kill())).unwrap();
}

/// Draining finishes what is queued and running.
pub fn drain_finishes_what_is_queued(subject: &dyn Subject) {
    let executor = subject.start(2);
    let tasks: Vec<_> = (0..50).map(|n| executor.submit(echo, n)).collect();
    let report = finish(executor.shutdown(Shutdown::drain())).unwrap();
    assert_eq!((report.cancelled, report.abandoned.len()), (0, 0));
    for (n, task) in (0..).zip(tasks) {
        assert!(task.is_done(), "drained, but {task:?}");
        assert_eq!(finish(task).unwrap(), n);
    }
}

/// Cancelling what is pending lets the running job finish, and reports both.
pub fn cancel_pending_cancels_what_is_queued(subject: &dyn Subject) {
    if subject.runs_inline() {
        return;
    }
    let executor = subject.start(1);
    let mut gate = Gate::new();
    let running = executor.submit(pass, gate.ticket(1));
    assert_eq!(gate.arrival(), 1);
    let queued: Vec<_> = (2..22)
        .map(|n| executor.submit(visit, gate.ticket(n)))
        .collect();
    let ended = executor.shutdown(Shutdown::cancel_pending());
    for task in queued {
        assert!(finish(task).unwrap_err().is_cancelled());
    }
    gate.open();
    assert_eq!(finish(running).unwrap(), 1);
    let report = finish(ended).unwrap();
    assert_eq!((report.finished, report.cancelled), (1, 20));
    assert_eq!(report.abandoned, Vec::<String>::new());
    assert_eq!(gate.unexpected(), []);
}

/// Whatever becomes of a job that an executor had when its shutdown began, the report
/// counts it once: also one that its owner cancels, or whose time in the queue is over.
pub fn a_report_counts_each_job_once(subject: &dyn Subject) {
    if subject.runs_inline() {
        return;
    }
    let executor = subject.start(1);
    assert_eq!(finish(executor.submit(echo, 1)).unwrap(), 1);
    assert!(finish(executor.submit(fail, 2)).is_err());
    let mut gate = Gate::new();
    let running = executor.submit(pass, gate.ticket(1));
    assert_eq!(gate.arrival(), 1);
    let limit = Duration::from_millis(30);
    let ahead: Vec<_> = (0..3).map(|n| executor.submit(echo, n)).collect();
    let expired = executor.task(echo, 5).queue_timeout(limit).submit();
    let cancelled: Vec<_> = (0..4).map(|n| executor.submit(echo, n)).collect();
    let failing = executor.submit(fail, 3);
    let ended = executor.shutdown(Shutdown::drain());
    assert!(cancelled.iter().all(|task| task.cancel().took_effect()));
    assert!(finish(expired).unwrap_err().is_timed_out());
    gate.open();
    assert_eq!(finish(running).unwrap(), 1);
    let report = finish(ended).unwrap();
    assert!(ahead.into_iter().all(|task| finish(task).is_ok()));
    assert!(finish(failing).is_err());
    assert_eq!((report.finished, report.cancelled), (5, 5), "{report:?}");
    drop(cancelled);
}

/// A shutdown with a deadline ends although a job does not: the job is stopped
/// where that is possible, and else named in the report.
pub fn a_shutdown_with_a_deadline_ends(subject: &dyn Subject) {
    if subject.runs_inline() {
        return;
    }
    let executor = subject.start(1);
    let mut gate = Gate::new();
    let running = executor.task(pass, gate.ticket(1)).name("stuck").submit();
    assert_eq!(gate.arrival(), 1);
    let queued = executor.submit(visit, gate.ticket(2));
    let soon = Shutdown::drain().within(Duration::from_millis(50));
    let report = finish(executor.shutdown(soon)).unwrap();
    assert!(finish(queued).unwrap_err().is_cancelled());
    if subject.stops_running_jobs() {
        assert!(finish(running).unwrap_err().is_cancelled());
        assert_eq!((report.cancelled, report.abandoned.len()), (2, 0));
    } else {
        assert_eq!(report.abandoned, ["stuck"]);
        assert_eq!(report.cancelled, 1);
        gate.open();
        assert_eq!(finish(running).unwrap(), 1);
    }
}

/// Dropping the last handle finishes what is queued and running.
pub fn dropping_the_executor_loses_nothing(subject: &dyn Subject) {
    if subject.runs_inline() {
        return;
    }
    let executor = subject.start(2);
    let mut gate = Gate::new();
    let running = executor.submit(pass, gate.ticket(1));
    assert_eq!(gate.arrival(), 1);
    let queued: Vec<_> = (0..20).map(|n| executor.submit(echo, n)).collect();
    let detached = executor.submit(pass, gate.ticket(2));
    detached.detach();
    drop(executor);
    assert_eq!(gate.arrival(), 2);
    gate.open();
    assert_eq!(finish(running).unwrap(), 1);
    for (n, task) in (0..).zip(queued) {
        assert_eq!(finish(task).unwrap(), n);
    }
}
