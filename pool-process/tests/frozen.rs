//! Workers that are frozen in a cgroup: where the hierarchy is v1, not even SIGKILL
//! ends them. Limits, cancels, shutdowns and the end of the program do not wait for
//! that, and the worker's seat is free for another.
//!
//! Making a cgroup needs a privilege; without it these tests say so and do nothing.

mod common;

use common::role::{Program, role, say};
use common::{eventually, pool};
use executor_core::conformance::{Gate, pass};
use executor_core::{
    CancelOutcome, Executor as _, ExecutorExt as _, Shutdown, ShutdownReport, Task, TaskError,
};
use pool_process::ProcessPool;
use std::io::{BufRead as _, Write as _};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use test_support::freezer::{Frozen, Icebox};

pool_process::test_worker!();

/// How long anything may take that does not wait for the frozen worker.
const BOUND: Duration = Duration::from_secs(10);
/// A limit that passes when the worker is frozen, and not before.
const LIMIT: Duration = Duration::from_secs(3);

fn double(n: u64) -> u64 {
    2 * n
}

/// Where workers can be frozen; says why not if they cannot.
fn iceboxes() -> Vec<Icebox> {
    Icebox::find_all().unwrap_or_else(|why| {
        println!("skipped: no worker can be frozen: {why}");
        Vec::new()
    })
}

/// The outcome of a task, which has to be there within the bound after `limit`.
fn within<T: Send + 'static>(
    limit: Duration,
    what: &str,
    mut task: Task<T>,
) -> Result<T, TaskError> {
    let outcome = task.wait_timeout(limit + BOUND);
    outcome.unwrap_or_else(|| panic!("not within {BOUND:?}: {what}: {task:?}"))
}

/// A pool of one worker, which is frozen while it runs a job, and another job that
/// waits. What comes first is dropped first: the worker is thawed in all cases.
struct Scene {
    frozen: Frozen,
    pid: u32,
    running: Task<u64>,
    waiting: Task<u64>,
    pool: ProcessPool,
    holds_against_kill: bool,
    _gate: Gate,
}

impl Scene {
    fn new(icebox: &Icebox, limit: Option<Duration>) -> Self {
        init_test_worker();
        let pool = pool(1);
        let mut gate = Gate::new();
        let job = pool.task(pass, gate.ticket(7));
        let running = match limit {
            Some(limit) => job.timeout(limit).submit(),
            None => job.submit(),
        };
        gate.arrival();
        let pid = pool.worker_pids()[0];
        let frozen = icebox.freeze(pid).expect("it runs");
        let waiting = pool.submit(double, 21);
        Self {
            frozen,
            pid,
            running,
            waiting,
            pool,
            holds_against_kill: icebox.holds_against_kill(),
            _gate: gate,
        }
    }

    /// The job that waited runs in another worker, although the first is still there.
    fn another_takes_its_place(self) {
        let waited = within(Duration::ZERO, "the job that waits", self.waiting);
        assert_eq!(waited.unwrap(), 42);
        if self.holds_against_kill {
            assert!(!has_ended(self.pid), "it was not frozen");
        }
        let next = within(
            Duration::ZERO,
            "the job after it",
            self.pool.submit(double, 4),
        );
        assert_eq!(next.unwrap(), 8);
        let over = self.pool.shutdown(Shutdown::drain());
        within(Duration::ZERO, "the shutdown", over).unwrap();
        nothing_is_left(self.frozen, &[self.pid]);
    }

    /// The shutdown reports, and both jobs have been cancelled.
    fn reports(self, limit: Duration, shutdown: Task<ShutdownReport>) {
        let report = within(limit, "the shutdown", shutdown).unwrap();
        assert_eq!(report.finished, 0, "{report:?}");
        assert!(report.cancelled > 0, "{report:?}");
        for task in [self.running, self.waiting] {
            let error = within(Duration::ZERO, "a job after the report", task).unwrap_err();
            assert!(error.is_cancelled(), "{error}");
        }
        nothing_is_left(self.frozen, &[self.pid]);
    }
}

/// Whether a process is gone, and nobody has to ask for its status any more.
fn has_ended(pid: u32) -> bool {
    !Path::new(&format!("/proc/{pid}")).exists()
}

/// When they are thawed, killed workers end, and are reaped.
fn nothing_is_left(frozen: Frozen, workers: &[u32]) {
    drop(frozen);
    eventually("the workers have ended", || {
        workers.iter().all(|&pid| has_ended(pid))
    });
}

