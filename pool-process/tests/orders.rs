//! Workers to order: where they run, what they may use, and whose program they
//! are.

mod common;

use common::{finish, pool};
use executor_core::conformance::{Gate, pass};
use executor_core::{DeathCause, ExecutorExt as _, TaskErrorKind};
use pool_process::{Builder, ProcessPool};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

pool_process::test_worker!();

fn one() -> Builder {
    ProcessPool::builder().max_workers(1)
}

fn read(file: String) -> String {
    std::fs::read_to_string(file).expect("it is there")
}

/// A line of the limits of a worker of this pool, or of this process.
fn limit(pool: Option<&ProcessPool>, name: &str) -> String {
    let file = "/proc/self/limits".to_owned();
    let limits = match pool {
        Some(pool) => finish(pool.submit(read, file)).unwrap(),
        None => read(file),
    };
    let line = limits.lines().find_map(|line| line.strip_prefix(name));
    line.expect("a limit").trim().to_owned()
}

/// By default a worker leaves no core dump, and goes first when memory is short.
#[test]
fn core_dumps_are_off_and_the_kernel_takes_workers_first() {
    init_test_worker();
    let score = |pool: &ProcessPool| {
        let score = finish(pool.submit(read, "/proc/self/oom_score_adj".into()));
        score.unwrap().trim().parse::<i32>().unwrap()
    };
    let before = read("/proc/self/oom_score_adj".into());
    let plain = pool(1);
    let core = limit(Some(&plain), "Max core file size");
    let numbers: Vec<_> = core.split_whitespace().take(2).collect();
    assert_eq!(numbers, ["0", "0"]);
    assert_eq!(score(&plain), 500);
    let other = one().core_dumps(true).oom_score_adj(700).build().unwrap();
    let core = limit(Some(&other), "Max core file size");
    assert_eq!(core, limit(None, "Max core file size"));
    assert_eq!(score(&other), 700);
    assert_eq!(read("/proc/self/oom_score_adj".into()), before);
}

fn niceness(_: ()) -> i32 {
    // SAFETY: a plain system call.
    unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) }
}

#[test]
fn nice_is_added_to_that_of_the_program() {
    init_test_worker();
    let before = niceness(());
    let nice = one().nice(3).build().unwrap();
    assert_eq!(
        finish(nice.submit(niceness, ())).unwrap(),
        (before + 3).min(19)
    );
    assert_eq!(finish(pool(1).submit(niceness, ())).unwrap(), before);
    assert_eq!(niceness(()), before);
}

fn allocate(bytes: usize) -> usize {
    std::hint::black_box(vec![1_u8; bytes]).len()
}

/// deadpool test_oom, test_max_memory: one failed job, which is told why.
#[test]
fn a_memory_limit_costs_the_job_that_exceeds_it() {
    init_test_worker();
    let pool = one().memory_limit(1 << 30).build().unwrap();
    for _ in 0..3 {
        let doomed = pool.task(allocate, 2 << 30).name("greedy").submit();
        let behind: Vec<_> = (0..20).map(|n| pool.submit(allocate, n << 10)).collect();
        let error = finish(doomed).unwrap_err();
        let lost = error.lost_worker().unwrap();
        assert_eq!(lost.cause(), DeathCause::OutOfMemory, "{error}");
        assert!(
            error.to_string().contains("it ran out of memory"),
            "{error}"
        );
        for (n, task) in (0..).zip(behind) {
            assert_eq!(finish(task).unwrap(), n << 10);
        }
    }
    let less = finish(pool.submit(allocate, 256 << 20));
    assert_eq!(less.unwrap(), 256 << 20);
}

fn surroundings(keys: Vec<String>) -> (Vec<Option<String>>, PathBuf) {
    let values = keys.into_iter().map(|key| std::env::var(key).ok());
    (
        values.collect(),
        std::env::current_dir().expect("it exists"),
    )
}

#[test]
fn environment_and_directory_are_as_ordered() {
    init_test_worker();
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().canonicalize().unwrap();
    let keys = ["ORDERED", "PATH", "HOME"].map(str::to_owned).to_vec();
    let mine = keys.iter().map(|key| std::env::var(key).ok());
    let mine = (mine.collect::<Vec<_>>(), std::env::current_dir().unwrap());
    let ordered = one()
        .env("ORDERED", "first")
        .env("ORDERED", "two words")
        .env_remove("HOME")
        .current_dir(&directory)
        .build()
        .unwrap();
    let seen = finish(ordered.submit(surroundings, keys.clone())).unwrap();
    let values = vec![Some("two words".to_owned()), mine.0[1].clone(), None];
    assert_eq!(seen, (values, directory));
    let plain = pool(1);
    assert_eq!(finish(plain.submit(surroundings, keys)).unwrap(), mine);
}

/// A directory that is gone is an error that names what happened, not a hang.
#[test]
fn a_directory_that_is_not_there_is_reported() {
    init_test_worker();
    let pool = one().current_dir("/no/such/directory").build().unwrap();
    let error = finish(pool.submit(read, "x".into())).unwrap_err();
    assert_eq!(error.kind(), TaskErrorKind::PoolBroken, "{error}");
    assert!(error.to_string().contains("No such file"), "{error}");
}

fn exe(_: ()) -> PathBuf {
    std::fs::read_link("/proc/self/exe").expect("this is Linux")
}

