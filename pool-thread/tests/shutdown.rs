//! Shutdown in its three modes, with deadlines, and from wherever it is called.

mod common;

use common::{Gate, LONG, block_all, finish, pool};
use executor_core::{Executor as _, ExecutorExt as _, Shutdown, TaskErrorKind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::time::Duration;

/// CPython: `test_shutdown.py::test_hang_issue12364`, `test_threads_terminate`.
#[test]
fn draining_finishes_everything_and_ends_the_workers() {
    let pool = pool(3);
    let ran = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let ran = ran.clone();
            pool.spawn(move || ran.fetch_add(1, Ordering::SeqCst))
        })
        .collect();
    let report = finish(pool.shutdown(Shutdown::drain())).unwrap();
    assert_eq!(ran.load(Ordering::SeqCst), 50);
    assert!(report.finished <= 50);
    assert_eq!((report.cancelled, report.abandoned.len()), (0, 0));
    assert!(tasks.iter().all(|task| task.is_done()));
    assert_eq!((pool.workers(), pool.queued(), pool.running()), (0, 0, 0));
    assert!(format!("{pool:?}").contains("closed: true"));
}

#[test]
fn a_pool_that_was_never_used_shuts_down() {
    for how in [
        Shutdown::drain(),
        Shutdown::cancel_pending(),
        Shutdown::kill(),
    ] {
        let pool = pool(3);
        let report = finish(pool.shutdown(how)).unwrap();
        assert_eq!(report, Default::default());
    }
}

/// CPython: `test_shutdown.py::test_run_after_shutdown`.
#[test]
fn a_submit_afterwards_says_that_the_pool_was_shut_down() {
    let pool = pool(1);
    pool.shutdown(Shutdown::drain()).detach();
    let (canary, freed) = common::Canary::new();
    let error = finish(pool.spawn(move || drop(canary))).unwrap_err();
    assert_eq!(error.kind(), TaskErrorKind::Rejected);
    assert!(error.to_string().contains("shut down"), "{error}");
    assert_eq!(freed.try_recv(), Ok(()), "its captures are freed");
    assert_eq!(pool.workers(), 0);
}

/// CPython: `test_shutdown.py::test_cancel_futures`.
#[test]
fn cancelling_what_is_pending_leaves_nothing_pending() {
    let pool = pool(2);
    let gate = Gate::new();
    let running = block_all(&pool, &gate);
    let queued: Vec<_> = (0..48).map(|n| pool.spawn(move || n)).collect();
    // One that its owner cancelled before is no job of the pool any more, one
    // that is cancelled later is.
    queued[7].cancel();
    let ended = pool.shutdown(Shutdown::cancel_pending());
    assert!(queued.iter().all(|task| task.is_cancelled()));
    assert!(!ended.is_done() && running.iter().all(|task| task.is_running()));
    gate.open();
    for (n, task) in (0..).zip(running) {
        assert_eq!(finish(task).unwrap(), n);
    }
    let report = finish(ended).unwrap();
    assert_eq!((report.finished, report.cancelled), (2, 47));
    assert!(report.abandoned.is_empty());
}

#[test]
fn a_job_that_is_cancelled_while_the_pool_drains_is_counted() {
    let pool = pool(1);
    let gate = Gate::new();
    let running = block_all(&pool, &gate);
    let queued: Vec<_> = (0..5).map(|n| pool.spawn(move || n)).collect();
    let ended = pool.shutdown(Shutdown::drain());
    queued[1].cancel();
    queued[4].cancel();
    gate.open();
    let report = finish(ended).unwrap();
    assert_eq!((report.finished, report.cancelled), (4, 2));
    drop(running);
}

#[test]
fn killing_names_what_it_abandons() {
    let pool = pool(2);
    let gate = Gate::new();
    let running = block_all(&pool, &gate);
    let queued = pool.spawn(|| ());
    let report = finish(pool.shutdown(Shutdown::kill())).unwrap();
    assert_eq!((report.finished, report.cancelled), (0, 1));
    assert_eq!(report.abandoned.len(), 2);
    assert!(report.abandoned[0].contains("block_all"), "{report:?}");
    assert!(finish(queued).unwrap_err().is_cancelled());
    assert_eq!((pool.workers(), pool.running()), (2, 2));
    // They can still come to their end.
    gate.open();
    for (n, task) in (0..).zip(running) {
        assert_eq!(finish(task).unwrap(), n);
    }
}

#[test]
fn a_job_whose_task_is_done_is_not_abandoned() {
    for _ in 0..200 {
        let pool = pool(1);
        finish(pool.spawn(|| ())).unwrap();
        let report = finish(pool.shutdown(Shutdown::kill())).unwrap();
        assert_eq!(report.abandoned, Vec::<String>::new());
    }
}

#[test]
fn a_deadline_turns_a_drain_into_a_kill() {
    let pool = pool(1);
    let gate = Gate::new();
    let ticket = gate.ticket();
    let (tell, told) = channel();
    let running = pool.spawn(move || ticket.pass(1));
    assert_eq!(gate.arrival(), 1);
    let queued = pool.spawn(move || tell.send(()));
    let soon = Shutdown::drain().within(Duration::from_millis(20));
    // Nobody said how long this one may take, but there is one end.
    let patient = pool.shutdown(Shutdown::drain());
    let report = finish(pool.shutdown(soon)).unwrap();
    assert_eq!(report.abandoned.len(), 1);
    assert_eq!(report.cancelled, 1);
    assert_eq!(finish(patient).unwrap(), report);
    assert!(finish(queued).unwrap_err().is_cancelled());
    assert!(told.recv_timeout(LONG).is_err(), "its captures are freed");
    gate.open();
    assert_eq!(finish(running).unwrap(), 1);
}

