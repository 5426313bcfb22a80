//! Reaching tasks without owning them, following them, and blocking on them.

mod common;

use common::{DEADLINE, receive};
use executor_core::{
    CancelOutcome, Control, ExecutorExt as _, Inline, Settled, Task, TaskError, Watcher, current,
    current_task, promise, promise_with,
};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Tells of each token it is told of, and whether its task was done then.
struct Told {
    tell: Sender<(usize, Settled, bool)>,
    task: Mutex<Option<executor_core::TaskRef>>,
}

impl Watcher for Told {
    fn settled(&self, token: usize, settled: Settled) {
        let done = self
            .task
            .lock()
            .unwrap()
            .as_ref()
            .is_some_and(|t| t.is_done());
        self.tell.send((token, settled, done)).unwrap();
    }
}

fn told(task: &Task<u8>) -> (Arc<Told>, std::sync::mpsc::Receiver<(usize, Settled, bool)>) {
    let (tell, heard) = channel();
    let task = Mutex::new(Some(task.reference()));
    (Arc::new(Told { tell, task }), heard)
}

#[test]
fn followers_are_told_once_the_task_is_done_besides_whoever_awaits_it() {
    let (promise, task) = promise("p");
    let (told, heard) = told(&task);
    assert!(task.follow(told.clone(), 1) && task.follow(told.clone(), 2));
    let waiter = std::thread::spawn(move || task.wait());
    promise.resolve(Ok(7));
    assert_eq!(receive(&heard), (1, Settled::Value, true));
    assert_eq!(receive(&heard), (2, Settled::Value, true));
    assert_eq!(waiter.join().unwrap().unwrap(), 7);
    assert!(heard.try_recv().is_err());
}

#[test]
fn a_finished_task_cannot_be_followed() {
    let task = Task::ready("p", Ok(1));
    let (told, heard) = told(&task);
    assert!(!task.follow(told.clone(), 1));
    assert_eq!(Arc::strong_count(&told), 1);
    assert!(heard.try_recv().is_err());
}

#[test]
fn a_reference_cancels_and_outlives_the_task() {
    struct Never;
    impl executor_core::Executor for Never {
        fn execute(&self, job: executor_core::Job) {
            std::mem::forget(job);
        }
        fn shutdown(&self, _: executor_core::Shutdown) -> Task<executor_core::ShutdownReport> {
            Task::ready("shutdown", Ok(Default::default()))
        }
        fn concurrency(&self) -> usize {
            1
        }
    }
    let task = Never.task(|n: u8| n, 1).name("queued").submit();
    let reference = task.reference();
    assert_eq!(reference, task.reference());
    assert!(format!("{reference:?}").contains("pending"));
    drop(task);
    assert_eq!(reference.cancel(), CancelOutcome::BeforeStart);
    assert_eq!(reference.settled(), Some(Settled::Cancelled));
    assert_eq!(reference.cancel(), CancelOutcome::TooLate);
}

#[test]
fn a_job_knows_its_task_also_when_jobs_are_nested() {
    let outer = |_: ()| {
        let inner = |_: ()| current_task().unwrap().name().to_owned();
        let inner = Inline::new().task(inner, ()).name("inner").submit();
        (
            inner.wait().unwrap(),
            current_task().unwrap().name().to_owned(),
        )
    };
    let task = Inline::new().task(outer, ()).name("outer").submit();
    let (inner, outer) = task.wait().unwrap();
    assert_eq!((&*inner, &*outer), ("inner", "outer"));
    assert!(current_task().is_none());
}

/// CPython: `test_tasks.py::test_task_awaits_on_itself`.
#[test]
fn a_task_that_waits_for_itself_is_told_so() {
    let (_promise, task) = promise::<u8>("me");
    let reference = task.reference();
    let awaited = current::enter(reference.clone(), || {
        let mut task = task;
        let polled = futures::executor::block_on(&mut task);
        (polled.unwrap_err(), task.wait().unwrap_err())
    });
    assert!(awaited.0.is_would_deadlock() && awaited.1.is_would_deadlock());
    assert!(
        awaited.0.to_string().contains("`me` would deadlock"),
        "{}",
        awaited.0
    );
    assert!(!reference.is_done());
}

/// What drives this task can be stopped.
#[derive(Default)]
struct Stoppable(AtomicBool);

