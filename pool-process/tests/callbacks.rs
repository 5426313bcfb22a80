//! Done callbacks that block, on the thread that resolves a batch of results.

mod common;

use common::{LONG, eventually, finish, pool};
use executor_core::ExecutorExt as _;
use std::path::PathBuf;
use std::sync::mpsc::channel;

pool_process::test_worker!();

const AHEAD: usize = 20;

fn create(path: PathBuf) {
    std::fs::write(path, "").unwrap();
}

fn await_file(path: PathBuf) {
    eventually("the file is there", || path.exists());
}

/// The results of `first` and `second` come together: the supervisor is busy with a
/// callback until both are there. That of the second then waits for whoever waits for
/// the first.
#[test]
fn one_may_wait_for_whom_another_result_of_its_batch_wakes() {
    init_test_worker();
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name);
    let pool = pool(1);
    let (gate, last) = (file("gate"), file("last"));

    let opens = pool.submit(await_file, gate.clone());
    let seen = last.clone();
    opens.add_done_callback(move |_| eventually("both ran", || seen.exists()));
    let mut first = pool.submit(create, file("first"));
    first.add_done_callback(|_| ());
    let second = pool.submit(create, last);
    let (woken, is_woken) = channel();
    let (told, is_told) = channel();
    second.add_done_callback(move |_| told.send(is_woken.recv_timeout(LONG)).unwrap());
    let waits = std::thread::spawn(move || {
        first.wait_timeout(LONG).expect("in time").unwrap();
        woken.send(()).unwrap();
    });
    // When so many wait, both are sent ahead to the worker.
    let others: Vec<_> = (0..AHEAD).map(|_| pool.submit(|()| (), ())).collect();
    create(gate);
    assert_eq!(is_told.recv_timeout(2 * LONG).unwrap(), Ok(()));
    waits.join().unwrap();
    finish(opens).unwrap();
    others.into_iter().for_each(|other| finish(other).unwrap());
    finish(second).unwrap();
}
