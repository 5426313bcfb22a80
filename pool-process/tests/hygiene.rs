//! What a pool leaves behind: nothing. No process, zombie, descriptor, mapping,
//! thread or directory, however many workers die; and an interrupt at the
//! terminal leaves the workers to their parent.
//!
//! `POOL_PROCESS_DEATHS=10000` has the count of deaths that the promise is about;
//! without it there are a few hundred.

mod common;

use common::role::{Program, role, say};
use common::{LONG, eventually, finish, is_alive, kill};
use executor_core::conformance::{Gate, pass};
use executor_core::{CancelOutcome, Executor as _, ExecutorExt as _, Shutdown, Task, TaskError};
use pool_process::ProcessPool;
use std::collections::HashSet;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

pool_process::test_worker!();

fn pool(workers: usize) -> ProcessPool {
    init_test_worker();
    common::pool(workers)
}

/// Plays the roles.
#[test]
fn program() {
    match role().as_deref() {
        Some("deaths") => deaths(),
        Some("interrupted") => interrupted(),
        Some("unmasked") => unmasked(),
        _ => {}
    }
}

/// What this process has: descriptors, mappings, threads, children, and entries
/// in its directory for temporary files.
fn belongings() -> [usize; 5] {
    let entries = |directory: &Path| std::fs::read_dir(directory).map_or(0, Iterator::count);
    let maps = std::fs::read_to_string("/proc/self/maps").expect("this is Linux");
    let threads = std::fs::read_dir("/proc/self/task").expect("this is Linux");
    // Each thread has the children that it has started.
    let children = threads
        .flatten()
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    [
        entries(Path::new("/proc/self/fd")),
        maps.lines().count(),
        entries(Path::new("/proc/self/task")),
        children.map(|pids| pids.split_whitespace().count()).sum(),
        entries(&std::env::temp_dir()),
    ]
}

/// One of several ways to die; some kill from within, some are killed.
fn die(n: u64) {
    match n % 5 {
        0 => std::process::exit(1),
        1 => std::process::abort(),
        2 => kill(std::process::id()),
        // SAFETY: it is not; the signal is the point.
        3 => unsafe { std::ptr::dangling_mut::<u8>().write_volatile(1) },
        // Over a result that does not get away.
        _ => std::mem::forget(std::thread::spawn(|| std::process::exit(2))),
    }
    std::thread::sleep(LONG);
}

/// So many workers die, over jobs, by cancelling, and idle; then everything is as
/// it was.
fn deaths() {
    let count = std::env::var("POOL_PROCESS_DEATHS");
    let count: u64 = count.map_or(300, |count| count.parse().expect("a number"));
    let pool = pool(4);
    finish(pool.warm_up()).expect("they start");
    let first = pool.worker_pids();
    // A gate has a thread and a socket, for good.
    let mut gate = Gate::new();
    let mut pids = HashSet::new();
    let mut round = || {
        let tasks: Vec<_> = (0..40).map(|n| pool.submit(die, n)).collect();
        for task in tasks {
            let error = finish(task).expect_err("it dies");
            pids.insert(error.lost_worker().expect("it dies").pid());
        }
        let running: Vec<_> = (0..4).map(|n| pool.submit(pass, gate.ticket(n))).collect();
        for _ in 0..4 {
            gate.arrival();
        }
        for task in running {
            assert_eq!(task.cancel(), CancelOutcome::Killed);
            assert!(finish(task).expect_err("it is killed").is_cancelled());
        }
        gate.open();
        finish(pool.warm_up()).expect("they start");
        44
    };
    // After one round there is what is made once and stays.
    let mut died = round();
    let before = belongings();
    while died < count {
        died += round();
    }
    let mut after = belongings();
    // The last replacements, and the C library's spare stacks, settle in time.
    eventually("everything is as it was", || {
        after = belongings();
        let spare = [0, 24, 0, 0, 0];
        (0..5).all(|n| after[n] <= before[n] + spare[n]) && after[4] == 0
    });
    let status = std::fs::read_to_string("/proc/self/status").expect("this is Linux");
    let peak = status.lines().find(|line| line.starts_with("VmHWM"));
    say(format_args!(
        "deaths {died}, with {} pids; descriptors, mappings, threads, children, temporary \
         files before {before:?}, after {after:?}; {}",
        pids.len(),
        peak.unwrap_or_default()
    ));
    finish(pool.shutdown(Shutdown::drain())).expect("it ends");
    eventually("no child and no thread of the pool is left", || {
        belongings()[3] == 0 && pids.iter().chain(&first).all(|&pid| !is_child(pid))
    });
}

/// Whether it is a child of this process, dead or alive.
fn is_child(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let parent = stat
        .rsplit_once(") ")
        .and_then(|(_, rest)| rest.split(' ').nth(1));
    parent == Some(&std::process::id().to_string())
}