#[test]
fn a_time_limit_ends_its_job() {
    for icebox in iceboxes() {
        let mut scene = Scene::new(&icebox, Some(LIMIT));
        let running = std::mem::replace(&mut scene.running, Task::ready("none", Ok(0)));
        let error = within(LIMIT, "the job with a limit", running).unwrap_err();
        assert!(error.is_timed_out(), "{error}");
        scene.another_takes_its_place();
    }
}

#[test]
fn a_cancel_ends_its_job() {
    for icebox in iceboxes() {
        let mut scene = Scene::new(&icebox, None);
        let running = std::mem::replace(&mut scene.running, Task::ready("none", Ok(0)));
        assert_eq!(running.cancel(), CancelOutcome::Killed);
        let error = within(Duration::ZERO, "the job that is cancelled", running).unwrap_err();
        assert!(error.is_cancelled(), "{error}");
        scene.another_takes_its_place();
    }
}

#[test]
fn a_shutdown_that_kills_ends() {
    for icebox in iceboxes() {
        let scene = Scene::new(&icebox, None);
        let shutdown = scene.pool.shutdown(Shutdown::kill());
        scene.reports(Duration::ZERO, shutdown);
    }
}

#[test]
fn a_shutdown_whose_deadline_passes_ends() {
    for icebox in iceboxes() {
        let scene = Scene::new(&icebox, None);
        let limit = Duration::from_millis(100);
        let shutdown = scene.pool.shutdown(Shutdown::drain().within(limit));
        scene.reports(limit, shutdown);
    }
}

/// An idle worker has nothing to lose: it is not waited for at all.
#[test]
fn a_drain_with_an_idle_worker_ends() {
    for icebox in iceboxes() {
        init_test_worker();
        let pool = pool(1);
        let pid = within(
            Duration::ZERO,
            "its pid",
            pool.submit(|()| std::process::id(), ()),
        );
        let pid = pid.unwrap();
        let frozen = icebox.freeze(pid).expect("it runs");
        let shutdown = pool.shutdown(Shutdown::drain());
        within(Duration::ZERO, "the shutdown", shutdown).unwrap();
        nothing_is_left(frozen, &[pid]);
    }
}

/// Plays the roles: a program that has a worker which is then frozen, and ends.
#[test]
fn program() {
    let Some(role) = role() else { return };
    init_test_worker();
    let pool = pool(1);
    let mut gate = Gate::new();
    let job = pool.task(pass, gate.ticket(7));
    match role.as_str() {
        "idle" => {
            gate.open();
            drop(job);
            within(Duration::ZERO, "it starts", pool.warm_up()).unwrap();
        }
        "limited" => {
            job.timeout(LIMIT).submit().detach();
            gate.arrival();
        }
        _ => {
            job.submit().detach();
            gate.arrival();
        }
    }
    say(pool.worker_pids()[0]);
    let frozen = std::io::stdin().lock().lines().next();
    frozen.expect("it is told").expect("it is text");
    if role == "killing" {
        pool.shutdown(Shutdown::kill()).detach();
    }
    say("ends");
    // The pool is dropped here, and the harness ends the program.
}

/// A program whose pool was dropped waits for it when it ends: for a limit that
/// passes, not for the worker.
#[test]
fn the_program_ends() {
    for icebox in iceboxes() {
        ends(&icebox, "idle", Duration::ZERO);
        ends(&icebox, "killing", Duration::ZERO);
        ends(&icebox, "limited", LIMIT);
    }
}

fn ends(icebox: &Icebox, role: &str, limit: Duration) {
    let mut program = Program::start("program", role, |command| {
        command.stdin(Stdio::piped());
    });
    let pid = program.pids()[0];
    let frozen = icebox.freeze(pid).expect("it runs");
    let mut told = program.child().stdin.take().expect("it is piped");
    writeln!(told, "frozen").expect("it listens");
    assert_eq!(program.line().as_deref(), Some("ends"));
    let until = Instant::now() + limit + BOUND;
    let status = loop {
        match program.child().try_wait().expect("it is ours") {
            Some(status) => break status,
            None if Instant::now() > until => panic!("{role}: not within {BOUND:?}"),
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    };
    assert!(status.success(), "{role}: {status}");
    nothing_is_left(frozen, &[pid]);
}
