//! Nobody but the worker that was invited can join a pool.
//!
//! Workers are started through a script that passes the invitation on, but not
//! as it was.

mod common;

use common::finish;
use executor_core::{ExecutorExt as _, TaskErrorKind};
use pool_process::{Builder, ProcessPool};
use std::path::{Path, PathBuf};
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

#[test]
fn who_comes_later_finds_nothing() {
    init_test_worker();
    let scene = Scene::new("late", |builder| builder);
    assert_eq!(finish(scene.pool.submit(double, 4)).unwrap(), 8);
    let place = std::fs::read_to_string(scene.present().unwrap()).unwrap();
    let place = Path::new(place.trim_end());
    assert!(!place.exists(), "{} is left", place.display());
    assert_eq!(finish(scene.pool.submit(double, 5)).unwrap(), 10);
}