#[test]
fn many_deaths_leave_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let set_up = |command: &mut Command| {
        // Where workers' sockets have their names, for the one or the other.
        command.env("TMPDIR", directory.path());
        command.env("XDG_RUNTIME_DIR", directory.path());
        command.stderr(std::process::Stdio::null());
    };
    let (said, status) = Program::start("program", "deaths", set_up).end();
    assert!(status.success(), "{status}: {said:?}");
    println!("{}", said[0]);
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 0);
}

/// Set by the handler, as in a program that drains when it is interrupted.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

fn interrupted() {
    extern "C" fn note(_: libc::c_int) {
        INTERRUPTED.store(true, Ordering::SeqCst);
    }
    // SAFETY: the handler does nothing but to store into an atomic.
    unsafe { libc::signal(libc::SIGINT, note as *const () as libc::sighandler_t) };
    let pool = pool(2);
    let mut gate = Gate::new();
    let running: Vec<_> = (0..2).map(|n| pool.submit(pass, gate.ticket(n))).collect();
    for _ in 0..2 {
        gate.arrival();
    }
    let queued: Vec<Task<u64>> = (0..20).map(|n| pool.submit(|n| 2 * n, n)).collect();
    let before = pool.worker_pids();
    say("running");
    eventually("the interrupt", || INTERRUPTED.load(Ordering::SeqCst));
    let report = pool.shutdown(Shutdown::drain());
    assert_eq!(pool.worker_pids(), before);
    gate.open();
    let report = finish(report).expect("it ends");
    let done = running.into_iter().chain(queued);
    let done = done.map(finish).filter(Result::is_ok).count();
    say(format_args!("{done} of {}", report.finished));
}

/// Ctrl-C: the terminal signals the whole foreground group. The program drains,
/// and its workers are there for it.
#[test]
fn an_interrupt_leaves_the_workers_to_their_parent() {
    let set_up = |command: &mut Command| {
        command.process_group(0);
    };
    let mut program = Program::start("program", "interrupted", set_up);
    assert_eq!(program.line().as_deref(), Some("running"));
    let group = rustix::process::Pid::from_child(program.child());
    rustix::process::kill_process_group(group, rustix::process::Signal::INT).unwrap();
    let (said, status) = program.end();
    assert_eq!(said, ["22 of 22"]);
    assert!(status.success());
}

#[allow(
    clippy::zombie_processes,
    reason = "it outlives this one, or is killed"
)]
/// Starts a process of its own and says which; then waits, or dies.
fn spawn_sleep(((port, number), dies): ((u16, u64), bool)) {
    let sleep = Command::new("sleep")
        .arg("600")
        .spawn()
        .expect("there is a sleep");
    let number = number + u64::from(sleep.id());
    executor_core::conformance::visit((port, number));
    match dies {
        true => std::process::exit(4),
        false => drop(pass((port, 0))),
    }
}

/// deadpool test_sub_sub_process, loky: no orphans, grandchildren included.
#[test]
fn kill_tree_takes_what_a_worker_has_started() {
    init_test_worker();
    for (tree, dies) in [(true, false), (true, true), (false, false), (false, true)] {
        let builder = ProcessPool::builder().max_workers(1).kill_tree(tree);
        let pool = builder.build().unwrap();
        let mut gate = Gate::new();
        let task = pool.submit(spawn_sleep, (gate.ticket(0), dies));
        let sleep = u32::try_from(gate.arrival()).unwrap();
        match dies {
            true => assert!(finish(task).unwrap_err().is_worker_lost()),
            false => {
                gate.arrival();
                assert!(is_alive(sleep));
                assert_eq!(task.cancel(), CancelOutcome::Killed);
                assert!(finish(task).unwrap_err().is_cancelled());
            }
        }
        if tree {
            eventually("it is gone", || !is_alive(sleep));
        } else {
            // Whoever killed it would have done so before the job was told.
            assert!(is_alive(sleep));
            kill(sleep);
        }
        assert_eq!(finish(pool.submit(|n: u64| n, 7)).unwrap(), 7);
    }
}

const HOST: &str = "hygiene::unmasked_worker";

/// A worker that looks, before it says hello, at where its server is to be.
#[test]
fn unmasked_worker() {
    if let Ok(invitation) = std::env::var("POOL_PROCESS_WORKER") {
        let directory = &invitation[invitation.find('/').expect("a path")..];
        let mode = std::fs::metadata(directory).expect("it is there").mode();
        eprintln!("looked at: {:o}", mode & 0o7777);
    }
    pool_process::testing::serve(HOST);
}

fn unmasked() {
    rustix::process::umask(rustix::fs::Mode::empty());
    pool_process::testing::init(HOST);
    let pool = common::pool(2);
    for _ in 0..10 {
        let error = finish(pool.submit(|()| std::process::exit(6), ()));
        let error: TaskError = error.map(|_: u8| ()).expect_err("it dies");
        say(error.lost_worker().expect("it dies").stderr());
    }
}

#[test]
fn the_bootstrap_directory_is_private_whatever_the_mask() {
    let (said, status) = Program::start("program", "unmasked", |_| {}).end();
    assert!(status.success(), "{said:?}");
    assert_eq!(said, vec!["looked at: 700"; 10]);
}
