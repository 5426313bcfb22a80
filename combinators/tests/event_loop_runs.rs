//! Running, stopping and closing a loop: asyncio's `test_base_events.py` and
//! `test_events.py`.

mod common;
#[path = "common/loops.rs"]
mod loops;

use combinators::{EventLoop, create_task, get_running_loop};
use common::{Broken, Canary, receive};
use executor_core::{TaskError, TaskErrorKind, promise};
use futures::future::{pending, ready};
use loops::{SideLoop, guarded, one_round, telling};
use std::cell::Cell;
use std::sync::mpsc;

/// CPython: test_events.py::test_run_until_complete
#[test]
fn it_returns_the_outcome() {
    guarded(|| {
        let mut event_loop = EventLoop::new();
        let value = event_loop.run_until_complete(ready(Ok::<_, Broken>(7)));
        assert_eq!(value.unwrap(), 7);
        let error = event_loop
            .run_until_complete(ready(Err::<u8, _>(Broken(1))))
            .unwrap_err();
        assert!(error.task_name().unwrap().starts_with("Task-"));
        assert_eq!(error.downcast::<Broken>().unwrap(), Broken(1));
    });
}

/// The future, its output and what it borrows need be neither `'static` nor `Send`.
#[test]
fn it_takes_a_future_that_borrows() {
    guarded(|| {
        let mut event_loop = EventLoop::new();
        let (text, count) = (String::from("borrowed"), Cell::new(0));
        let length = event_loop.run_until_complete(async {
            count.set(count.get() + 1);
            Ok::<_, Broken>(text.as_str())
        });
        assert_eq!((length.unwrap(), count.get()), ("borrowed", 1));
    });
}

/// CPython: test_base_events.py::test_run_until_complete_baseexception
#[test]
fn a_panic_is_an_error_and_leaves_no_stale_stop() {
    guarded(|| {
        let mut event_loop = EventLoop::new();
        let error = event_loop
            .run_until_complete(async {
                ready(()).await;
                if true {
                    panic!("no luck")
                }
                Ok::<_, Broken>(())
            })
            .unwrap_err();
        assert_eq!(error.panic_report().unwrap().message(), "no luck");

        // Several rounds, so that a stop left behind would be seen.
        let handle = event_loop.handle();
        let (tell, told) = mpsc::channel();
        let again = handle.clone();
        handle
            .call_soon(move || {
                let last = again.clone();
                again
                    .call_soon(move || {
                        tell.send(()).unwrap();
                        last.stop();
                    })
                    .unwrap();
            })
            .unwrap();
        event_loop.run_forever().unwrap();
        assert_eq!(told.try_iter().count(), 1);
    });
}

/// CPython: test_base_events.py::test_run_until_complete_loop_orphan_future_close_loop
#[test]
fn what_a_run_leaves_behind_does_not_end_the_next() {
    guarded(|| {
        let mut event_loop = EventLoop::new();
        let handle = event_loop.handle();
        let stopper = handle.clone();
        handle.call_soon(move || stopper.stop()).unwrap();
        let (promise, task) = promise::<u8>("late");
        let stopped = event_loop.run_until_complete(task);
        assert!(stopped.unwrap_err().is_invalid_state());
        // Its end is nobody's affair any more.
        promise.resolve(Ok(1));
        let value = event_loop.run_until_complete(async {
            create_task(ready(())).await?;
            Ok::<_, TaskError>(2)
        });
        assert_eq!(value.unwrap(), 2);
    });
}

/// CPython: test_base_events.py::test_run_until_complete_loop_orphan_future_close_loop:
/// nor does a stop that comes together with the end.
#[test]
fn a_stop_that_comes_with_the_end_is_not_for_the_next_run() {
    guarded(|| {
        for in_the_last_round in [false, true] {
            let mut event_loop = EventLoop::new();
            let handle = event_loop.handle();
            let first = event_loop.run_until_complete(async {
                match in_the_last_round {
                    true => drop(handle.call_soon({
                        let handle = handle.clone();
                        move || handle.stop()
                    })),
                    false => handle.stop(),
                }
                Ok::<_, Broken>(1)
            });
            assert_eq!(first.unwrap(), 1);
            let second = event_loop.run_until_complete(async {
                for _ in 0..3 {
                    create_task(ready(())).await?;
                }
                Ok::<_, TaskError>(2)
            });
            assert_eq!(second.unwrap(), 2);
        }
    });
}

