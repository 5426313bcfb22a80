//! What a lost worker's job is told: who died, of what, over what, and what it
//! said last.

mod common;

use common::role::{Program, role, say};
use common::{finish, kill, pool};
use executor_core::conformance::{Gate, pass};
use executor_core::{DeathCause, ExecutorExt as _, Task, TaskError, WorkerExit, WorkerLost};
use pool_process::ProcessPool;
use serde::{Deserialize, Serialize};
use std::io::Read as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

pool_process::test_worker!();

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Death {
    Exit(i32),
    Abort,
    Overflow,
    Touch,
    Bus,
    Signal(i32),
    Allocate(usize),
}

const SOME_TIME: Duration = Duration::from_millis(20);

/// Runs for some time and then dies.
fn die(death: Death) {
    #[allow(unconditional_recursion, reason = "that is the point")]
    fn overflow(n: u64) -> u64 {
        std::hint::black_box(overflow(std::hint::black_box(n + 1)) + 1)
    }
    std::thread::sleep(SOME_TIME);
    match death {
        Death::Exit(code) => std::process::exit(code),
        Death::Abort => std::process::abort(),
        Death::Overflow => drop(overflow(0)),
        // SAFETY: it is not; the signal is the point.
        Death::Touch => unsafe { std::ptr::dangling_mut::<u8>().write_volatile(1) },
        Death::Bus => touch_beyond_the_end(),
        // SAFETY: a plain system call.
        Death::Signal(signal) => drop(unsafe { libc::raise(signal) }),
        Death::Allocate(bytes) => drop(std::hint::black_box(vec![1_u8; bytes])),
    }
}

/// Maps a file and touches a page of it that is no more.
fn touch_beyond_the_end() {
    let file = tempfile::tempfile().expect("a file");
    file.set_len(4096).expect("it grows");
    let fd = std::os::fd::AsRawFd::as_raw_fd(&file);
    // SAFETY: the mapping is new; touching it when the file is cut is the point.
    unsafe {
        let (read, null) = (libc::PROT_READ, std::ptr::null_mut());
        let page = libc::mmap(null, 4096, read, libc::MAP_SHARED, fd, 0);
        file.set_len(0).expect("it shrinks");
        page.cast::<u8>().read_volatile();
    }
}

fn pid(_: ()) -> u32 {
    std::process::id()
}

fn lost(error: &TaskError) -> &WorkerLost {
    error.lost_worker().unwrap_or_else(|| panic!("{error}"))
}

/// loky test_crashes, deadpool test_oom: each death has a name.
#[test]
fn each_death_is_told_apart_by_pid_exit_and_cause() {
    init_test_worker();
    let limit = 2 << 30;
    let pool = ProcessPool::builder().max_workers(1).memory_limit(limit);
    let pool = pool.build().unwrap();
    let signal = WorkerExit::Signal;
    let more_than_all = Death::Allocate(limit as usize);
    #[rustfmt::skip]
    let table = [
        (Death::Exit(0), WorkerExit::Code(0), DeathCause::Exit, "exited with code 0"),
        (Death::Exit(42), WorkerExit::Code(42), DeathCause::Exit, "exited with code 42"),
        (Death::Abort, signal(libc::SIGABRT), DeathCause::Abort, "was killed by SIGABRT (signal 6)"),
        (Death::Overflow, signal(libc::SIGABRT), DeathCause::StackOverflow, "SIGABRT (signal 6) (its stack overflowed)"),
        (Death::Touch, signal(libc::SIGSEGV), DeathCause::MemoryFault, "was killed by SIGSEGV (signal 11)"),
        (Death::Bus, signal(libc::SIGBUS), DeathCause::MemoryFault, "was killed by SIGBUS"),
        (Death::Signal(libc::SIGKILL), signal(libc::SIGKILL), DeathCause::Killed, "was killed by SIGKILL (signal 9)"),
        (Death::Signal(libc::SIGTERM), signal(libc::SIGTERM), DeathCause::Killed, "was killed by SIGTERM (signal 15)"),
        (Death::Signal(libc::SIGUSR1), signal(libc::SIGUSR1), DeathCause::Killed, "was killed by SIGUSR1"),
        (more_than_all, signal(libc::SIGABRT), DeathCause::OutOfMemory, "(it ran out of memory)"),
    ];
    for (death, exit, cause, text) in table {
        let worker = finish(pool.submit(pid, ())).unwrap();
        let since = Instant::now();
        let task = pool.task(die, death).name("doomed").submit();
        let id = task.id();
        let error = finish(task).unwrap_err();
        let took = since.elapsed();
        let (said, lost) = (format!("{death:?}: {error}"), lost(&error));
        assert_eq!(
            (error.task_id(), error.task_name()),
            (Some(id), Some("doomed"))
        );
        let facts = (lost.pid(), lost.exit(), lost.cause());
        assert_eq!(facts, (worker, exit, cause), "{said}");
        let attempt = (lost.had_started(), lost.attempt(), lost.is_quarantined());
        assert_eq!(attempt, (true, 1, false), "{said}");
        let ran_for = lost.ran_for().expect("it ran");
        // It is counted from a moment before the function begins.
        assert!(
            ran_for >= SOME_TIME && ran_for <= took,
            "{ran_for:?} of {took:?}"
        );
        for part in [
            text,
            &format!("`doomed` lost its worker: worker process {worker} "),
        ] {
            assert!(said.contains(part), "{said}");
        }
    }
}

