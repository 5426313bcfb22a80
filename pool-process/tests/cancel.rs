//! Cancelling and limiting jobs that are with a worker already.

mod common;

use common::{finish, is_alive, pool};
use executor_core::conformance::{Gate, pass, visit};
use executor_core::{CancelOutcome, ExecutorExt as _, Task, TaskErrorKind};
use std::time::Duration;

pool_process::test_worker!();

fn pid(_: ()) -> u32 {
    std::process::id()
}

/// Jobs that were sent ahead and have not begun are still queued: cancelling
/// them is clean and kills nobody.
#[test]
fn a_job_sent_ahead_is_cancelled_without_harm() {
    init_test_worker();
    let pool = pool(1);
    for _ in 0..20 {
        let worker = finish(pool.submit(pid, ())).unwrap();
        let mut gate = Gate::new();
        let first = pool.submit(pass, gate.ticket(0));
        // Many, so that the worker is sent some of them in one message.
        let behind: Vec<_> = (1..100)
            .map(|n| pool.submit(visit, gate.ticket(n)))
            .collect();
        assert_eq!(gate.arrival(), 0);
        for task in behind.iter().step_by(2) {
            assert_eq!(task.cancel(), CancelOutcome::BeforeStart);
            assert!(task.is_cancelled());
        }
        gate.open();
        assert_eq!(finish(first).unwrap(), 0);
        for (n, task) in (1..).zip(behind) {
            match n % 2 {
                1 => assert!(finish(task).unwrap_err().is_cancelled()),
                _ => assert_eq!(finish(task).unwrap(), n),
            }
        }
        let ran: Vec<_> = (0..49).map(|_| gate.arrival()).collect();
        assert!(ran.iter().all(|n| n % 2 == 0), "{ran:?}");
        assert_eq!(gate.unexpected(), []);
        assert_eq!(finish(pool.submit(pid, ())).unwrap(), worker);
    }
}

/// A long job does not hold up the short ones that were sent behind it.
#[test]
fn idle_workers_take_over_what_waits_behind_a_long_job() {
    init_test_worker();
    let pool = pool(2);
    let (mut gate, visits) = (Gate::new(), Gate::new());
    // Whichever worker begins the first has a share of the rest behind it.
    let long = pool.submit(pass, gate.ticket(0));
    let other = pool.submit(pass, gate.ticket(1));
    let short: Vec<_> = (10..500)
        .map(|n| pool.submit(visit, visits.ticket(n)))
        .collect();
    gate.arrival();
    gate.arrival();
    gate.open_for(1);
    assert_eq!(finish(other).unwrap(), 1);
    for (n, task) in (10..).zip(short) {
        assert_eq!(finish(task).unwrap(), n);
    }
    assert!(long.is_running());
    gate.open();
    assert_eq!(finish(long).unwrap(), 0);
}

/// pebble test_process_pool_cancel: the worker is killed and replaced, and those
/// behind the job are unharmed.
#[test]
fn cancelling_a_running_job_kills_its_worker_alone() {
    init_test_worker();
    let pool = pool(2);
    for _ in 0..20 {
        let mut gate = Gate::new();
        let doomed = pool.submit(pass, gate.ticket(0));
        let spared = pool.submit(pass, gate.ticket(1));
        gate.arrival();
        gate.arrival();
        let behind: Vec<_> = (2..40)
            .map(|n| pool.submit(visit, gate.ticket(n)))
            .collect();
        let before = pool.worker_pids();
        assert_eq!(doomed.cancel(), CancelOutcome::Killed);
        let error = finish(doomed).unwrap_err();
        assert_eq!(error.kind(), TaskErrorKind::Cancelled);
        assert!(error.to_string().contains("was killed"), "{error}");
        assert_eq!(before.iter().filter(|&&pid| is_alive(pid)).count(), 1);
        for (n, task) in (2..).zip(behind) {
            assert_eq!(finish(task).unwrap(), n);
        }
        assert!(spared.is_running());
        gate.open();
        assert_eq!(finish(spared).unwrap(), 1);
    }
}

/// Cancel races with the start and the end of short jobs: whatever it says is
/// true, and no bystander is hit.
#[test]
fn cancelling_at_any_moment_is_honest() {
    init_test_worker();
    let pool = pool(2);
    let mut outcomes = [0; 4];
    for round in 0..400 {
        let tasks: Vec<_> = (0..20).map(|_| pool.submit(pid, ())).collect();
        let chosen = round % 20;
        for _ in 0..round * 10 {
            std::hint::spin_loop();
        }
        let said = tasks[chosen].cancel();
        for (n, task) in tasks.into_iter().enumerate() {
            let outcome = finish(task);
            let cancelled = outcome.as_ref().is_err_and(|e| e.is_cancelled());
            if n != chosen {
                assert!(outcome.is_ok(), "a bystander: {outcome:?}");
                continue;
            }
            match said {
                CancelOutcome::BeforeStart | CancelOutcome::Killed => assert!(cancelled),
                CancelOutcome::TooLate => assert!(outcome.is_ok(), "{outcome:?}"),
                _ => assert!(cancelled || outcome.is_ok()),
            }
            outcomes[said as usize] += 1;
        }
    }
    println!("outcomes: {outcomes:?}");
}

fn forever(_: ()) {
    loop {
        std::hint::spin_loop();
    }
}

/// pebble test_process_pool_timeout: only that worker is killed.
#[test]
fn a_time_limit_stops_an_endless_loop() {
    init_test_worker();
    let pool = pool(2);
    let limit = Duration::from_millis(30);
    let tasks: Vec<_> = (0..6)
        .map(|_| pool.task(forever, ()).timeout(limit).name("loop").submit())
        .collect();
    let fine: Vec<_> = (0..20).map(|_| pool.submit(pid, ())).collect();
    for task in tasks {
        let error = finish(task).unwrap_err();
        assert_eq!(error.kind(), TaskErrorKind::TimedOut);
        let message = error.to_string();
        assert!(
            message.contains("30ms") && message.contains("was killed"),
            "{message}"
        );
    }
    assert!(fine.into_iter().map(finish).all(|outcome| outcome.is_ok()));
}

#[test]
fn a_limit_that_is_kept_disturbs_nobody() {
    init_test_worker();
    let pool = pool(1);
    let tasks: Vec<Task<u32>> = (0..500)
        .map(|_| pool.task(pid, ()).timeout(Duration::from_secs(60)).submit())
        .collect();
    let pids: Vec<_> = tasks
        .into_iter()
        .map(|task| finish(task).unwrap())
        .collect();
    assert!(pids.windows(2).all(|pair| pair[0] == pair[1]));
}