impl Control for Stoppable {
    fn cancel(&self, _: u64) -> CancelOutcome {
        CancelOutcome::TooLate
    }
    fn is_running(&self, _: u64) -> bool {
        true
    }
    fn stuck(&self, _: u64) -> Option<TaskError> {
        let why = "what drives it was stopped";
        self.0.load(SeqCst).then(|| TaskError::invalid_state(why))
    }
}

#[test]
fn who_is_blocked_on_a_task_is_told_when_it_gets_stuck() {
    let stoppable = Arc::new(Stoppable::default());
    let (promise, task) = promise_with::<u8>("driven", stoppable.clone(), 0);
    let flat = promise_with::<Result<u8, String>>("flat", stoppable.clone(), 0);
    let flat_task = flat.1.flatten();
    let (tell, heard) = channel();
    // Of a flattened task, whoever drives the one underneath is asked.
    let references = [task.reference(), flat.0.reference()];
    for task in [task, flat_task] {
        let tell = tell.clone();
        std::thread::spawn(move || tell.send(task.wait().unwrap_err()).unwrap());
    }
    assert!(heard.recv_timeout(Duration::from_millis(20)).is_err());
    stoppable.0.store(true, SeqCst);
    // Nudged until it was seen: the waiters may not have begun to wait.
    let mut errors = Vec::new();
    let end = std::time::Instant::now() + DEADLINE;
    while errors.len() < 2 {
        assert!(std::time::Instant::now() < end, "not told: {errors:?}");
        references.iter().for_each(executor_core::TaskRef::nudge);
        errors.extend(heard.recv_timeout(Duration::from_millis(1)));
    }
    assert!(errors.iter().all(TaskError::is_invalid_state), "{errors:?}");
    drop(promise);
}

#[test]
fn wait_or_cancel_cancels_at_the_limit_and_gives_a_value_that_is_there() {
    let (promise, task) = promise::<u8>("slow");
    let reference = task.reference();
    let error = task.wait_or_cancel(Duration::from_millis(5)).unwrap_err();
    assert!(
        error.is_timed_out() && error.to_string().contains("goes on"),
        "{error}"
    );
    assert!(!reference.is_done());
    promise.resolve(Ok(1));
    assert_eq!(
        Task::ready("p", Ok(2))
            .wait_or_cancel(Duration::ZERO)
            .unwrap(),
        2
    );
}

/// CPython: `test_tasks.py::test_yield_future_passes_cancel`.
#[test]
fn what_a_cancelled_coroutine_awaits_is_cancelled_and_what_it_holds_is_not() {
    #[derive(Default)]
    struct Asked(AtomicBool);
    impl Control for Asked {
        fn cancel(&self, _: u64) -> CancelOutcome {
            self.0.store(true, SeqCst);
            CancelOutcome::Requested
        }
        fn is_running(&self, _: u64) -> bool {
            true
        }
    }
    let asked: [Arc<Asked>; 3] = Default::default();
    let [awaited, held, detached] =
        [0, 1, 2].map(|n: usize| promise_with::<u8>("p", asked[n].clone(), 0));
    let mut coroutine = Box::pin(async move {
        let _held = held.1;
        awaited.1.await
    });
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(coroutine.as_mut().poll(&mut context).is_pending());
    current::cancelling(|| drop(coroutine));
    let mut dropped = Box::pin(detached.1);
    assert!(dropped.as_mut().poll(&mut context).is_pending());
    drop(dropped);
    let asked: Vec<_> = asked.iter().map(|asked| asked.0.load(SeqCst)).collect();
    assert_eq!(asked, [true, false, false]);
}

/// One error, several holders.
#[test]
fn clones_of_an_error_share_the_users_own() {
    let error = TaskError::failed(std::io::Error::other("mine"));
    let clone = error.clone();
    assert!(clone.downcast_ref::<std::io::Error>().is_some());
    let error = error.downcast::<std::io::Error>().unwrap_err();
    drop(clone);
    assert_eq!(
        error.downcast::<std::io::Error>().unwrap().to_string(),
        "mine"
    );
}

#[test]
fn an_executor_that_panics_over_a_cancellation_harms_nobody() {
    struct Broken;
    impl Control for Broken {
        fn cancel(&self, _: u64) -> CancelOutcome {
            panic!("broken");
        }
        fn is_running(&self, _: u64) -> bool {
            true
        }
    }
    let (promise, task) = promise_with::<u8>("p", Arc::new(Broken), 0);
    assert_eq!(task.cancel(), CancelOutcome::TooLate);
    promise.resolve(Ok(1));
    assert_eq!(task.wait().unwrap(), 1);
}
