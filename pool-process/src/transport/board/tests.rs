//! A parent and a worker on two mappings of one board.

use super::*;
use crate::transport::patience::Patience;
use crate::transport::slot::Order;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fs::{MemfdFlags, SealFlags};

fn pair() -> (Board, Board) {
    let (parent, fd) = Board::create().unwrap();
    let bell = parent.bell().try_clone_to_owned().unwrap();
    let worker = Board::open(&fd, bell).unwrap();
    (parent, worker)
}

/// Sleeps, as a supervisor does, until it is `ready`; false if that takes long.
fn await_news(parent: &Board, ready: impl Fn() -> bool) -> bool {
    let long = Timespec {
        tv_sec: 60,
        tv_nsec: 0,
    };
    while !ready() {
        let _ = rustix::io::read(parent.bell(), &mut [0; 8]);
        parent.announce_sleep();
        if !ready() {
            let bell = parent.bell();
            let mut polled = [PollFd::new(&bell, PollFlags::IN)];
            if poll(&mut polled, Some(&long)).unwrap() == 0 {
                return ready();
            }
        }
        parent.withdraw_sleep();
    }
    true
}

fn order(len: usize, piped: Option<u64>) -> Order {
    Order {
        offset: 1,
        limited: false,
        len: len as u64,
        piped,
    }
}

#[test]
fn the_size_is_sealed() {
    let (_, fd) = Board::create().unwrap();
    assert!(rustix::fs::ftruncate(&fd, 0).is_err());
    let other = rustix::fs::memfd_create("other", MemfdFlags::CLOEXEC).unwrap();
    let bell = eventfd(0, EventfdFlags::CLOEXEC).unwrap();
    assert!(Board::open(other, bell).is_err());
}

#[test]
fn a_worker_sleeps_until_a_job_comes_and_its_parent_until_it_is_done() {
    let (parent, worker) = pair();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut patience = Patience::new();
            for seq in 1..=3000 {
                assert!(worker.await_job(seq, &mut patience));
                assert!(worker.slot(seq).claim(seq, None));
                worker.slot(seq).write(0, &seq.to_le_bytes());
                assert!(worker.slot(seq).end(seq));
                worker.report();
            }
            assert!(!worker.await_job(3001, &mut patience));
        });
        for seq in 1..=3000 {
            parent.slot(seq).post(seq, order(0, None), b"");
            parent.release(seq + 1);
            let ready = || parent.is_news(seq);
            assert!(await_news(&parent, ready));
            assert_eq!(parent.slot(seq).look(seq), Sight::Done);
            let mut result = Vec::new();
            assert_eq!(parent.slot(seq).read(8, &mut result), Some(8));
            assert_eq!(result, seq.to_le_bytes());
        }
        parent.close();
    });
}

#[test]
fn what_is_larger_than_a_pipe_goes_through_it_both_ways() {
    let (parent, worker) = pair();
    let bytes: Vec<u8> = (0..3 * CAPACITY + 7).map(|n| (n >> 5) as u8).collect();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut patience, mut argument) = (Patience::new(), Vec::new());
            assert!(worker.await_job(1, &mut patience));
            let order = worker.slot(1).order();
            let read = worker.argument(1, order, &mut argument, &mut patience);
            assert!(read.is_ok() && worker.slot(1).claim(1, None));
            worker.send(1, 2, &argument, &mut patience);
            assert!(worker.slot(1).end(1));
            worker.report();
        });
        let start = Some(parent.next_argument());
        parent.slot(1).post(1, order(bytes.len(), start), b"");
        parent.release(2);
        let (mut fed, mut result) = (0, Vec::new());
        while parent.slot(1).look(1) != Sight::Done || result.len() < bytes.len() {
            let feeding = fed < bytes.len();
            let ready = || parent.is_news(1) || feeding && parent.takes_more();
            assert!(await_news(&parent, ready));
            fed += parent.feed(&bytes[fed..]).unwrap();
            let outcome = parent.slot(1).result();
            if outcome.piped {
                let left = outcome.len - result.len() as u64;
                parent.drain(left, &mut result).unwrap();
            }
        }
        assert!(result == bytes);
        assert_eq!(parent.slot(1).result().kind, 2);
    });
}