#[test]
fn an_endless_deadline_is_none_and_an_unneeded_one_changes_nothing() {
    for limit in [Duration::MAX, LONG] {
        let pool = pool(1);
        let task = pool.spawn(|| 1);
        let report = finish(pool.shutdown(Shutdown::drain().within(limit))).unwrap();
        assert!(report.abandoned.is_empty());
        assert_eq!(finish(task).unwrap(), 1);
    }
}

#[test]
fn shutdowns_may_be_many_at_once_and_each_resolves() {
    for round in 0..50 {
        let pool = pool(2);
        let tasks: Vec<_> = (0..20).map(|n| pool.spawn(move || n)).collect();
        let start = Barrier::new(6);
        std::thread::scope(|scope| {
            for caller in 0..6 {
                let (pool, start) = (&pool, &start);
                scope.spawn(move || {
                    start.wait();
                    let how = match (caller + round) % 3 {
                        0 => Shutdown::drain().within(LONG),
                        1 => Shutdown::cancel_pending(),
                        _ => Shutdown::drain(),
                    };
                    let report = finish(pool.shutdown(how)).unwrap();
                    assert!(report.abandoned.is_empty());
                    assert!(report.finished + report.cancelled <= 20);
                });
            }
        });
        for (n, task) in tasks.into_iter().enumerate() {
            match finish(task) {
                Ok(result) => assert_eq!(result, n),
                Err(error) => assert!(error.is_cancelled()),
            }
        }
        // Long after the end, it is still no error.
        finish(pool.shutdown(Shutdown::kill())).unwrap();
    }
}

#[test]
fn a_stricter_call_wins_over_an_earlier_one() {
    let pool = pool(1);
    let gate = Gate::new();
    let running = block_all(&pool, &gate);
    let queued = pool.spawn(|| ());
    let mild = pool.shutdown(Shutdown::drain());
    assert!(!queued.is_done() && !mild.is_done());
    let stricter = pool.shutdown(Shutdown::cancel_pending());
    assert!(queued.is_cancelled() && !stricter.is_done());
    // A milder one does not turn it back.
    let milder = pool.shutdown(Shutdown::drain());
    gate.open();
    for ended in [mild, stricter, milder] {
        let report = finish(ended).unwrap();
        assert_eq!((report.finished, report.cancelled), (1, 1));
    }
    drop(running);
}

#[test]
fn a_job_may_shut_its_own_pool_down_and_wait_for_it() {
    for how in [
        Shutdown::drain(),
        Shutdown::cancel_pending(),
        Shutdown::kill(),
    ] {
        let pool = pool(2);
        let (gate, handle) = (Gate::new(), pool.clone());
        let ticket = gate.ticket();
        let job = move || {
            ticket.visit(1);
            let ended = handle.shutdown(how);
            // The others are waited for, this one is not.
            finish(ended)
        };
        let task = pool.spawn(job);
        assert_eq!(gate.arrival(), 1);
        let report = finish(task).unwrap().unwrap();
        assert_eq!(report.abandoned.len(), 1, "{report:?}");
        assert!(report.abandoned[0].contains("a_job_may_shut"));
        // From outside, the end is that of the calling job as well.
        let report = finish(pool.shutdown(Shutdown::drain())).unwrap();
        let expected = usize::from(how == Shutdown::kill());
        assert!(report.abandoned.len() <= expected, "{report:?}");
    }
}

#[test]
fn a_done_callback_may_shut_the_pool_down() {
    let pool = pool(1);
    let gate = Gate::new();
    let running = block_all(&pool, &gate).remove(0);
    let (handle, (tell, told)) = (pool.clone(), channel());
    running.add_done_callback(move |_| {
        let ended = handle.shutdown(Shutdown::drain());
        tell.send(finish(ended).unwrap().finished).unwrap();
    });
    gate.open();
    assert_eq!(told.recv_timeout(LONG), Ok(1));
}

#[test]
fn a_function_past_its_time_limit_holds_up_no_shutdown() {
    let pool = pool(2);
    let gate = Gate::new();
    let ticket = gate.ticket();
    let mut options = executor_core::JobOptions::default();
    options.timeout = Some(Duration::from_millis(10));
    options.name = Some("slow".to_owned());
    let (job, slow) = executor_core::Job::from_closure(move || ticket.pass(1), options);
    pool.execute(job);
    assert_eq!(gate.arrival(), 1);
    let other = pool.submit(|n: u8| n, 2);
    let report = finish(pool.shutdown(Shutdown::drain())).unwrap();
    assert_eq!(report.abandoned, ["slow"]);
    assert!(finish(slow).unwrap_err().is_timed_out());
    assert_eq!(finish(other).unwrap(), 2);
    assert_eq!((pool.workers(), pool.running()), (1, 1));
}

#[test]
fn what_a_cancelled_job_captured_may_use_the_pool_again() {
    struct Again(pool_thread::ThreadPool);
    impl Drop for Again {
        fn drop(&mut self) {
            let refused = self.0.spawn(|| ());
            assert!(finish(refused).unwrap_err().is_rejected());
            self.0.shutdown(Shutdown::kill()).detach();
        }
    }
    let pool = pool(1);
    let gate = Gate::new();
    let running = block_all(&pool, &gate);
    let again = Again(pool.clone());
    let queued = pool.spawn(move || drop(again));
    let ended = pool.shutdown(Shutdown::cancel_pending());
    assert!(queued.is_cancelled());
    assert_eq!(finish(ended).unwrap().cancelled, 1);
    gate.open();
    drop(running);
}
