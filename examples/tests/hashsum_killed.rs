//! `kill -9`, of a worker and of the program itself, in the middle of a file.
//!
//! The file is a FIFO that the test holds open and never writes to: whoever
//! reads it stays there, and `/proc` tells who that is.

mod common;

use common::hashsum::{hashsum, reports, sorted};
use common::processes::{descendants, holder, is_alive, kill};
use common::program::{Program, run};
use common::tree;
use std::fs::{self, File};
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A directory with many files, and the FIFO beside it.
struct Scene {
    root: TempDir,
    fifo: PathBuf,
    /// Both ends: for a reader there is always a writer.
    held: File,
}

fn scene() -> Scene {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("many")).unwrap();
    for n in 0..300 {
        fs::write(root.path().join(format!("many/{n}")), [7].repeat(n)).unwrap();
    }
    // As `/proc` shows it.
    let fifo = root.path().canonicalize().unwrap().join("fifo");
    tree::fifo(&fifo);
    let held = File::options().read(true).write(true).open(&fifo).unwrap();
    Scene { root, fifo, held }
}

impl Scene {
    /// Starts the program, and waits until a worker is reading the FIFO.
    fn start(&self, arguments: &[&str]) -> (Program, u32) {
        let mut command = hashsum(self.root.path(), "process");
        let mut program = Program::start(command.args(arguments));
        let pid = program.pid();
        let worker = program.until("a worker that reads the FIFO", || {
            holder(&descendants(pid), &self.fifo)
        });
        (program, worker)
    }
}

#[test]
fn a_killed_worker_costs_the_file_it_was_at() {
    let scene = scene();
    let good = run(hashsum(scene.root.path(), "inline").arg("many"));
    assert!(good.status.success(), "{good:?}");

    for arguments in [["fifo", "many"], ["many", "fifo"]] {
        let (program, worker) = scene.start(&arguments);
        kill(worker);
        let output = program.finish();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(reports(&output, "fifo", "SIGKILL"), "{output:?}");
        assert!(reports(&output, "fifo", &worker.to_string()), "{output:?}");
        assert_eq!(output.stderr.lines().count(), 1, "{output:?}");
        assert_eq!(sorted(&output.stdout), sorted(&good.stdout), "{output:?}");
    }
}

#[test]
fn workers_do_not_outlive_a_killed_program() {
    let scene = scene();
    let (mut program, worker) = scene.start(&["fifo", "many"]);
    let workers = descendants(program.pid());
    assert!(workers.contains(&worker));
    program.kill();
    all_end(&workers);
}

#[test]
fn workers_are_gone_when_the_program_is_done() {
    let scene = scene();
    let (program, worker) = scene.start(&["many", "fifo"]);
    let workers = descendants(program.pid());
    // A FIFO that no writer has open any more is at its end.
    drop(scene.held);
    assert!(workers.contains(&worker));
    let output = program.finish();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(sorted(&output.stdout).len(), 301, "{output:?}");
    all_end(&workers);
}

/// Waits until none of them is left.
fn all_end(workers: &[u32]) {
    let since = Instant::now();
    while let Some(pid) = workers.iter().find(|pid| is_alive(**pid)) {
        let late = since.elapsed() > Duration::from_secs(5);
        assert!(!late, "worker {pid} outlives the program by seconds");
        sleep(Duration::from_millis(5));
    }
}
