//! Rules about tasks that are dropped, cancelled or limited in time.

use super::{Canary, DEADLINE, Gate, Subject, finish, pass, visit};
use crate::control::CancelOutcome;
use crate::error::TaskErrorKind;
use crate::ext::ExecutorExt as _;
use crate::shutdown::Shutdown;
use std::sync::mpsc::channel;
use std::time::Duration;

/// A job runs although its task was dropped.
pub fn dropping_a_task_detaches_it(subject: &dyn Subject) {
    let executor = subject.start(1);
    let mut gate = Gate::new();
    drop(executor.submit(visit, gate.ticket(1)));
    executor.submit(visit, gate.ticket(2)).detach();
    assert_eq!((gate.arrival(), gate.arrival()), (1, 2));
}

fn visit_with(canary: Canary) -> u64 {
    visit(canary.ticket())
}

/// A queued job that is cancelled is gone at once, with its argument, and its
/// function never runs.
pub fn cancel_before_start_removes_the_job(subject: &dyn Subject) {
    if subject.runs_inline() {
        return;
    }
    let executor = subject.start(1);
    let mut gate = Gate::new();
    let running = executor.submit(pass, gate.ticket(1));
    assert_eq!(gate.arrival(), 1);

    let ticket = gate.ticket(2);
    let queued = executor
        .task(visit_with, Canary::new(ticket))
        .name("queued")
        .submit();
    assert!(!queued.is_running() && !queued.is_done());
    assert!(format!("{queued:?}").contains("pending"), "{queued:?}");
    let (tell, told) = channel();
    queued.add_done_callback(move |outcome| {
        let _ = tell.send(outcome.unwrap_err().is_cancelled());
    });
    assert_eq!(queued.cancel(), CancelOutcome::BeforeStart);
    // All of this before `cancel` returned.
    assert_eq!(told.try_recv(), Ok(true));
    assert!(queued.is_done() && queued.is_cancelled());
    assert!(Canary::is_dropped(ticket), "its argument is still held");
    assert_eq!(queued.cancel(), CancelOutcome::TooLate);
    let error = finish(queued).unwrap_err();
    assert_eq!(error.kind(), TaskErrorKind::Cancelled);
    assert_eq!(error.task_name(), Some("queued"));

    let last = executor.submit(visit, gate.ticket(3));
    gate.open();
    assert_eq!(finish(running).unwrap(), 1);
    assert_eq!(finish(last).unwrap(), 3);
    assert_eq!(gate.arrival(), 3);
    assert_eq!(gate.unexpected(), []);
}

/// Cancelling a job that runs stops it where that is possible, and says so; a
/// job that is done cannot be cancelled.
pub fn cancel_while_running_says_what_it_could_do(subject: &dyn Subject) {
    let executor = subject.start(1);
    let mut gate = Gate::new();
    if !subject.runs_inline() {
        let running = executor.submit(pass, gate.ticket(1));
        assert_eq!(gate.arrival(), 1);
        assert!(running.is_running() && !running.is_done());
        let outcome = running.cancel();
        if subject.stops_running_jobs() {
            assert_eq!(outcome, CancelOutcome::Killed);
            assert!(finish(running).unwrap_err().is_cancelled());
        } else {
            assert_eq!(outcome, CancelOutcome::TooLate);
            gate.open();
            assert_eq!(finish(running).unwrap(), 1);
        }
    }
    let done = executor.submit(visit, gate.ticket(2));
    assert_eq!(gate.arrival(), 2);
    while !done.is_done() {
        std::thread::yield_now();
    }
    assert_eq!(done.cancel(), CancelOutcome::TooLate);
    assert_eq!(finish(done).unwrap(), 2);
}

/// With `cancel_on_drop`, a dropped task is cancelled; detaching undoes it.
pub fn cancel_on_drop_cancels(subject: &dyn Subject) {
    if subject.runs_inline() {
        return;
    }
    let executor = subject.start(1);
    let mut gate = Gate::new();
    let running = executor.submit(pass, gate.ticket(1));
    assert_eq!(gate.arrival(), 1);
    drop(executor.submit(visit, gate.ticket(2)).cancel_on_drop());
    let detached = executor.submit(visit, gate.ticket(3)).cancel_on_drop();
    detached.detach();
    gate.open();
    assert_eq!(finish(running).unwrap(), 1);
    assert_eq!(gate.arrival(), 3);
    assert_eq!(gate.unexpected(), []);
}

/// A time limit starts with the function, not with the wait in the queue, and
/// resolves the task; the executor goes on.
pub fn a_time_limit_counts_from_the_start(subject: &dyn Subject) {
    if subject.runs_inline() {
        return;
    }
    let executor = subject.start(1);
    let limit = Duration::from_millis(100);
    let mut gate = Gate::new();
    let running = executor
        .task(pass, gate.ticket(1))
        .name("slow")
        .timeout(limit)
        .submit();
    // Waits in the queue for at least as long as the other runs.
    let queued = executor
        .task(visit, gate.ticket(2))
        .timeout(DEADLINE)
        .submit();
    assert_eq!(gate.arrival(), 1);
    let error = finish(running).unwrap_err();
    assert_eq!(error.kind(), TaskErrorKind::TimedOut);
    assert_eq!(error.task_name(), Some("slow"));
    assert!(error.to_string().contains("100ms"), "{error}");
    gate.open();
    assert_eq!(finish(queued).unwrap(), 2);
    assert_eq!(gate.arrival(), 2);
    let ended = executor.shutdown(Shutdown::drain());
    finish(ended).unwrap();
}

/// A limit on the time in the queue fails a job that waits too long, which then
/// never runs, and leaves alone one that has started.
pub fn a_limit_on_waiting_ends_with_the_start(subject: &dyn Subject) {
    if subject.runs_inline() {
        return;
    }
    let executor = subject.start(1);
    let limit = Duration::from_millis(50);
    let mut gate = Gate::new();
    let started = executor
        .task(pass, gate.ticket(1))
        .queue_timeout(DEADLINE)
        .submit();
    assert_eq!(gate.arrival(), 1);
    let ticket = gate.ticket(2);
    let waiting = executor
        .task(visit_with, Canary::new(ticket))
        .name("waiting")
        .queue_timeout(limit)
        .submit();
    let error = finish(waiting).unwrap_err();
    assert_eq!(error.kind(), TaskErrorKind::TimedOut);
    assert_eq!(error.task_name(), Some("waiting"));
    assert!(error.to_string().contains("queue"), "{error}");
    assert!(Canary::is_dropped(ticket), "its argument is still held");
    gate.open();
    assert_eq!(finish(started).unwrap(), 1);
    let last = executor
        .task(pass, gate.ticket(3))
        .queue_timeout(Duration::from_secs(10))
        .submit();
    assert_eq!(gate.arrival(), 3);
    gate.open();
    assert_eq!(finish(last).unwrap(), 3);
    assert_eq!(gate.unexpected(), []);
}
