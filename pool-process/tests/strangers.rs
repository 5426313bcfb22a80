//! Nobody but the worker that was invited can join a pool.
//!
//! Workers are started through a script that passes the invitation on, but not
//! as it was, or that lets somebody else in first.

mod common;

use common::{LONG, finish};
use executor_core::{ExecutorExt as _, TaskErrorKind};
use pool_process::{Builder, ProcessPool};
use rustix::net::{AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pool_process::test_worker!();

fn double(n: u64) -> u64 {
    2 * n
}

/// A pool whose workers are strangers, until they are let be rightful.
struct Scene {
    directory: TempDir,
    pool: ProcessPool,
}

impl Scene {
    fn new(stranger: &str, more: impl FnOnce(Builder) -> Builder) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/strangers/introduce.sh");
        let builder = ProcessPool::builder()
            .max_workers(1)
            .worker_exe(script)
            .env("PROGRAM", std::env::current_exe().unwrap())
            .env("STRANGER", stranger)
            .env("PRESENT", directory.path().join("present"))
            .env("STARTS", directory.path().join("starts"))
            .env("RIGHTFUL", directory.path().join("rightful"));
        let pool = more(builder).build().unwrap();
        Self { directory, pool }
    }

    /// The file by which strangers say that they are there.
    fn present(&self) -> Option<PathBuf> {
        let files = std::fs::read_dir(self.directory.path()).unwrap();
        let mut paths = files.map(|file| file.unwrap().path());
        paths.find(|path| path.file_stem().unwrap() == "present")
    }

    /// How many workers were started.
    fn starts(&self) -> usize {
        let starts = std::fs::read_to_string(self.directory.path().join("starts"));
        starts.unwrap().lines().count()
    }

    fn let_it_be_rightful(&self) {
        std::fs::write(self.directory.path().join("rightful"), "").unwrap();
    }

    /// The error that says why no worker is admitted. When one is, the pool works.
    fn refusal(&self) -> String {
        let error = finish(self.pool.submit(double, 4)).unwrap_err();
        assert_eq!(error.kind(), TaskErrorKind::PoolBroken, "{error}");
        self.let_it_be_rightful();
        assert_eq!(finish(self.pool.submit(double, 4)).unwrap(), 8);
        error.to_string()
    }
}

#[test]
fn who_does_not_know_the_nonce_is_refused() {
    init_test_worker();
    let why = Scene::new("nonce", |builder| builder).refusal();
    assert!(why.contains("refused: it does not know the nonce"), "{why}");
}

#[test]
fn who_is_not_the_process_that_was_started_is_refused() {
    init_test_worker();
    let why = Scene::new("pid", |builder| builder).refusal();
    assert!(why.contains("refused: it is process "), "{why}");
}

#[test]
fn who_speaks_another_protocol_leaves_and_says_so() {
    init_test_worker();
    let why = Scene::new("protocol", |builder| builder).refusal();
    assert!(why.contains("cannot start: protocol 999"), "{why}");
}

/// What a stranger does, in a process of its own: it waits for the worker's bootstrap
/// socket, goes there, and stays until it is no longer wanted.
#[test]
fn stranger() {
    let Ok(place) = std::env::var("STRANGER_AT") else {
        return;
    };
    let present = PathBuf::from(std::env::var("PRESENT").unwrap());
    std::fs::write(&present, "").unwrap();
    let until = Instant::now() + LONG;
    let wanted = || present.exists() && Instant::now() < until;
    let connection = loop {
        if !wanted() {
            return;
        }
        match server_in(&place).map(|server| connect(&server)) {
            Some(Ok(connection)) => break connection,
            _ => std::thread::yield_now(),
        }
    };
    if std::env::var("STRANGER").unwrap() == "garbage" {
        // A whole message, as ipc-channel has it: the size of the packet, that of
        // what it holds, and what it holds.
        let mut message = 32_u64.to_le_bytes().to_vec();
        message.extend(16_u64.to_le_bytes());
        message.extend([0xff; 16]);
        // Nobody may be there any more.
        let _ = rustix::net::send(&connection, &message, SendFlags::NOSIGNAL);
    }
    while wanted() {
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn server_in(place: &str) -> Option<PathBuf> {
    let entries = std::fs::read_dir(place).ok()?;
    let mut sockets = entries.flatten().map(|entry| entry.path().join("socket"));
    sockets.find(|socket| socket.exists())
}

fn connect(server: &Path) -> rustix::io::Result<OwnedFd> {
    let address = SocketAddrUnix::new(server)?;
    let (family, kind) = (AddressFamily::UNIX, SocketType::SEQPACKET);
    let socket = rustix::net::socket_with(family, kind, SocketFlags::CLOEXEC, None)?;
    rustix::net::connect(&socket, &address)?;
    Ok(socket)
}

/// Stages a scene until the stranger comes to the worker's server before the parent does,
/// which it mostly does: the worker looks at its own code in between.
fn until_it_is_first(mut staged: impl FnMut() -> bool) {
    assert!((0..100).any(|_| staged()), "the stranger is never first");
}

#[test]
fn who_says_nothing_costs_no_more_than_the_boot_deadline() {
    init_test_worker();
    let limit = Duration::from_secs(2);
    until_it_is_first(|| {
        let start = Instant::now();
        let cost = cost_of("silent", |builder| builder.boot_deadline(limit));
        assert!(cost == 0 || start.elapsed() >= limit);
        cost == 1
    });
}

#[test]
fn who_speaks_nonsense_costs_one_start() {
    init_test_worker();
    until_it_is_first(|| cost_of("garbage", |builder| builder) == 1);
}

/// How many starts a stranger costs that waits for one worker's server, and is not there
/// for the next. If it comes second, it is none.
fn cost_of(stranger: &str, more: impl FnOnce(Builder) -> Builder) -> usize {
    let scene = Scene::new(stranger, more);
    let task = scene.pool.submit(double, 4);
    common::eventually("the stranger is there", || scene.present().is_some());
    scene.let_it_be_rightful();
    assert_eq!(finish(task).unwrap(), 8);
    scene.starts() - 1
}

#[test]
fn who_comes_second_finds_nothing() {
    init_test_worker();
    let scene = Scene::new("late", |builder| builder);
    assert_eq!(finish(scene.pool.submit(double, 4)).unwrap(), 8);
    let place = std::fs::read_to_string(scene.present().unwrap()).unwrap();
    let place = Path::new(place.trim_end());
    assert!(!place.exists(), "{} is left", place.display());
    assert_eq!(finish(scene.pool.submit(double, 5)).unwrap(), 10);
}
