//! Workers start wherever there is, or is not, a place for a socket: a directory for
//! temporary files that is missing, full, read-only, or has a name that does not do.
//!
//! The environment belongs to the whole process, so there is a process for each.

mod common;

use common::role::{Program, role, say};
use common::{eventually, finish, is_alive};
use executor_core::conformance::{Gate, pass};
use executor_core::{Bytes, CancelOutcome, Executor as _, ExecutorExt as _, Shutdown};
use pool_process::{Builder, ProcessPool, Transport};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

pool_process::test_worker!();

/// Plays the roles.
#[test]
fn program() {
    match role().as_deref() {
        Some("here") => here(|builder| builder),
        Some("elsewhere") => {
            let this = std::env::var_os("PROGRAM").expect("it is given");
            here(|builder| builder.worker_exe(&this));
        }
        _ => {}
    }
}

fn double(n: u64) -> u64 {
    2 * n
}

fn echo(bytes: Bytes) -> Bytes {
    bytes
}

/// Whatever a pool does, and no panic on the way.
fn here(more: impl Fn(Builder) -> Builder) {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    init_test_worker();
    let former = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, SeqCst);
        former(info);
    }));
    for transport in [Transport::SharedMemory, Transport::Messages] {
        let builder = more(ProcessPool::builder().max_workers(2));
        exercise(&builder.transport(transport).build().expect("it is built"));
    }
    say(format_args!("{} panics", PANICS.load(SeqCst)));
}

fn exercise(pool: &ProcessPool) {
    let tasks: Vec<_> = (0..100).map(|n| pool.submit(double, n)).collect();
    for len in [0, 200, 100_000, 5 << 20] {
        let bytes = vec![7; len];
        let echoed = finish(pool.submit(echo, Bytes::from(bytes.clone())));
        assert!(*echoed.expect("it comes back") == *bytes, "{len}");
    }
    for (n, task) in (0..).zip(tasks) {
        assert_eq!(finish(task).expect("it runs"), 2 * n);
    }
    let error = finish(pool.submit(|()| -> u8 { std::process::exit(3) }, ()));
    assert!(error.expect_err("it dies").is_worker_lost());
    let mut gate = Gate::new();
    let running = pool.submit(pass, gate.ticket(1));
    gate.arrival();
    assert_eq!(running.cancel(), CancelOutcome::Killed);
    assert_eq!(finish(pool.submit(double, 4)).expect("it runs"), 8);
    let pids = pool.worker_pids();
    finish(pool.shutdown(Shutdown::drain())).expect("it ends");
    eventually("the workers have gone", || {
        !pids.iter().any(|&pid| is_alive(pid))
    });
}

/// A pool works in a process with this directory for temporary files.
fn works_with(directory: &OsStr) {
    let set_up = |command: &mut Command| {
        command.env("TMPDIR", directory);
        command.env("XDG_RUNTIME_DIR", directory);
    };
    let (said, status) = Program::start("program", "here", set_up).end();
    assert!(status.success(), "{directory:?}: {status}");
    assert_eq!(said, ["0 panics"], "{directory:?}");
}

#[test]
fn a_directory_that_will_not_do_is_no_reason_not_to_start() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let long = directory.path().join("long/".repeat(30));
    let mut no_text = directory.path().join("no text ").into_os_string();
    no_text.push(OsString::from_vec(vec![0xff]));
    for made in [long.as_os_str(), &no_text] {
        std::fs::create_dir_all(made).unwrap();
    }
    let missing = directory.path().join("missing");
    // Nobody can write to `/proc`, whoever that is.
    let unfit: [&OsStr; 7] = [
        missing.as_ref(),
        "/proc".as_ref(),
        file.as_ref(),
        long.as_ref(),
        &no_text,
        "".as_ref(),
        ".".as_ref(),
    ];
    for unfit in unfit {
        works_with(unfit);
    }
    for made in [long.as_os_str(), &no_text] {
        assert_eq!(std::fs::read_dir(made).unwrap().count(), 0, "{made:?}");
    }
}

#[test]
fn without_any_place_workers_start_all_the_same() {
    init_test_worker();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/strangers/introduce.sh");
    for place in ["nowhere", "removed"] {
        for transport in [Transport::SharedMemory, Transport::Messages] {
            let pool = ProcessPool::builder()
                .max_workers(2)
                .transport(transport)
                .worker_exe(&script)
                .env("PROGRAM", std::env::current_exe().unwrap())
                .env("STRANGER", place)
                .env("RIGHTFUL", "/never")
                .build()
                .unwrap();
            exercise(&pool);
        }
    }
}

/// Plays a role in a mount namespace, as the script has set it up, if this user may make
/// one.
fn in_a_namespace(script: &str, role: &str, directory: &Path) {
    let mut may = Command::new("unshare");
    may.args(["-rm", "true"]).stderr(Stdio::null());
    if !may.status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: no mount namespace can be had");
        return;
    }
    let script = format!("{script} && exec \"$0\" --exact program --nocapture --quiet");
    let this = std::env::current_exe().unwrap();
    let output = Command::new("unshare")
        .args(["-rm", "sh", "-c", &script])
        .arg(&this)
        .env("PROGRAM", &this)
        .env("TMPDIR", directory)
        .env("XDG_RUNTIME_DIR", directory)
        .env("POOL_PROCESS_TEST_ROLE", role)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{errors}");
    assert!(said.contains("role> 0 panics"), "{said}{errors}");
}

#[test]
fn a_full_directory_is_no_reason_not_to_start() {
    let directory = tempfile::tempdir().unwrap();
    // Room for the directory itself, and for so many more.
    for more in 0..4 {
        let mount = format!("mount -t tmpfs -o nr_inodes={} none \"$TMPDIR\"", more + 1);
        in_a_namespace(&mount, "here", directory.path());
    }
}

#[test]
fn without_memory_to_have_it_in_the_directory_for_temporary_files_will_do() {
    let directory = tempfile::tempdir().unwrap();
    let mount = "mount -t tmpfs -o ro none /dev/shm && unset XDG_RUNTIME_DIR";
    in_a_namespace(mount, "here", directory.path());
    in_a_namespace(mount, "here", "/proc".as_ref());
}

#[test]
fn with_an_executable_of_its_own_a_worker_needs_no_proc() {
    let directory = tempfile::tempdir().unwrap();
    let mount = "mount -t tmpfs none /proc && test ! -e /proc/self";
    in_a_namespace(mount, "elsewhere", directory.path());
}
