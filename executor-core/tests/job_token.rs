//! The token of a job: who cancels it, and what its function makes of that.

mod common;

use common::{DEADLINE, receive};
use executor_core::{
    CancelOutcome, CancelToken, ExecutorExt as _, Inline, Job, JobOptions, Task, TaskError,
    current_task, promise, promise_with, token,
};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// A job on a thread of its own, which says what it sees when it is told to go on.
struct Running<T: Send + 'static> {
    task: Task<T>,
    arrived: Receiver<()>,
    go_on: Sender<()>,
    thread: JoinHandle<()>,
}

fn start<T: Send + 'static>(
    options: JobOptions,
    function: impl FnOnce(&dyn Fn()) -> T + Send + 'static,
) -> Running<T> {
    let ((arrive, arrived), (go_on, wait)) = (channel(), channel::<()>());
    let meet = move || {
        arrive.send(()).unwrap();
        receive(&wait);
    };
    let (job, task) = Job::from_closure(move || function(&meet), options);
    let thread = std::thread::spawn(move || job.run());
    Running {
        task,
        arrived,
        go_on,
        thread,
    }
}

#[test]
fn a_function_that_has_asked_is_asked_to_stop() {
    let it = start(JobOptions::default(), |meet| {
        let token = CancelToken::current();
        meet();
        assert!(token.wait_timeout(DEADLINE));
        // It is the same one, each time.
        CancelToken::current().check().map(|()| 1)
    });
    receive(&it.arrived);
    it.go_on.send(()).unwrap();
    assert_eq!(it.task.cancel(), CancelOutcome::Requested);
    let task = it.task.flatten();
    it.thread.join().unwrap();
    let error = task.wait().unwrap_err();
    assert!(error.is_cancelled(), "{error}");
}

#[test]
fn a_function_that_asks_later_finds_the_wish() {
    let it = start(JobOptions::default(), |meet| {
        meet();
        CancelToken::current().is_cancelled()
    });
    receive(&it.arrived);
    assert_eq!(it.task.cancel(), CancelOutcome::TooLate);
    assert_eq!(it.task.cancel(), CancelOutcome::TooLate);
    it.go_on.send(()).unwrap();
    it.thread.join().unwrap();
    assert!(it.task.wait().unwrap());
}

#[test]
fn a_value_wins() {
    let it = start(JobOptions::default(), |meet| {
        let token = CancelToken::current();
        meet();
        assert!(token.is_cancelled());
        7
    });
    receive(&it.arrived);
    assert_eq!(it.task.reference().cancel(), CancelOutcome::Requested);
    it.go_on.send(()).unwrap();
    it.thread.join().unwrap();
    assert_eq!(it.task.cancel(), CancelOutcome::TooLate, "it is done");
    assert_eq!(it.task.wait().unwrap(), 7);
}

/// The time limit asks the token after it has resolved the task, and whoever asks
/// still later finds it cancelled.
#[test]
fn a_time_limit_asks_the_token() {
    for asks_first in [true, false] {
        let mut options = JobOptions::default();
        options.timeout = Some(Duration::from_millis(5));
        let (tell, told) = channel();
        let mut it = start(options, move |meet| {
            if asks_first {
                let token = CancelToken::current();
                assert!(token.wait_timeout(DEADLINE));
            }
            meet();
            tell.send(CancelToken::current().is_cancelled()).unwrap();
        });
        receive(&it.arrived);
        let error = it.task.wait_timeout(DEADLINE).unwrap().unwrap_err();
        assert!(error.is_timed_out(), "{error}");
        it.go_on.send(()).unwrap();
        it.thread.join().unwrap();
        assert!(receive(&told));
    }
}

#[test]
fn each_job_has_its_own() {
    let ask = |_: ()| CancelToken::current().cancel();
    Inline::new().submit(ask, ()).wait().unwrap();
    let look = |_: ()| CancelToken::current().is_cancelled();
    assert!(!Inline::new().submit(look, ()).wait().unwrap());
    // Outside of any, nobody cancels it, not even from inside.
    CancelToken::current().cancel();
    assert!(!CancelToken::current().is_cancelled());
}

#[test]
fn an_executor_may_cancel_the_tokens_of_its_threads() {
    let pool = CancelToken::new();
    let theirs = pool.clone();
    let (meet, met) = channel();
    let thread = std::thread::spawn(move || {
        token::set_parent(Some(theirs));
        let wait = move |_: ()| {
            meet.send(()).unwrap();
            CancelToken::current().wait_timeout(DEADLINE)
        };
        let (job, task) = Job::from_closure(move || wait(()), JobOptions::default());
        job.run();
        let later = Inline::new().submit(|_: ()| CancelToken::current().is_cancelled(), ());
        token::set_parent(None);
        let unrelated = Inline::new().submit(|_: ()| CancelToken::current().is_cancelled(), ());
        [task, later, unrelated].map(|task| task.wait().unwrap())
    });
    receive(&met);
    pool.cancel();
    assert_eq!(thread.join().unwrap(), [true, true, false]);
}

/// A coroutine that somebody drives: its promise is the task.
#[test]
fn the_token_of_a_promise_is_cancelled_with_it() {
    struct Driver;
    impl executor_core::Control for Driver {
        fn cancel(&self, _: u64) -> CancelOutcome {
            CancelOutcome::Requested
        }
        fn is_running(&self, _: u64) -> bool {
            true
        }
    }
    let (driven, task) = promise_with::<()>("coroutine", Arc::new(Driver), 0);
    let token = executor_core::current::enter(driven.reference(), CancelToken::current);
    assert!(!token.is_cancelled());
    assert_eq!(task.cancel(), CancelOutcome::Requested);
    assert!(token.is_cancelled());
    // One that nobody can cancel can still be asked.
    let (promise, task) = promise::<()>("by hand");
    let token = executor_core::current::enter(promise.reference(), || {
        assert!(current_task().is_some());
        CancelToken::current()
    });
    assert_eq!(task.cancel(), CancelOutcome::Requested);
    assert!(token.is_cancelled());
}

#[test]
fn cancelled_makes_a_cancelled_task_also_from_a_box() {
    let token = CancelToken::new();
    token.cancel();
    assert!(TaskError::failed(token.check().unwrap_err()).is_cancelled());
    let (job, task) = Job::from_closure(
        || -> Result<u8, executor_core::BoxError> {
            let token = CancelToken::current();
            token.cancel();
            token.check()?;
            Ok(1)
        },
        JobOptions::default(),
    );
    job.run();
    assert!(task.flatten().wait().unwrap_err().is_cancelled());
}
