//! A worker that dies costs the job it was running, and nothing else.

mod common;

use common::{eventually, finish, is_alive, kill, open_files, pool};
use executor_core::conformance::{Gate, pass};
use executor_core::{ExecutorExt as _, TaskErrorKind, WorkerExit};
use serde::{Deserialize, Serialize};

pool_process::test_worker!();

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Death {
    Exit(i32),
    Abort,
    Segfault,
    StackOverflow,
    Kill,
}

fn die(death: Death) -> u8 {
    #[allow(unconditional_recursion, reason = "that is the point")]
    fn overflow(n: u64) -> u64 {
        std::hint::black_box(overflow(std::hint::black_box(n + 1)) + 1)
    }
    match death {
        Death::Exit(code) => std::process::exit(code),
        Death::Abort => std::process::abort(),
        Death::Segfault => {
            // SAFETY: it is not; the signal is the point.
            unsafe { std::ptr::null_mut::<u8>().write_volatile(1) };
            unreachable!()
        }
        Death::StackOverflow => overflow(0) as u8,
        Death::Kill => {
            kill(std::process::id());
            loop {
                std::thread::park();
            }
        }
    }
}

fn double(n: u64) -> u64 {
    2 * n
}

/// loky test_crashes and test_exited_child: each death is told apart, by name.
#[test]
fn each_death_is_told_apart_and_the_pool_goes_on() {
    init_test_worker();
    let pool = pool(1);
    for (death, exit, text) in [
        (Death::Exit(0), WorkerExit::Code(0), "exited with code 0"),
        (Death::Exit(42), WorkerExit::Code(42), "exited with code 42"),
        (Death::Abort, WorkerExit::Signal(6), "SIGABRT"),
        (Death::Segfault, WorkerExit::Signal(11), "SIGSEGV"),
        (Death::StackOverflow, WorkerExit::Signal(6), "SIGABRT"),
        (Death::Kill, WorkerExit::Signal(9), "SIGKILL"),
    ] {
        let pid = finish(pool.submit(|()| std::process::id(), ())).unwrap();
        let doomed = pool.task(die, death).name("doomed").submit();
        let before: Vec<_> = (0..20).map(|n| pool.submit(double, n)).collect();
        let error = finish(doomed).unwrap_err();
        assert_eq!(
            error.kind(),
            TaskErrorKind::WorkerLost,
            "{death:?}: {error}"
        );
        assert_eq!(error.task_name(), Some("doomed"));
        let lost = error.lost_worker().unwrap();
        assert_eq!((lost.pid(), lost.exit()), (pid, exit), "{death:?}");
        assert!(lost.had_started());
        let message = error.to_string();
        assert!(
            message.contains(text) && message.contains(&pid.to_string()),
            "{message}"
        );
        for (n, task) in (0..).zip(before) {
            assert_eq!(finish(task).unwrap(), 2 * n, "after {death:?}");
        }
    }
}

/// Jobs sent ahead to a worker that dies move to another, in their order; those
/// that it has finished keep their results.
#[test]
fn only_the_running_job_is_lost_among_many() {
    init_test_worker();
    let pool = pool(2);
    for round in 0..30 {
        let tasks: Vec<_> = (0..200_u64)
            .map(|n| match n {
                70 | 71 | 140 => pool.submit(|_: u64| die(Death::Exit(7)).into(), n),
                _ => pool.submit(double, n),
            })
            .collect();
        for (n, task) in (0..).zip(tasks) {
            match finish(task) {
                Ok(result) => assert_eq!(result, 2 * n, "round {round}"),
                Err(error) => {
                    assert!(
                        matches!(n, 70 | 71 | 140),
                        "round {round}, job {n}: {error}"
                    );
                    let exit = error.lost_worker().map(|lost| lost.exit());
                    assert_eq!(exit, Some(WorkerExit::Code(7)));
                }
            }
        }
    }
}

#[test]
fn an_idle_worker_that_is_killed_costs_nothing() {
    init_test_worker();
    let pool = pool(2);
    for round in 0..20 {
        assert_eq!(finish(pool.submit(double, round)).unwrap(), 2 * round);
        for pid in pool.worker_pids() {
            kill(pid);
        }
    }
    assert_eq!(finish(pool.submit(double, 4)).unwrap(), 8);
}

/// Killed from outside while it runs a job that others wait behind.
#[test]
fn a_worker_killed_from_outside_is_blamed_and_replaced() {
    init_test_worker();
    let pool = pool(2);
    let mut gate = Gate::new();
    let blocked: Vec<_> = (0..2).map(|n| pool.submit(pass, gate.ticket(n))).collect();
    let (first, _) = (gate.arrival(), gate.arrival());
    let behind: Vec<_> = (0..10).map(|n| pool.submit(double, n)).collect();
    let victims = pool.worker_pids();
    kill(victims[0]);
    kill(victims[1]);
    for (n, task) in (0..).zip(behind) {
        assert_eq!(finish(task).unwrap(), 2 * n);
    }
    for task in blocked {
        let error = finish(task).unwrap_err();
        assert!(victims.contains(&error.lost_worker().unwrap().pid()));
    }
    assert!(first < 2);
    assert!(pool.worker_pids().iter().all(|pid| !victims.contains(pid)));
}

/// Neither descriptors nor processes are left behind by many deaths.
#[test]
fn many_deaths_leave_nothing_behind() {
    init_test_worker();
    let pool = pool(2);
    let round = |deaths: u32| {
        let tasks: Vec<_> = (0..deaths)
            .map(|_| pool.submit(die, Death::Exit(3)))
            .collect();
        let lost = tasks
            .into_iter()
            .filter(|_| true)
            .map(finish)
            .map(Result::unwrap_err);
        lost.map(|error| error.lost_worker().unwrap().pid())
            .collect::<Vec<_>>()
    };
    round(10);
    finish(pool.submit(double, 1)).unwrap();
    let before = open_files();
    let pids = round(100);
    finish(pool.submit(double, 1)).unwrap();
    // A replacement may be starting, with its bootstrap socket and board.
    eventually("descriptors are closed", || open_files() <= before + 8);
    assert!(pids.iter().all(|&pid| !is_alive(pid)));
    drop(pool);
    eventually("no child is left", || {
        let children = std::fs::read_to_string("/proc/thread-self/children");
        children.map_or(true, |children| {
            !pids.iter().any(|pid| children.contains(&pid.to_string()))
        })
    });
}
