//! An executor that stands in for worker processes: jobs cross in bytes, and a function
//! may say that its worker dies.
//!
//! There is one worker, so jobs run one after another; and since the far side of a
//! process is process-wide, so is this: one test of a binary has it at a time.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use crate::gate::DEADLINE;
use executor_core::panic::{PanicReport, catch};
use executor_core::{
    CallFault, CancelOutcome, Control, Executor, HeldJob, Job, Shutdown, ShutdownReport, Task,
    TaskError, WorkerExit, WorkerLost, partial,
};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// What a function tells its worker.
enum Word {
    Ended(Result<Vec<u8>, Failure>),
    Dies,
}

/// A test has it.
static TAKEN: Mutex<bool> = Mutex::new(false);
static GIVEN_BACK: Condvar = Condvar::new();
/// The job that the parts belong to.
static AT: Mutex<Option<Arc<HeldJob>>> = Mutex::new(None);
static TO_WORKER: Mutex<Option<Sender<Word>>> = Mutex::new(None);
/// The worker is dead, for the function that still runs there.
static DEAD: AtomicBool = AtomicBool::new(false);
static BURIED: Condvar = Condvar::new();
static GRAVE: Mutex<()> = Mutex::new(());
enum Failure {
    Fault(CallFault),
    Panic(PanicReport),
}

static DEATHS: AtomicUsize = AtomicUsize::new(0);
static PARTS: AtomicUsize = AtomicUsize::new(0);
static REFUSED: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// To be asked by a function first: what runs on after a death has not happened.
pub(crate) fn is_dead() -> bool {
    DEAD.load(SeqCst)
}

/// Kills the worker.
pub(crate) fn die() {
    if let Some(worker) = lock(&TO_WORKER).take() {
        let _ = worker.send(Word::Dies);
    }
    hang();
}

/// Goes on only when the worker is dead.
pub(crate) fn hang() {
    let grave = lock(&GRAVE);
    let waited = BURIED.wait_timeout_while(grave, DEADLINE, |()| !is_dead());
    assert!(!waited.unwrap().1.timed_out(), "nobody kills this worker");
}

pub(crate) struct Remote {
    /// `None` ends it.
    jobs: Mutex<Sender<Option<Job>>>,
    supervisor: Option<JoinHandle<()>>,
}

impl Remote {
    /// Parts leave, or come with their job.
    pub(crate) fn new(parts: bool) -> Self {
        let taken = GIVEN_BACK.wait_while(lock(&TAKEN), |taken| *taken);
        *taken.unwrap_or_else(PoisonError::into_inner) = true;
        for count in [&DEATHS, &PARTS] {
            count.store(0, SeqCst);
        }
        lock(&REFUSED).clear();
        match parts {
            true => partial::set_sink(|part: &[u8]| {
                PARTS.fetch_add(1, SeqCst);
                let at = lock(&AT).clone();
                if let Some(parts) = at.and_then(|job| job.parts())
                    && let Err(why) = parts.deliver(part)
                {
                    lock(&REFUSED).push(why);
                }
            }),
            false => partial::clear_sink(),
        }
        let (jobs, todo) = channel();
        let again = jobs.clone();
        let supervisor = std::thread::spawn(move || supervise(&todo, &again));
        Self {
            jobs: Mutex::new(jobs),
            supervisor: Some(supervisor),
        }
    }

    pub(crate) fn deaths(&self) -> usize {
        DEATHS.load(SeqCst)
    }

    pub(crate) fn parts(&self) -> usize {
        PARTS.load(SeqCst)
    }

    /// What was wrong with parts.
    pub(crate) fn refused(&self) -> Vec<String> {
        lock(&REFUSED).clone()
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        let _ = lock(&self.jobs).send(None);
        if let Some(supervisor) = self.supervisor.take() {
            let ended = supervisor.join();
            assert!(ended.is_ok() || std::thread::panicking());
        }
        partial::clear_sink();
        *lock(&TAKEN) = false;
        GIVEN_BACK.notify_all();
    }
}

impl Executor for Remote {
    fn execute(&self, job: Job) {
        if let Some(job) = job.encode() {
            let _ = lock(&self.jobs).send(Some(job));
        }
    }
    fn shutdown(&self, _: Shutdown) -> Task<ShutdownReport> {
        Task::ready("shutdown", Ok(ShutdownReport::default()))
    }
    fn concurrency(&self) -> usize {
        1
    }
}

/// Running jobs are not cancelled here.
struct Running;

impl Control for Running {
    fn cancel(&self, _: u64) -> CancelOutcome {
        CancelOutcome::TooLate
    }
    fn is_running(&self, _: u64) -> bool {
        true
    }
}

fn supervise(todo: &Receiver<Option<Job>>, again: &Sender<Option<Job>>) {
    while let Ok(Some(job)) = todo.recv_timeout(DEADLINE) {
        let Some(job) = job.hold(Arc::new(Running), 0) else {
            continue;
        };
        let mut argument = Vec::new();
        job.with_payload(|pieces| argument = pieces.concat());
        let entry = job.entry().expect("it is a plain function");
        let limit = job.timeout();
        let job = Arc::new(job);
        let (tell, told) = channel();
        *lock(&AT) = Some(job.clone());
        *lock(&TO_WORKER) = Some(tell.clone());
        let worker = std::thread::spawn(move || {
            let mut result = Vec::new();
            let ended = match catch(|| entry.call(&mut argument, &mut result)) {
                Ok(Ok(())) => Ok(result),
                Ok(Err(fault)) => Err(Failure::Fault(fault)),
                Err(report) => Err(Failure::Panic(report)),
            };
            let _ = tell.send(Word::Ended(ended));
        });
        let word = told.recv_timeout(limit.unwrap_or(DEADLINE));
        let error = match word {
            Ok(Word::Ended(ended)) => {
                let job = own(job);
                match ended {
                    Ok(mut result) => job.complete(&mut result),
                    Err(Failure::Fault(fault)) => job.complete_fault(fault),
                    Err(Failure::Panic(report)) => job.complete_panic(report),
                }
                worker.join().unwrap();
                continue;
            }
            Ok(Word::Dies) => None,
            Err(RecvTimeoutError::Timeout) => {
                Some(TaskError::timed_out(limit.unwrap(), "it was stopped"))
            }
            Err(RecvTimeoutError::Disconnected) => unreachable!("the worker says how it ended"),
        };
        // Nothing of a dead process arrives.
        let job = own(job);
        DEATHS.fetch_add(1, SeqCst);
        bury(worker);
        let attempts = job.count_death(true);
        match error {
            Some(error) => job.fail(error),
            None if attempts <= job.retries() => {
                let _ = again.send(job.release());
            }
            None => {
                let lost = WorkerLost::new(1, WorkerExit::Signal(9), true);
                job.fail(TaskError::worker_lost(
                    lost.with_attempt(attempts, attempts > 1),
                ));
            }
        }
    }
}

/// Takes it from those who bring parts.
fn own(mut job: Arc<HeldJob>) -> HeldJob {
    lock(&AT).take();
    loop {
        // Somebody may be at a part.
        match Arc::try_unwrap(job) {
            Ok(job) => return job,
            Err(shared) => job = shared,
        }
        std::thread::yield_now();
    }
}

/// Lets what runs there run to its end, which nobody sees.
fn bury(worker: JoinHandle<()>) {
    DEAD.store(true, SeqCst);
    drop(lock(&GRAVE));
    BURIED.notify_all();
    worker.join().unwrap();
    DEAD.store(false, SeqCst);
}
