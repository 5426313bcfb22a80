//! What several of the tests use.
#![allow(dead_code)]

use executor_core::{Task, TaskError};
use pool_thread::ThreadPool;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// The longest any test waits for anything.
pub(crate) const LONG: Duration = Duration::from_secs(120);

pub(crate) fn pool(workers: usize) -> ThreadPool {
    ThreadPool::builder().max_workers(workers).build().unwrap()
}

/// Waits for a task, but not for ever.
#[track_caller]
pub(crate) fn finish<T: Send + 'static>(mut task: Task<T>) -> Result<T, TaskError> {
    match task.wait_timeout(LONG) {
        Some(outcome) => outcome,
        None => panic!("no outcome within {LONG:?}: {task:?}"),
    }
}

/// Where jobs arrive, and wait until the test lets them go.
pub(crate) struct Gate {
    arrived: Receiver<u64>,
    ticket: Ticket,
}

#[derive(Clone)]
pub(crate) struct Ticket {
    arrive: Sender<u64>,
    open: Arc<(Mutex<bool>, Condvar)>,
}

impl Gate {
    pub(crate) fn new() -> Self {
        let (arrive, arrived) = channel();
        let open = Arc::default();
        let ticket = Ticket { arrive, open };
        Self { arrived, ticket }
    }

    pub(crate) fn ticket(&self) -> Ticket {
        self.ticket.clone()
    }

    /// Waits until somebody arrives, and says who.
    #[track_caller]
    pub(crate) fn arrival(&self) -> u64 {
        self.arrived.recv_timeout(LONG).expect("somebody arrives")
    }

    /// Who arrived without having been waited for.
    pub(crate) fn unexpected(&self) -> Vec<u64> {
        self.arrived.try_iter().collect()
    }

    /// Lets everybody go, now and later.
    pub(crate) fn open(&self) {
        *self.ticket.open.0.lock().unwrap() = true;
        self.ticket.open.1.notify_all();
    }
}

/// A test that fails does not leave threads behind that wait for ever.
impl Drop for Gate {
    fn drop(&mut self) {
        self.open();
    }
}

impl Ticket {
    pub(crate) fn visit(&self, number: u64) {
        let _ = self.arrive.send(number);
    }

    /// Arrives, and waits to be let go.
    pub(crate) fn pass(&self, number: u64) -> u64 {
        self.visit(number);
        let open = self.open.0.lock().unwrap();
        let (open, _) = self
            .open
            .1
            .wait_timeout_while(open, LONG, |open| !*open)
            .unwrap();
        assert!(*open, "{number} was not let go within {LONG:?}");
        number
    }
}

/// A blocked job on each of the pool's workers.
pub(crate) fn block_all(pool: &ThreadPool, gate: &Gate) -> Vec<Task<u64>> {
    let count = pool.max_workers() as u64;
    let tasks = (0..count)
        .map(|n| {
            let ticket = gate.ticket();
            pool.spawn(move || ticket.pass(n))
        })
        .collect();
    (0..count).for_each(|_| {
        gate.arrival();
    });
    tasks
}

/// Says that it was dropped.
pub(crate) struct Canary(Sender<()>);

impl Canary {
    pub(crate) fn new() -> (Self, Receiver<()>) {
        let (tell, told) = channel();
        (Self(tell), told)
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}
