//! Coroutines of a loop, from and for other threads: asyncio's
//! `RunCoroutineThreadsafeTests` and `test_free_threading.py`.

mod common;
#[path = "common/loops.rs"]
mod loops;

use combinators::{EventLoop, Handle, all_tasks, create_task, current_task, ensure_future, gather};
use common::{Broken, Canary, receive};
use executor_core::{CancelOutcome, Task, TaskError, promise};
use futures::future::{pending, ready};
use loops::{SideLoop, guarded};
use std::sync::{Arc, Barrier, mpsc};
use std::thread::ThreadId;
use std::time::Duration;

fn here() -> ThreadId {
    std::thread::current().id()
}

/// CPython: test_tasks.py::test_run_coroutine_threadsafe, _with_exception
#[test]
fn value_and_error_reach_the_thread_that_waits() {
    let side = SideLoop::start();
    let value = side
        .handle
        .run_coroutine_threadsafe(async { "7".parse::<u8>() });
    assert_eq!(value.wait().unwrap(), 7);
    let error = side
        .handle
        .run_coroutine_threadsafe(async { Err::<(), _>(Broken(3)) });
    assert_eq!(
        error.wait().unwrap_err().downcast::<Broken>().unwrap(),
        Broken(3)
    );
    let panic = side.handle.create_task(async { panic!("no luck") });
    assert!(panic.wait().unwrap_err().is_panicked());
    let same = promise::<u8>("given").1;
    let id = same.id();
    let task: Task<u8> = side.handle.run_coroutine_threadsafe(same);
    assert_eq!(task.id(), id, "a task is one already");
}

/// Python's cannot be awaited; S11
#[test]
fn it_can_be_awaited_and_has_callbacks() {
    let side = SideLoop::start();
    let (tell, told) = mpsc::channel();
    let task = side
        .handle
        .run_coroutine_threadsafe(ready(Ok::<_, Broken>(1)));
    task.add_done_callback(move |value| tell.send(*value.unwrap()).unwrap());
    assert_eq!(common::run(task).unwrap(), 1);
    assert_eq!(receive(&told), 1);
}

/// CPython: test_tasks.py::test_run_coroutine_threadsafe_task_cancelled, with
/// _timeout: the coroutine is cancelled in the loop
#[test]
fn cancel_reaches_the_coroutine_in_its_loop() {
    let side = SideLoop::start();
    for by_limit in [false, true] {
        let (tell, told) = mpsc::channel();
        let (canary, dropped) = Canary::new();
        let task = side.handle.run_coroutine_threadsafe(async move {
            struct WhereDropped(mpsc::Sender<ThreadId>);
            impl Drop for WhereDropped {
                fn drop(&mut self) {
                    self.0.send(here()).unwrap();
                }
            }
            let _canary = (canary, WhereDropped(tell.clone()));
            tell.send(here()).unwrap();
            pending::<Result<(), Broken>>().await
        });
        let thread = receive(&told);
        assert_ne!(thread, here());
        let error = match by_limit {
            true => task.wait_or_cancel(Duration::from_millis(5)).unwrap_err(),
            false => {
                assert_eq!(task.cancel(), CancelOutcome::Requested);
                task.wait().unwrap_err()
            }
        };
        assert_eq!(error.is_timed_out(), by_limit);
        assert_eq!(error.is_cancelled(), !by_limit);
        receive(&dropped);
        assert_eq!(receive(&told), thread, "dropped on the loop's thread");
    }
}

