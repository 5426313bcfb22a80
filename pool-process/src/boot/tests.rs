//! Boots without a pool.

use super::*;
use crate::builder::Builder;
use executor_core::WorkerExit;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::path::Path;
use std::process::Command;

crate::test_worker!();

const LONG: Duration = Duration::from_secs(60);

fn config() -> Config {
    init_test_worker();
    Builder::new().configure().unwrap()
}

/// Workers that are no workers.
fn sleepers() -> Config {
    let mut config = config();
    config.worker_exe = Some("sleep".into());
    config.libtest = None;
    config.snapshot.arguments = vec!["1000".into()];
    config
}

/// Finishes a boot, looked after as in a pool; gives the worker up.
fn finish(begun: Begun) -> Result<(), BootError> {
    let Begun {
        process,
        stderr,
        cutter,
        boot,
    } = begun;
    drop(stderr);
    process.stderr.close();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while process.reap().is_none() {
                std::thread::sleep(Duration::from_millis(1));
            }
            cutter.cut();
        });
        let finished = boot.finish().map(drop);
        process.kill();
        finished
    })
}

#[test]
fn a_worker_starts() {
    for transport in [crate::Transport::SharedMemory, crate::Transport::Messages] {
        let mut config = config();
        config.transport = transport;
        assert!(finish(Boot::begin(&config, 0).unwrap()).is_ok());
    }
}

#[test]
fn who_says_nothing_is_waited_for_until_the_deadline() {
    let mut config = sleepers();
    config.boot_deadline = Duration::from_millis(20);
    let error = finish(Boot::begin(&config, 0).unwrap()).unwrap_err();
    assert!(matches!(error, BootError::Silent(..)), "{error}");
}

#[test]
fn a_cut_wire_ends_a_boot_without_a_deadline() {
    let mut config = sleepers();
    config.boot_deadline = Duration::MAX;
    let begun = Boot::begin(&config, 0).unwrap();
    let cutter = begun.cutter.clone();
    let (tell, told) = std::sync::mpsc::channel();
    let boot = std::thread::spawn(move || tell.send(finish(begun)));
    cutter.cut();
    cutter.cut();
    let error = told.recv_timeout(LONG).unwrap().unwrap_err();
    // Nobody can say that it has ended.
    assert!(matches!(error, BootError::Hung(_)), "{error}");
    boot.join().unwrap().unwrap();
}

#[test]
fn how_a_worker_ended_is_its_own_doing() {
    let mut config = sleepers();
    let killed = Boot::begin(&config, 0).unwrap();
    killed.process.kill();
    config.worker_exe = Some("false".into());
    let left = Boot::begin(&config, 0).unwrap();
    for (begun, expected) in [(killed, WorkerExit::Signal(9)), (left, WorkerExit::Code(1))] {
        match finish(begun).unwrap_err() {
            BootError::Exited(exit, Stage::Stranger, _) => assert_eq!(exit, expected),
            error => panic!("{error}"),
        }
    }
}

/// What this process has: descriptors, threads, and places.
fn belongings() -> [usize; 3] {
    let entries = |directory: &Path| std::fs::read_dir(directory).unwrap().count();
    [
        entries(Path::new("/proc/self/fd")),
        entries(Path::new("/proc/self/task")),
        entries(Path::new(&std::env::var_os("XDG_RUNTIME_DIR").unwrap())),
    ]
}

/// Has room for so many more descriptors.
fn with_room_for<T>(more: usize, act: impl FnOnce() -> T) -> T {
    let is_free = |number: &u64| !Path::new(&format!("/proc/self/fd/{number}")).exists();
    // The limit is on their numbers, and some that are low may be free.
    let limit = (0..).filter(is_free).nth(more).unwrap();
    let former = getrlimit(Resource::Nofile);
    let limited = Rlimit {
        current: Some(limit),
        maximum: former.maximum,
    };
    setrlimit(Resource::Nofile, limited).unwrap();
    let acted = act();
    setrlimit(Resource::Nofile, former).unwrap();
    acted
}

/// In a process of its own, since what is used up is used up for all, and nobody else is
/// to have any descriptors meanwhile.
#[test]
fn starts_that_fail_leave_nothing() {
    const CHILD: &str = "POOL_PROCESS_TEST_CHILD";
    if std::env::var_os(CHILD).is_none() {
        let directory = tempfile::tempdir().unwrap();
        let output = Command::new("/proc/self/exe")
            .args(["--exact", "boot::tests::starts_that_fail_leave_nothing"])
            .arg("--nocapture")
            .env(CHILD, "1")
            .env("XDG_RUNTIME_DIR", directory.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        return;
    }
    let config = config();
    // There is a clock from here on.
    finish(Boot::begin(&config, 0).unwrap()).unwrap();
    let before = belongings();
    // A thread that has ended is shown for a moment more.
    let settle = |what: &str| {
        let until = Instant::now() + LONG;
        let is_more = |now: [usize; 3]| (0..3).any(|n| now[n] > before[n]);
        while is_more(belongings()) {
            let now = belongings();
            assert!(Instant::now() < until, "{what}: {before:?}, {now:?}");
            std::thread::yield_now();
        }
    };
    for_want_of_descriptors(&config, settle);
    killed_at_any_moment(&config, settle);
}

fn for_want_of_descriptors(config: &Config, settle: impl Fn(&str)) {
    let (mut failed, mut started) = (0, 0);
    for _ in 0..25 {
        for more in 0..12 {
            match with_room_for(more, || Boot::begin(config, 0).map(finish)) {
                Ok(Ok(())) => started += 1,
                Ok(Err(_)) | Err(_) => failed += 1,
            }
            settle(&format!("with room for {more}"));
        }
    }
    assert!(started > 0 && failed >= 100, "{started}, {failed}");
}

/// By somebody who does not know what they kill.
fn killed_at_any_moment(config: &Config, settle: impl Fn(&str)) {
    let start = Instant::now();
    finish(Boot::begin(config, 0).unwrap()).unwrap();
    let takes = start.elapsed();
    let mut failed = 0;
    for n in 0..400 {
        let begun = Boot::begin(config, 0).unwrap();
        let process = begun.process.clone();
        let finished = std::thread::scope(|scope| {
            scope.spawn(move || {
                let until = Instant::now() + takes * (n % 20) / 16;
                while Instant::now() < until {
                    std::hint::spin_loop();
                }
                process.kill();
            });
            finish(begun)
        });
        if let Err(error) = finished {
            assert!(error.was_killed_from_outside(), "{error}");
            failed += 1;
        }
    }
    assert!(failed > 0, "no start was hit");
    settle("after kills");
}