/// A copy made by another process: a descriptor that is open for writing here
/// might be inherited by whatever another test starts, and then the copy could
/// not be executed.
fn copy(to: &Path, script: &str) {
    let this = std::env::current_exe().expect("a path");
    let mut command = Command::new("sh");
    command.args(["-c", script]).arg("sh").arg(this).arg(to);
    assert!(command.status().expect("there is a shell").success());
}

#[test]
fn worker_exe_starts_a_copy_of_this_program() {
    init_test_worker();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().canonicalize().unwrap().join("copy");
    copy(&path, "cp \"$1\" \"$2\"");
    let pool = one().worker_exe(&path).build().unwrap();
    assert_eq!(finish(pool.submit(exe, ())).unwrap(), path);
}

/// Part of this program, and of nothing that it does.
static CONSTANT: [u8; 32] = *b"a constant of this program's own";

/// Another build of this program, in which all functions have the same place.
fn copy_with_another_constant(to: &Path) {
    let mut program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    // At the head of the note that holds a build id: its type and its owner.
    let build_id = b"\x03\0\0\0GNU\0";
    let mut changed = [0, 0];
    for at in 0..program.len() {
        if program[at..].starts_with(std::hint::black_box(&CONSTANT)) {
            program[at] ^= 1;
            changed[0] += 1;
        } else if program[at..].starts_with(build_id) {
            program[at + build_id.len()] ^= 1;
            changed[1] += 1;
        }
    }
    assert!(changed[0] > 0, "it is not in the program");
    let patched = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&patched, program).unwrap();
    let script = format!(
        "cp '{}' \"$2\" && chmod +x \"$2\"",
        patched.path().display()
    );
    copy(to, &script);
}

/// What is not this program is refused with the reason: one that knows nothing of
/// pools, one that does but is another, and a file that is not there.
#[test]
fn worker_exe_of_another_program_is_refused() {
    init_test_worker();
    let directory = tempfile::tempdir().unwrap();
    let other = directory.path().join("other");
    copy_with_another_constant(&other);
    let missing = directory.path().join("missing");
    for (program, text) in [
        (
            Path::new("/bin/true"),
            "does the program call `pool_process::init()`",
        ),
        (
            &other,
            "it was refused: it runs another program than its parent",
        ),
        (&missing, "the program does not start: No such file"),
    ] {
        let pool = one().worker_exe(program).build().unwrap();
        let error = finish(pool.submit(exe, ())).unwrap_err();
        assert_eq!(error.kind(), TaskErrorKind::PoolBroken);
        assert!(error.to_string().contains(text), "{error}");
        let error = finish(pool.warm_up()).unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
    }
}

/// The processors that the worker, or this process, may use.
fn processors(_: ()) -> Vec<usize> {
    let set = rustix::thread::sched_getaffinity(None).expect("this is Linux");
    let all = 0..rustix::thread::CpuSet::MAX_CPU;
    all.filter(|&cpu| set.is_set(cpu)).collect()
}

/// mpire test_cpu_pinning
#[test]
fn pinned_workers_take_turns_over_the_processors() {
    init_test_worker();
    let mine = processors(());
    let workers = mine.len().min(4) + 1;
    let builder = ProcessPool::builder().max_workers(workers);
    let pool = builder.pin_processors(true).build().unwrap();
    let mut gate = Gate::new();
    let job = |ticket| {
        pass(ticket);
        processors(())
    };
    let ticket = |n| gate.ticket(n as u64);
    let tickets: Vec<_> = (0..workers).map(ticket).collect();
    let tasks: Vec<_> = tickets.into_iter().map(|t| pool.submit(job, t)).collect();
    for _ in 0..workers {
        gate.arrival();
    }
    gate.open();
    let seen: Vec<_> = tasks.into_iter().map(|t| finish(t).unwrap()).collect();
    assert!(seen.iter().all(|one| one.len() == 1), "{seen:?}");
    let used: BTreeSet<_> = seen.into_iter().flatten().collect();
    let expected = mine.iter().copied().take(workers);
    assert_eq!(used, expected.collect());
    assert_eq!(processors(()), mine);
}

#[test]
fn warm_up_waits_for_all_workers() {
    init_test_worker();
    let pool = pool(4);
    assert_eq!(pool.worker_pids(), []);
    finish(pool.warm_up()).unwrap();
    let pids = pool.worker_pids();
    assert_eq!(pids.len(), 4);
    let used = finish(pool.submit(|()| std::process::id(), ())).unwrap();
    assert!(pids.contains(&used));
    // Whoever asks again finds them there.
    finish(pool.warm_up()).unwrap();
    assert_eq!(pool.worker_pids(), pids);
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    init_test_worker();
    let builder = ProcessPool::builder;
    for (builder, text) in [
        (
            builder().max_workers(0),
            "max_workers must be greater than 0",
        ),
        (builder().max_queued(0), "max_queued must be greater than 0"),
        (
            one().max_tasks_per_worker(0),
            "max_tasks_per_worker must be",
        ),
        (
            one().recycle_above(0),
            "recycle_above must be greater than 0",
        ),
        (one().memory_limit(0), "memory_limit must be greater than 0"),
        (
            one().max_result_bytes(0),
            "max_result_bytes must be greater",
        ),
        (
            one().min_workers(2),
            "min_workers is 2, more than max_workers, which is 1",
        ),
    ] {
        let error = builder.build().unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
        assert!(!error.is_missing_init());
    }
    assert!(one().min_workers(1).build().is_ok());
}
