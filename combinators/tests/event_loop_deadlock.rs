//! What would block for ever is an error.

mod common;
#[path = "common/loops.rs"]
mod loops;

use combinators::{EventLoop, create_task, current_task, ensure_future, get_running_loop};
use common::{Broken, DEADLINE, receive};
use executor_core::{Task, TaskError, TaskErrorKind, promise};
use futures::future::{pending, ready};
use loops::{SideLoop, guarded, one_round};
use std::sync::{Arc, Barrier, mpsc};
use std::time::Duration;

fn assert_deadlock(error: &TaskError, why: &str) {
    assert_eq!(error.kind(), TaskErrorKind::WouldDeadlock, "{error}");
    assert!(error.to_string().contains(why), "{error}");
    assert!(error.task_name().unwrap().starts_with("Task-"));
}

/// Blocking the loop's thread for what only that thread can do.
#[test]
fn blocking_the_loops_own_thread_is_an_error() {
    guarded(|| {
        let mut event_loop = EventLoop::new();
        let why = "on the very thread that blocks";
        let errors = event_loop.run_until_complete(async {
            let handle = get_running_loop().unwrap();
            let task = || handle.run_coroutine_threadsafe(pending::<Result<(), Broken>>());
            let mut again = task();
            let limited = again.wait_timeout(DEADLINE).unwrap();
            assert!(!again.is_done(), "the task is as it was");
            let flattened = handle
                .create_task(pending::<Result<(), Broken>>())
                .flatten();
            Ok::<_, TaskError>([
                task().wait(),
                create_task(pending()).wait(),
                limited,
                task().wait_or_cancel(DEADLINE),
                flattened.wait(),
            ])
        });
        for error in errors.unwrap() {
            assert_deadlock(&error.unwrap_err(), why);
        }
        // In a callback too.
        let handle = event_loop.handle();
        let (tell, told) = mpsc::channel();
        let task = handle.create_task(pending::<()>());
        handle
            .call_soon(move || tell.send(task.wait().unwrap_err()).unwrap())
            .unwrap();
        one_round(&mut event_loop);
        assert_deadlock(&told.try_recv().unwrap(), why);
    });
}

/// But not for what others do.
#[test]
fn blocking_the_loops_thread_for_others_is_allowed() {
    guarded(|| {
        let other = SideLoop::start();
        let outcome = EventLoop::new().run_until_complete(async {
            let theirs = other
                .handle
                .run_coroutine_threadsafe(ready(Ok::<_, Broken>(1)));
            let job = combinators::run_in_executor(None, |n: u8| n, 2);
            Ok::<_, TaskError>((theirs.wait()?, job.wait()?))
        });
        assert_eq!(outcome.unwrap(), (1, 2));
    });
}

#[test]
fn a_task_of_a_stopped_loop_is_not_waited_for() {
    guarded(|| {
        let mut event_loop = EventLoop::new();
        let handle = event_loop.handle();
        let mut task = handle.run_coroutine_threadsafe(async { Ok::<_, Broken>(current_task()) });
        let early = handle.create_task(pending::<()>());
        assert!(
            task.wait_timeout(Duration::ZERO).is_none(),
            "a new one may be run yet"
        );
        one_round(&mut event_loop);
        assert!(task.wait().is_ok(), "it was done in that round");
        assert_deadlock(&early.wait().unwrap_err(), "was stopped");
        let late = handle.create_task(pending::<()>());
        assert_deadlock(&late.wait().unwrap_err(), "was stopped");
        // Run again, it is as good as new.
        let mut task = handle.create_task(ready(5));
        assert_deadlock(
            &task.wait_timeout(DEADLINE).unwrap().unwrap_err(),
            "stopped",
        );
        assert_eq!(event_loop.run_until_complete(&mut task).unwrap(), 5);
    });
}

/// Whoever waits already when the loop stops is woken and told.
#[test]
fn waiting_threads_are_told_that_the_loop_was_stopped() {
    for _ in 0..20 {
        let side = SideLoop::start();
        let (tell, told) = mpsc::channel();
        let start = Arc::new(Barrier::new(11));
        let threads: Vec<_> = (0..10)
            .map(|n| {
                let task = side
                    .handle
                    .run_coroutine_threadsafe(pending::<Result<(), Broken>>());
                let (tell, start) = (tell.clone(), start.clone());
                std::thread::spawn(move || {
                    start.wait();
                    let mut task = task;
                    tell.send(match n % 2 {
                        0 => task.wait(),
                        _ => task.wait_timeout(10 * DEADLINE).unwrap(),
                    })
                    .unwrap();
                })
            })
            .collect();
        start.wait();
        let event_loop = side.stop();
        for _ in 0..10 {
            assert_deadlock(&receive(&told).unwrap_err(), "was stopped");
        }
        threads.into_iter().for_each(|t| t.join().unwrap());
        drop(event_loop);
    }
}