/// CPython: test_tasks.py::test_stop_while_run_in_complete,
/// test_events.py::test_run_until_complete_stopped
#[test]
fn stopped_first_it_says_so_and_the_task_can_be_resumed() {
    guarded(|| {
        let mut event_loop = EventLoop::new();
        let handle = event_loop.handle();
        let (promise, go_on) = promise::<u8>("go on");
        let (tell, told) = mpsc::channel();
        let mut task = handle.run_coroutine_threadsafe(async move {
            let mut go_on = go_on;
            for turn in 0.. {
                tell.send(turn).unwrap();
                let mut yielded = false;
                let next = std::future::poll_fn(|context| {
                    if std::mem::replace(&mut yielded, true) {
                        return std::task::Poll::Ready(());
                    }
                    context.waker().wake_by_ref();
                    std::task::Poll::Pending
                });
                next.await;
                if go_on.is_done() {
                    break;
                }
            }
            go_on.try_result()
        });
        let stopper = handle.clone();
        handle.call_soon(move || stopper.stop()).unwrap();
        let error = event_loop.run_until_complete(&mut task).unwrap_err();
        let message = "Event loop stopped before Future completed.";
        assert!(error.to_string().contains(message), "{error}");
        assert_eq!(error.kind(), TaskErrorKind::InvalidState);
        assert!(!task.is_done());
        assert!(told.try_iter().count() >= 1, "it had begun");
        promise.resolve(Ok(5));
        assert_eq!(event_loop.run_until_complete(&mut task).unwrap(), 5);
    });
}

/// CPython: test_events.py::test_run_until_complete_nesting
#[test]
fn a_loop_inside_a_loop_is_an_error() {
    guarded(|| {
        let mut outer = EventLoop::new();
        let errors = outer.run_until_complete(async {
            let mut inner = EventLoop::new();
            let until_complete = inner.run_until_complete(ready(Ok::<_, Broken>(())));
            let forever = inner.run_forever();
            Ok::<_, Broken>([until_complete.unwrap_err(), forever.unwrap_err()])
        });
        for error in errors.unwrap() {
            assert_eq!(error.kind(), TaskErrorKind::InvalidState);
            let message = "while another loop is running";
            assert!(error.to_string().contains(message), "{error}");
        }
        // In a callback as well; and afterwards all is as it was.
        let (tell, told) = mpsc::channel();
        let handle = outer.handle();
        handle
            .call_soon(move || tell.send(EventLoop::new().run_forever().is_err()).unwrap())
            .unwrap();
        one_round(&mut outer);
        assert!(told.try_recv().unwrap());
        one_round(&mut EventLoop::new());
    });
}

/// A coroutine of the shared runtime runs on a loop of sorts, too.
#[test]
fn a_loop_inside_a_coroutine_of_the_runtime_is_an_error() {
    let error = create_task(async { EventLoop::new().run_forever().unwrap_err() });
    assert!(common::run(error).unwrap().is_invalid_state());
}

/// Seed 002: `call_soon` and coroutines wait until somebody runs the loop, in
/// whatever thread; S17.
#[test]
fn it_may_be_moved_to_another_thread_and_back() {
    guarded(|| {
        let event_loop = EventLoop::new();
        let handle = event_loop.handle();
        let here = std::thread::current().id();
        let thread = || async { Ok::<_, Broken>(std::thread::current().id()) };
        let early = handle.run_coroutine_threadsafe(thread());
        assert!(!handle.is_running());
        let side = SideLoop::run(event_loop);
        assert_ne!(early.wait().unwrap(), here, "a new loop is waited for");
        assert!(handle.is_running());
        let mut event_loop = side.stop();
        assert!(!handle.is_running());
        assert_eq!(event_loop.run_until_complete(thread()).unwrap(), here);
    });
}