#[test]
fn an_argument_that_is_given_up_in_the_middle_is_skipped() {
    let (parent, worker) = pair();
    parent.slot(1).post(1, order(100, Some(0)), b"");
    parent.feed(&[1; 60]).unwrap();
    assert!(parent.slot(1).take_back(1));
    let start = parent.next_argument();
    parent.slot(2).post(2, order(5, Some(start)), b"");
    parent.feed(b"hello").unwrap();
    let (mut patience, mut argument) = (Patience::new(), Vec::new());
    let order = worker.slot(1).order();
    let read = worker.argument(1, order, &mut argument, &mut patience);
    assert!(matches!(read, Err(NoArgument::TakenBack)));
    assert!(!worker.slot(1).claim(1, None));
    argument.clear();
    let order = worker.slot(2).order();
    assert!(
        worker
            .argument(2, order, &mut argument, &mut patience)
            .is_ok()
    );
    assert_eq!(argument, b"hello");
}

/// How much memory a board has, in bytes.
fn memory_of(fd: &OwnedFd) -> u64 {
    rustix::fs::fstat(fd).unwrap().st_blocks as u64 * 512
}

/// Has the worker echo so many bytes, as job number `seq`.
fn echo(parent: &Board, worker: &Board, seq: u64, len: usize) {
    let bytes: Vec<u8> = (0..len).map(|n| ((n * 31) >> 7) as u8).collect();
    let start = parent.next_argument();
    parent.slot(seq).post(seq, order(len, Some(start)), b"");
    parent.release(seq + 1);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut patience = Patience::new();
            assert!(worker.await_job(seq, &mut patience));
            let (mut argument, order) = (Vec::new(), order(len, Some(start)));
            let got = worker.argument(seq, order, &mut argument, &mut patience);
            assert!(got.is_ok() && worker.slot(seq).claim(seq, None));
            worker.send(seq, 0, &argument, &mut patience);
            assert!(worker.slot(seq).end(seq));
            worker.report();
        });
        let (mut fed, mut result) = (0, Vec::new());
        while result.len() < len {
            fed += parent.feed(&bytes[fed..]).unwrap();
            let left = (len - result.len()) as u64;
            if parent.drain(left, &mut result).unwrap() == 0 {
                std::thread::yield_now();
            }
        }
        assert!(result == bytes, "{len} bytes");
    });
}

#[test]
fn a_board_at_rest_has_little_memory() {
    let (parent, fd) = Board::create().unwrap();
    let bell = parent.bell().try_clone_to_owned().unwrap();
    let worker = Board::open(&fd, bell).unwrap();
    assert!(!parent.shrink());
    for seq in [1, 3, 5] {
        echo(&parent, &worker, seq, 3 << 20);
        let full = memory_of(&fd);
        assert!(full > 2 << 20, "{full}");
        assert!(parent.shrink());
        let rest = memory_of(&fd);
        assert!(rest <= 128 << 10, "{rest}");
        // Little, many times over, adds up.
        echo(&parent, &worker, seq + 1, 40_000);
        assert!(!parent.shrink());
        let rest = memory_of(&fd);
        assert!(rest <= 256 << 10, "{rest}");
    }
}

#[test]
fn what_is_on_its_way_keeps_its_memory() {
    let (parent, worker) = pair();
    echo(&parent, &worker, 1, 1 << 20);
    assert_eq!(worker.results.write(b"unread"), Ok(6));
    assert!(!parent.shrink());
    let mut read = Vec::new();
    assert_eq!(parent.drain(6, &mut read), Ok(6));
    assert_eq!(read, b"unread");
    assert_eq!(parent.feed(b"unread"), Ok(6));
    assert!(!parent.shrink());
    assert_eq!(worker.arguments.read(6, &mut read), Ok(6));
    assert_eq!(read, b"unreadunread");
    assert!(parent.shrink());
}

#[test]
fn nobody_can_execute_it_where_the_kernel_can_see_to_that() {
    let (_, fd) = Board::create().unwrap();
    let can = rustix::fs::memfd_create("probe", MemfdFlags::NOEXEC_SEAL).is_ok();
    let seals = rustix::fs::fcntl_get_seals(&fd).unwrap();
    // F_SEAL_EXEC
    assert_eq!(seals.bits() & 0x20 != 0, can);
    assert!(seals.contains(SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL));
}
