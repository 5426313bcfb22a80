//! Functions that look at their token can be asked to stop.

mod common;

use common::{LONG, finish, pool};
use executor_core::{
    CancelOutcome, CancelToken, Cancelled, Executor as _, ExecutorExt as _, Shutdown, Task,
};
use pool_thread::ThreadPool;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// Waits at its token, once it has told that it has one.
fn heed(asked: &Sender<()>) -> Result<u8, Cancelled> {
    let token = CancelToken::current();
    asked.send(()).unwrap();
    assert!(token.wait_timeout(LONG), "nobody asked");
    token.check().map(|()| 1)
}

/// A function that waits to be asked.
fn heeding(pool: &ThreadPool) -> Task<u8> {
    let (tell, told) = channel();
    let task = pool.spawn(move || heed(&tell)).flatten();
    told.recv_timeout(LONG).unwrap();
    task
}

/// A function that asks for its token only when the test lets it.
fn heedless(pool: &ThreadPool) -> (Task<bool>, Sender<()>) {
    let ((tell, told), (go_on, wait)): (_, (_, Receiver<()>)) = (channel(), channel());
    let task = pool.spawn(move || {
        tell.send(()).unwrap();
        wait.recv_timeout(LONG).unwrap();
        CancelToken::current().is_cancelled()
    });
    told.recv_timeout(LONG).unwrap();
    (task, go_on)
}

#[test]
fn a_running_function_stops_when_it_is_asked() {
    let pool = pool(1);
    let task = heeding(&pool);
    assert!(task.is_running());
    assert_eq!(task.cancel(), CancelOutcome::Requested);
    assert!(finish(task).unwrap_err().is_cancelled());
    // The thread is free again, and the next job has a token of its own.
    let next = pool.spawn(|| CancelToken::current().is_cancelled());
    assert!(!finish(next).unwrap());
}

#[test]
fn one_that_has_not_asked_is_told_when_it_does() {
    let pool = pool(1);
    let (task, go_on) = heedless(&pool);
    assert_eq!(task.cancel(), CancelOutcome::TooLate);
    go_on.send(()).unwrap();
    assert!(finish(task).unwrap());
}

#[test]
fn dropping_a_task_that_cancels_asks_as_well() {
    let pool = pool(1);
    let (tell, told) = channel();
    let (end, ended) = channel();
    let task = pool.spawn(move || end.send(heed(&tell)).unwrap());
    told.recv_timeout(LONG).unwrap();
    drop(task.cancel_on_drop());
    assert!(ended.recv_timeout(LONG).unwrap().is_err());
}

/// The task resolves as timed out, and the function comes to its end.
#[test]
fn a_time_limit_asks() {
    let pool = pool(1);
    let stubborn = |_: ()| {
        let token = CancelToken::current();
        assert!(token.wait_timeout(LONG), "nobody asked");
        token.check().map(|()| 1_u8)
    };
    let task = pool
        .task(stubborn, ())
        .timeout(Duration::from_millis(5))
        .submit();
    assert!(finish(task.flatten()).unwrap_err().is_timed_out());
    // With one worker, this one runs only because the function has heeded.
    assert_eq!(finish(pool.spawn(|| 7)).unwrap(), 7);
}

#[test]
fn killing_the_pool_asks_all_that_run() {
    let pool = pool(3);
    let tasks = [heeding(&pool), heeding(&pool)];
    let (late, go_on) = heedless(&pool);
    let report = finish(pool.shutdown(Shutdown::kill())).unwrap();
    // They may have come to their end before the report was made.
    assert_eq!(report.finished + report.abandoned.len(), 3, "{report:?}");
    for task in tasks {
        assert!(finish(task).unwrap_err().is_cancelled());
    }
    go_on.send(()).unwrap();
    assert!(finish(late).unwrap());
}

#[test]
fn the_deadline_of_a_shutdown_asks() {
    let pool = pool(1);
    let task = heeding(&pool);
    let ended = pool.shutdown(Shutdown::drain().within(Duration::from_millis(5)));
    assert!(finish(task).unwrap_err().is_cancelled());
    finish(ended).unwrap();
}

/// Draining and cancelling what is pending leave what runs alone.
#[test]
fn milder_shutdowns_do_not_ask() {
    for how in [Shutdown::drain(), Shutdown::cancel_pending()] {
        let pool = pool(1);
        let (task, go_on) = heedless(&pool);
        let ended = pool.shutdown(how);
        go_on.send(()).unwrap();
        assert!(!finish(task).unwrap());
        assert_eq!(finish(ended).unwrap().finished, 1);
    }
}

/// A token of the program's own, captured by closures: one stops them all.
#[test]
fn a_captured_token_stops_a_group() {
    let pool = pool(2);
    let all = CancelToken::new();
    let tasks: Vec<_> = (0..6)
        .map(|_| {
            let token = all.child();
            pool.spawn(move || token.wait_timeout(LONG))
        })
        .collect();
    all.cancel();
    assert!(tasks.into_iter().all(|task| finish(task).unwrap()));
}

/// Whatever a cancel and an ask do at the same time, the function ends.
#[test]
fn a_cancel_that_races_with_the_start_is_not_lost() {
    let pool = pool(2);
    for _ in 0..300 {
        let (tell, _told) = channel();
        let task = pool.spawn(move || heed(&tell)).flatten();
        task.cancel();
        assert!(finish(task).unwrap_err().is_cancelled());
    }
}