/// Seed 002: a done callback stops the loop; S16.
#[test]
fn a_done_callback_may_stop_it() {
    guarded(|| {
        let mut event_loop = EventLoop::new();
        let handle = event_loop.handle();
        let (tell, told) = mpsc::channel();
        let task = handle.create_task(async { "func1" });
        let stopper = handle.clone();
        task.add_done_callback(move |result| {
            tell.send(*result.unwrap()).unwrap();
            stopper.stop();
        });
        event_loop.run_forever().unwrap();
        assert_eq!(told.try_recv().unwrap(), "func1");
        assert_eq!(task.wait().unwrap(), "func1");
    });
}

/// CPython: test_base_events.py::test_run_forever_pre_stopped,
/// and the rule that a round is finished before the loop stops.
#[test]
fn stop_lets_the_present_round_finish() {
    guarded(|| {
        let mut event_loop = EventLoop::new();
        let handle = event_loop.handle();
        let (tell, told) = mpsc::channel();
        let send = |n: u8| {
            let tell = tell.clone();
            move || tell.send(n).unwrap()
        };
        let (stopper, third) = (handle.clone(), send(3));
        handle
            .call_soon(move || {
                stopper.call_soon(third).unwrap();
                stopper.stop();
            })
            .unwrap();
        handle.call_soon(send(2)).unwrap();
        event_loop.run_forever().unwrap();
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [2]);
        one_round(&mut event_loop);
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [3]);
        one_round(&mut event_loop);
        assert_eq!(told.try_iter().count(), 0);
    });
}

/// What the future schedules before it ends is done, as in Python.
#[test]
fn what_was_scheduled_before_the_end_is_called() {
    guarded(|| {
        let mut event_loop = EventLoop::new();
        let (tell, told) = mpsc::channel();
        let run = event_loop.run_until_complete(async {
            let handle = get_running_loop().unwrap();
            handle.call_soon(move || tell.send(()).unwrap()).unwrap();
            Ok::<_, Broken>(())
        });
        run.unwrap();
        assert_eq!(told.try_iter().count(), 1);
    });
}

/// The future that a run is for is a task: it has a name and can be cancelled.
#[test]
fn the_future_of_a_run_is_a_task() {
    guarded(|| {
        let mut event_loop = EventLoop::new();
        let (canary, dropped) = Canary::new();
        let outcome = event_loop.run_until_complete(async move {
            let _canary = canary;
            let this = combinators::current_task().unwrap();
            assert_eq!(combinators::all_tasks(), std::slice::from_ref(&this));
            this.cancel();
            pending::<Result<(), Broken>>().await
        });
        receive(&dropped);
        assert!(outcome.unwrap_err().is_cancelled());
    });
}

/// A deadlock detected by the compiler: no two threads run one loop.
#[test]
fn a_loop_is_send() {
    fn is_send<T: Send>() {}
    fn is_sync<T: Sync>() {}
    is_send::<EventLoop>();
    is_send::<combinators::Runner>();
    is_send::<combinators::Handle>();
    is_sync::<combinators::Handle>();
    is_send::<combinators::CallHandle>();
    is_sync::<combinators::CallHandle>();
    is_send::<combinators::ExceptionContext>();
    is_sync::<combinators::ExceptionContext>();
}

/// Its own wish to stop does not leave out what the future had scheduled.
#[test]
fn a_future_that_stops_the_loop_and_ends_has_its_callbacks_called() {
    guarded(|| {
        let mut event_loop = EventLoop::new();
        let handle = event_loop.handle();
        let (tell, told) = std::sync::mpsc::channel();
        let callback = |n| telling(&tell, n);
        let outcome = event_loop.run_until_complete(async {
            handle.call_soon(callback(1)).unwrap();
            handle.stop();
            handle.call_soon(callback(2)).unwrap();
            Ok::<_, TaskError>(7)
        });
        assert_eq!(outcome.unwrap(), 7);
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [1, 2]);
        // The wish was for that run alone.
        handle.call_soon(callback(3)).unwrap();
        event_loop
            .run_until_complete(async { Ok::<_, TaskError>(()) })
            .unwrap();
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [3]);
    });
}