/// Whoever waits for a loop that was never run is told when it is closed.
#[test]
fn waiting_threads_are_told_that_the_loop_was_closed() {
    for _ in 0..20 {
        let event_loop = EventLoop::new();
        let task = event_loop.handle().create_task(pending::<()>());
        let start = Arc::new(Barrier::new(2));
        let go = start.clone();
        let (tell, told) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            go.wait();
            tell.send(task.wait()).unwrap();
        });
        start.wait();
        drop(event_loop);
        assert!(receive(&told).unwrap_err().is_cancelled());
        thread.join().unwrap();
    }
}

/// All threads of the runtime could block for each other.
#[test]
fn a_coroutine_of_the_runtime_that_blocks_for_another_is_an_error() {
    let why = "blocks a thread of the runtime";
    let (keep, go_on) = promise::<()>("go on");
    let outer = create_task(async move {
        let inner = create_task(go_on);
        let mut limited = create_task(pending::<()>());
        [
            inner.wait().unwrap_err(),
            limited.wait_timeout(DEADLINE).unwrap().unwrap_err(),
            ensure_future(pending::<Result<(), Broken>>())
                .wait()
                .unwrap_err(),
        ]
    });
    for error in common::run(outer).unwrap() {
        assert_deadlock(&error, why);
    }
    keep.resolve(Ok(()));

    // In a done callback, too, since it runs there.
    let (tell, told) = mpsc::channel();
    let (begin, may_begin) = promise::<()>("begin");
    let task = create_task(may_begin);
    task.add_done_callback(move |_| {
        let inner = create_task(pending::<()>());
        tell.send(inner.wait().unwrap_err()).unwrap();
    });
    begin.resolve(Ok(()));
    assert_deadlock(&receive(&told), why);
    common::run(task).unwrap().unwrap();
}

/// What others do may be blocked for: jobs, and coroutines of a loop.
#[test]
fn a_coroutine_of_the_runtime_may_block_for_others() {
    let side = SideLoop::start();
    let handle = side.handle.clone();
    let outer = create_task(async move {
        let job = combinators::run_in_executor(None, |n: u8| n, 1).wait()?;
        let coroutine = handle.create_task(ready(2)).wait()?;
        Ok::<_, TaskError>(job + coroutine)
    });
    assert_eq!(common::run(outer).unwrap().unwrap(), 3);
}

/// What `close` calls may block for what `close` would get to next: a `Drop` and the
/// exception handler.
#[test]
fn blocking_a_close_for_what_it_has_yet_to_cancel_is_an_error() {
    struct Waits<T: Send + 'static>(Option<Task<T>>, mpsc::Sender<TaskError>);
    impl<T: Send + 'static> Waits<T> {
        fn wait(&mut self) {
            if let Some(Err(error)) = self.0.take().map(Task::wait) {
                self.1.send(error).unwrap();
            }
        }
    }
    impl<T: Send + 'static> Drop for Waits<T> {
        fn drop(&mut self) {
            self.wait();
        }
    }
    let why = "is being closed by the very thread";
    guarded(move || {
        let event_loop = EventLoop::new();
        let handle = event_loop.handle();
        let (tell, told) = mpsc::channel();
        let (give, given) = promise("what it holds");
        let first = handle.create_task(async move {
            let _waits: Result<Waits<()>, _> = given.await;
        });
        let second = handle.create_task(pending::<()>());
        give.resolve(Ok(Waits(Some(second), tell)));
        drop(event_loop);
        assert_deadlock(&told.try_recv().unwrap(), why);
        assert!(first.is_cancelled());

        let event_loop = EventLoop::new();
        let handle = event_loop.handle();
        let (tell, told) = mpsc::channel();
        let task = handle.create_task(pending::<()>());
        let waits = std::sync::Mutex::new(Waits(Some(task), tell));
        handle.set_exception_handler(move |_| waits.lock().unwrap().wait());
        drop(event_loop);
        assert_deadlock(&told.try_recv().unwrap(), why);
        // It is another matter for other threads, and once it is closed.
        assert!(handle.all_tasks().is_empty());
    });
}

/// In vain or not: what was not to be waited for any longer is cancelled.
#[test]
fn wait_or_cancel_cancels_what_it_cannot_wait_for() {
    guarded(|| {
        let mut event_loop = EventLoop::new();
        let handle = event_loop.handle();
        one_round(&mut event_loop);
        let (tell, told) = mpsc::channel();
        let begun = tell.clone();
        let stopped = handle.create_task(async move { begun.send("on a stopped loop") });
        let error = stopped.wait_or_cancel(DEADLINE).unwrap_err();
        assert_deadlock(&error, "was stopped");
        let outcome = event_loop.run_until_complete(async {
            let own = combinators::create_task(async move { tell.send("on its own thread") });
            let error = own.wait_or_cancel(DEADLINE).unwrap_err();
            assert_deadlock(&error, "the very thread");
            for _ in 0..3 {
                combinators::create_task(ready(())).await?;
            }
            Ok::<_, TaskError>(())
        });
        outcome.unwrap();
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [""; 0]);
    });
}