#[test]
fn a_worker_killed_from_outside_was_killed() {
    init_test_worker();
    let pool = pool(1);
    let mut gate = Gate::new();
    let task = pool.submit(pass, gate.ticket(7));
    gate.arrival();
    let worker = pool.worker_pids()[0];
    kill(worker);
    let error = finish(task).unwrap_err();
    let facts = (lost(&error).pid(), lost(&error).cause());
    assert_eq!(facts, (worker, DeathCause::Killed), "{error}");
}

/// A worker that breaks a rule is killed by the pool, and that is what is said.
#[test]
fn a_worker_that_the_pool_kills_misbehaved() {
    init_test_worker();
    let pool = ProcessPool::builder().max_workers(1).max_result_bytes(1000);
    let pool = pool.build().unwrap();
    let bytes = |len: usize| vec![7_u8; len];
    assert_eq!(finish(pool.submit(bytes, 900)).unwrap().len(), 900);
    let error = finish(pool.submit(bytes, 2000)).unwrap_err();
    assert_eq!(lost(&error).cause(), DeathCause::Misbehaved, "{error}");
    assert!(error.to_string().contains("(it misbehaved)"), "{error}");
    assert_eq!(finish(pool.submit(bytes, 900)).unwrap().len(), 900);
}

/// As a C library does, past the standard library's own lock and buffer.
fn write_to_fd_2(text: &[u8]) {
    // SAFETY: the buffer is as long as is said.
    let written = unsafe { libc::write(2, text.as_ptr().cast(), text.len()) };
    assert_eq!(written, text.len() as isize);
}

fn complain_and_exit(lines: u32) {
    for n in 0..lines {
        eprintln!("line {n}");
    }
    write_to_fd_2(b"assertion \xff failed in libfoo.c");
    std::process::exit(3);
}

#[test]
fn the_last_lines_of_stderr_are_told_also_those_of_c_code() {
    init_test_worker();
    let pool = pool(2);
    for _ in 0..10 {
        let error = finish(pool.submit(complain_and_exit, 100)).unwrap_err();
        let words: Vec<_> = lost(&error).stderr().lines().collect();
        assert_eq!(words.len(), 12, "{error}");
        assert_eq!((words[0], words[10]), ("line 89", "line 99"));
        assert_eq!(words[11], "assertion \u{fffd} failed in libfoo.c");
        let message = error.to_string();
        assert!(message.contains("its last words: line 89\n"), "{message}");
    }
    // What another worker says is not put into its mouth.
    let silent = finish(pool.submit(die, Death::Exit(1))).unwrap_err();
    assert_eq!(lost(&silent).stderr(), "");
}

/// Whoever holds a worker's standard error open does not hold up the news.
#[test]
fn a_grandchild_that_keeps_stderr_open_holds_up_nobody() {
    init_test_worker();
    let pool = pool(1);
    let task: Task<u32> = pool.submit(
        |()| {
            let child = std::process::Command::new("sleep").arg("600").spawn();
            eprintln!("{}", child.expect("there is a sleep").id());
            std::process::exit(9)
        },
        (),
    );
    let since = Instant::now();
    let error = finish(task).unwrap_err();
    let child = lost(&error).stderr().trim().parse();
    kill(child.expect("its pid"));
    assert!(since.elapsed() < Duration::from_secs(60));
}

/// Plays the role: a program whose worker complains and dies.
#[test]
fn program() {
    let Some(role) = role() else { return };
    init_test_worker();
    let builder = ProcessPool::builder().max_workers(1);
    let pool = builder.capture_stderr(role == "captured").build().unwrap();
    let error = finish(pool.submit(complain_and_exit, 3)).unwrap_err();
    say(format_args!("{:?}", lost(&error).stderr()));
}

/// Captured or not, what workers write arrives at the standard error of their
/// parent; without capturing, the error does not repeat it.
#[test]
fn stderr_is_passed_on_and_capturing_can_be_turned_off() {
    let all = "line 0\nline 1\nline 2\nassertion \u{fffd} failed in libfoo.c";
    for (role, told) in [("captured", all), ("inherited", "")] {
        let set_up = |command: &mut std::process::Command| {
            command.stderr(Stdio::piped());
        };
        let mut program = Program::start("program", role, set_up);
        let mut stderr = program.child().stderr.take().expect("it is piped");
        let (said, status) = program.end();
        assert!(status.success(), "{said:?}");
        assert_eq!(said, [format!("{told:?}")], "{role}");
        let mut passed_on = Vec::new();
        stderr.read_to_end(&mut passed_on).expect("it ends");
        let passed_on = String::from_utf8_lossy(&passed_on);
        assert!(passed_on.contains(all), "{role}: {passed_on}");
    }
}
