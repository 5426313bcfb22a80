//! What the programs do that `tests/program.rs` looks at.

use executor_core::conformance::{Gate, pass};
use executor_core::{ExecutorExt as _, Task};
use pool_process::ProcessPool;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The variable that says which role this program is started in.
pub(crate) const VARIABLE: &str = "POOL_PROCESS_TEST_ROLE";
/// The file that makes workers fail while it exists, or `silent`.
const BROKEN: &str = "POOL_PROCESS_TEST_BROKEN";

pub(crate) fn play(role: &str) {
    let (role, argument) = role.split_once(' ').unwrap_or((role, ""));
    match role {
        "endless" => endless(),
        "drain" => drain(argument.into()),
        "exit" => exit(),
        "replaced" => replaced(),
        "unstartable" => unstartable(),
        "silent" => silent(),
        "moved" => moved(),
        "interrupted" => interrupted(),
        other => panic!("no such role: {other}"),
    }
}

fn pool(workers: usize) -> ProcessPool {
    let builder = ProcessPool::builder().max_workers(workers);
    builder.build().expect("it is built")
}

fn say(line: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .expect("somebody listens");
}

fn say_pids(pool: &ProcessPool) {
    let pids: Vec<_> = pool.worker_pids().iter().map(u32::to_string).collect();
    say(pids.join(" "));
}

fn spin(ticket: (u16, u64)) {
    executor_core::conformance::visit(ticket);
    loop {
        std::hint::spin_loop();
    }
}

fn endless() {
    let pool = pool(3);
    let mut gate = Gate::new();
    let tasks: Vec<Task<()>> = (0..3).map(|n| pool.submit(spin, gate.ticket(n))).collect();
    for _ in 0..3 {
        gate.arrival();
    }
    say_pids(&pool);
    let _ = tasks.into_iter().map(Task::wait).count();
}

fn touch((directory, n): (PathBuf, u32)) {
    std::fs::write(directory.join(n.to_string()), "").expect("it can be written");
}

fn drain(directory: PathBuf) {
    let pool = pool(2);
    let mut gate = Gate::new();
    pool.submit(pass, gate.ticket(0)).detach();
    gate.arrival();
    for n in 0..60 {
        pool.submit(touch, (directory.clone(), n)).detach();
    }
    say_pids(&pool);
    gate.open();
    // The pool is dropped here, with jobs left, and `main` returns.
}

fn exit() {
    let pool = pool(2);
    let mut gate = Gate::new();
    pool.submit(spin, gate.ticket(0)).detach();
    pool.submit(spin, gate.ticket(1)).detach();
    for _ in 0..2 {
        gate.arrival();
    }
    say_pids(&pool);
    std::process::exit(7);
}

fn double(n: u64) -> u64 {
    2 * n
}

fn replaced() {
    let pool = pool(2);
    say(format!(
        "before: {}",
        pool.submit(double, 21).wait().expect("it runs")
    ));
    let go = std::env::current_exe()
        .expect("a path")
        .with_file_name("go");
    while !go.exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    // A second worker, and one in place of the first, start from here on.
    let mut gate = Gate::new();
    let tasks = [0, 1].map(|n| pool.submit(pass, gate.ticket(n)));
    for _ in 0..2 {
        gate.arrival();
    }
    assert_eq!(tasks[0].cancel(), executor_core::CancelOutcome::Killed);
    gate.open();
    let results = tasks.map(Task::wait);
    assert!(results[0].is_err() && results[1].is_ok());
    say(format!(
        "after: {}",
        pool.submit(double, 21).wait().expect("it runs")
    ));
}

/// Ends a worker before it says hello, while the file is there.
pub(crate) fn fail_if_broken() {
    match std::env::var_os(BROKEN) {
        Some(how) if how == "silent" => std::thread::park(),
        Some(file) if PathBuf::from(&file).exists() => std::process::exit(9),
        _ => {}
    }
}

/// Workers that start and never say hello.
fn silent() {
    // SAFETY: no other thread of this program is running yet.
    unsafe { std::env::set_var(BROKEN, "silent") };
    let builder = ProcessPool::builder().max_workers(1);
    let pool = builder.boot_deadline(Duration::from_millis(20)).build();
    let error = pool.expect("it is built").submit(double, 1).wait();
    let error = error.expect_err("it cannot run");
    say(format!("{:?} {error}", error.kind()));
}

/// Workers that do not start, and after a while do.
fn unstartable() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    // SAFETY: no other thread of this program is running yet.
    unsafe { std::env::set_var(BROKEN, file.path()) };
    let pool = pool(2);
    for n in 0..3 {
        let error = pool.submit(double, n).wait().expect_err("it cannot run");
        say(format!("{:?} {error}", error.kind()));
    }
    drop(file);
    say(format!(
        "then: {}",
        pool.submit(double, 21).wait().expect("it runs")
    ));
}

fn moved() {
    let (path, directory) = (std::env::var_os("PATH"), std::env::current_dir());
    let pool = pool(1);
    std::env::set_current_dir("/").expect("it is there");
    // SAFETY: the pool has started no thread yet.
    unsafe { std::env::set_var("PATH", "elsewhere") };
    let look = |()| (std::env::var("PATH").ok(), std::env::current_dir().ok());
    let seen = pool.submit(look, ()).wait().expect("it runs");
    let expected = (
        path.and_then(|path| path.into_string().ok()),
        directory.ok(),
    );
    assert_eq!(seen, expected);
    say("same");
}

/// A storm of signals, whose handler makes system calls fail with EINTR.
fn interrupted() {
    extern "C" fn handler(_: libc::c_int) {}
    // SAFETY: the handler does nothing; the structure is zeroed and then filled.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        assert_eq!(
            libc::sigaction(libc::SIGUSR1, &action, std::ptr::null_mut()),
            0
        );
    }
    let pool = pool(2);
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let storm = std::thread::spawn(move || {
        let this = rustix::process::getpid();
        while !stopped.load(Ordering::Relaxed) {
            for thread in std::fs::read_dir("/proc/self/task")
                .into_iter()
                .flatten()
                .flatten()
            {
                let Ok(thread) = thread.file_name().to_string_lossy().parse::<i32>() else {
                    continue;
                };
                // SAFETY: a signal with a handler, to a thread of this process.
                unsafe {
                    libc::syscall(
                        libc::SYS_tgkill,
                        this.as_raw_nonzero().get(),
                        thread,
                        libc::SIGUSR1,
                    )
                };
            }
        }
    });
    let echo = |bytes: Vec<u8>| bytes;
    for round in 0..30 {
        let tasks: Vec<_> = (0..20)
            .map(|n| pool.submit(echo, vec![7; n * round * 50]))
            .collect();
        for (n, task) in tasks.into_iter().enumerate() {
            match task.wait() {
                Ok(bytes) => assert_eq!(bytes.len(), n * round * 50),
                Err(error) => panic!("{error}"),
            }
        }
    }
    stop.store(true, Ordering::Relaxed);
    storm.join().expect("it does not panic");
    say("fine");
}