/// CPython: test_free_threading.py::test_run_coroutine_threadsafe,
/// test_run_coroutine_threadsafe_exception
#[test]
fn ten_threads_submit_to_ten_loops() {
    let sides: Vec<_> = (0..10).map(|_| SideLoop::start()).collect();
    let start = Arc::new(Barrier::new(10));
    let threads: Vec<_> = (0..10_u32)
        .map(|thread| {
            let handles: Vec<Handle> = sides.iter().map(|side| side.handle.clone()).collect();
            let start = start.clone();
            std::thread::spawn(move || {
                start.wait();
                for n in 0..10 {
                    let number = thread * 10 + n;
                    let coroutine = |fails: bool| async move {
                        let inner = create_task(ready(number));
                        match fails {
                            true => Err(Broken(inner.await.unwrap())),
                            false => Ok(inner.await.unwrap()),
                        }
                    };
                    for handle in &handles {
                        let value = handle.run_coroutine_threadsafe(coroutine(false));
                        let error = handle.run_coroutine_threadsafe(coroutine(true));
                        assert_eq!(value.wait().unwrap(), number);
                        let error = error.wait().unwrap_err().downcast::<Broken>();
                        assert_eq!(error.unwrap(), Broken(number));
                    }
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|t| t.join().unwrap());
}

/// On a loop's thread the free functions use that loop.
#[test]
fn on_its_thread_everything_starts_on_the_loop() {
    guarded(|| {
        let mut event_loop = EventLoop::new();
        let threads = event_loop.run_until_complete(async {
            let thread = || ready(Ok::<_, Broken>(here()));
            let created = create_task(async { here() }).await?;
            let ensured = ensure_future(thread()).await?;
            let gathered = gather([thread(), thread()]).await?;
            let nested = create_task(async { create_task(async { here() }).await });
            let nested = nested.await??;
            Ok::<_, TaskError>([vec![created, ensured, nested], gathered].concat())
        });
        assert_eq!(threads.unwrap(), vec![here(); 5]);
        let elsewhere = create_task(async { here() }).wait().unwrap();
        assert_ne!(elsewhere, here(), "the runtime's, outside of the loop");
    });
}

/// The runtime's timers and I/O are at work on the loop's thread.
#[test]
fn wait_for_works_inside() {
    guarded(|| {
        let mut event_loop = EventLoop::new();
        let error = event_loop.run_until_complete(async {
            let never = pending::<Result<(), Broken>>();
            combinators::wait_for(never, Duration::from_millis(5)).await
        });
        assert!(error.unwrap_err().is_timed_out());
    });
}

#[test]
fn the_current_task_is_known_in_coroutines_and_nowhere_else() {
    guarded(|| {
        let side = SideLoop::start();
        let task = side.handle.create_task(async {
            let first = current_task();
            create_task(ready(())).await.unwrap();
            (first, current_task())
        });
        let this = task.reference();
        let (first, second) = task.wait().unwrap();
        assert_eq!(
            (first.as_ref(), second.as_ref()),
            (Some(&this), Some(&this))
        );
        let (tell, told) = mpsc::channel();
        side.handle
            .call_soon(move || tell.send(current_task().is_none()).unwrap())
            .unwrap();
        assert!(receive(&told));
        assert!(current_task().is_none());
        let shared = create_task(async { current_task() });
        let this = shared.reference();
        assert_eq!(shared.wait().unwrap(), Some(this));
    });
}

/// CPython: test_free_threading.py::test_all_tasks_race
#[test]
fn all_tasks_lists_each_loops_own() {
    let start = Arc::new(Barrier::new(10));
    let threads: Vec<_> = (0..10)
        .map(|_| {
            let start = start.clone();
            std::thread::spawn(move || {
                start.wait();
                let listed = EventLoop::new().run_until_complete(async {
                    let mut tasks: Vec<_> = (0..20).map(|_| create_task(pending::<()>())).collect();
                    let this = current_task().unwrap();
                    for left in (0..20).rev() {
                        let task = tasks.pop().unwrap();
                        task.cancel();
                        assert!(task.await.unwrap_err().is_cancelled());
                        let all = all_tasks();
                        assert_eq!(all.len(), left + 1);
                        assert!(all.contains(&this));
                        assert!(tasks.iter().all(|task| all.contains(&task.reference())));
                    }
                    Ok::<_, TaskError>(all_tasks())
                });
                assert_eq!(listed.unwrap().len(), 1);
            })
        })
        .collect();
    threads.into_iter().for_each(|t| t.join().unwrap());
}

/// Elsewhere, those of the shared runtime.
#[test]
fn all_tasks_of_the_runtime() {
    let (keep, go_on) = promise::<()>("go on");
    let task = create_task(go_on);
    let this = task.reference();
    assert!(all_tasks().contains(&this));
    let seen = create_task(async { all_tasks().contains(&current_task().unwrap()) });
    assert!(common::run(seen).unwrap());
    keep.resolve(Ok(()));
    common::run(task).unwrap().unwrap();
    assert!(!all_tasks().contains(&this));
}

/// CPython: test_tasks.py::test_task_repr_autogenerated: the numbers grow, across
/// loops
#[test]
fn names_are_numbered_across_loops() {
    let loops = [EventLoop::new(), EventLoop::new()];
    let numbers: Vec<u64> = (0..6)
        .map(|n| {
            let task = loops[n % 2].handle().create_task(ready(()));
            let number = task.name().strip_prefix("Task-").map(str::parse);
            number.unwrap().unwrap()
        })
        .collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
}
