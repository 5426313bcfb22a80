//! A loop and its executors: asyncio's `test_run_in_executor*`,
//! `test_set_default_executor*` and `test_shutdown_default_executor*`.

mod common;
#[path = "common/loops.rs"]
mod loops;

use combinators::{EventLoop, create_task, gather, get_running_loop, run_in_executor, to_thread};
use common::{DEADLINE, ThreadPerJob, receive};
use executor_core::{
    Executor, ExecutorExt as _, Inline, Job, Shutdown, ShutdownReport, Task, TaskError,
};
use loops::{SideLoop, guarded};
use pool_thread::ThreadPool;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

fn thread(_: ()) -> String {
    let thread = std::thread::current();
    thread.name().unwrap_or_default().to_owned()
}

/// CPython: test_events.py::test_run_in_executor; S1
#[test]
fn the_default_is_a_thread_pool_of_the_loops_own() {
    guarded(|| {
        let mut event_loop = EventLoop::new();
        let names = event_loop.run_until_complete(gather(
            (0..20).map(|_| event_loop.handle().run_in_executor(None, thread, ())),
        ));
        let inside =
            event_loop.run_until_complete(async { run_in_executor(None, thread, ()).await });
        for name in names.unwrap().into_iter().chain([inside.unwrap()]) {
            assert!(name.starts_with("asyncio_"), "{name}");
        }
    });
}

/// Seed 002: from the main thread, with the loop elsewhere, three calls at the same
/// time; S13
#[test]
fn it_is_called_from_any_thread() {
    static MEET: std::sync::Barrier = std::sync::Barrier::new(3);
    fn meet(n: u8) -> u8 {
        MEET.wait();
        n
    }
    let side = SideLoop::start();
    let tasks: Vec<_> = (0..3)
        .map(|n| side.handle.run_in_executor(None, meet, n))
        .collect();
    let values: Vec<_> = tasks.into_iter().map(|task| task.wait().unwrap()).collect();
    assert_eq!(values, [0, 1, 2]);
}

/// CPython: test_base_events.py::test_set_default_executor; but any executor will do
#[test]
fn any_executor_may_be_the_default() {
    guarded(|| {
        let mut event_loop = EventLoop::new();
        let handle = event_loop.handle();
        let pool = ThreadPool::builder().max_workers(1).name("mine").build();
        handle.set_default_executor(pool.unwrap());
        let name = handle.run_in_executor(None, thread, ()).wait().unwrap();
        assert_eq!(name, "mine_0");

        handle.set_default_executor(Inline::new());
        let here = std::thread::current();
        let name = event_loop.run_until_complete(async { run_in_executor(None, thread, ()).await });
        assert_eq!(Some(&*name.unwrap()), here.name());

        handle.set_default_executor(Box::new(ThreadPerJob::default()) as Box<dyn Executor>);
        assert_eq!(
            handle.run_in_executor(None, |n: u8| n, 1).wait().unwrap(),
            1
        );
        let named = handle.run_in_executor(Some(&Inline::new()), |n: u8| n, 2);
        assert_eq!(named.wait().unwrap(), 2);
    });
}

/// `to_thread` uses the loop's threads, and those of the process where the loop was
/// given an executor of another sort.
#[test]
fn closures_run_on_threads_whatever_the_default_is() {
    guarded(|| {
        let mut event_loop = EventLoop::new();
        let handle = event_loop.handle();
        let name = event_loop.run_until_complete(async { to_thread(|| thread(())).await });
        assert!(name.unwrap().starts_with("asyncio_"));
        handle.set_default_executor(Shelf::default());
        let name = event_loop.run_until_complete(async { to_thread(|| thread(())).await });
        assert!(name.unwrap().starts_with("asyncio_"));
        handle.shutdown_default_executor(Duration::ZERO).detach();
        let refused = event_loop.run_until_complete(async { to_thread(|| ()).await });
        assert!(refused.unwrap_err().is_rejected());
    });
}

/// An executor that counts what is asked of it and runs nothing.
#[derive(Clone, Default)]
struct Shelf(Arc<(Mutex<Vec<Job>>, AtomicUsize)>);

impl Executor for Shelf {
    fn execute(&self, job: Job) {
        self.0.0.lock().unwrap().push(job);
    }
    fn shutdown(&self, how: Shutdown) -> Task<ShutdownReport> {
        assert_eq!(how, Shutdown::drain());
        self.0.1.fetch_add(1, Ordering::SeqCst);
        let (promise, task) = executor_core::promise("shutdown of the shelf");
        // Stuck for ever.
        std::mem::forget(promise);
        task
    }
    fn concurrency(&self) -> usize {
        1
    }
}

/// CPython: test_base_events.py::test_shutdown_default_executor_timeout: a bounded
/// wait, and not a hang
#[test]
fn a_worker_that_is_stuck_is_not_waited_for() {
    guarded(|| {
        let mut event_loop = EventLoop::new();
        let handle = event_loop.handle();
        let shelf = Shelf::default();
        handle.set_default_executor(shelf.clone());
        let job = handle.run_in_executor(None, |n: u8| n, 1);
        let limit = Duration::from_millis(5);
        let ended = event_loop.run_until_complete(handle.shutdown_default_executor(limit));
        assert!(ended.unwrap_err().is_timed_out());
        assert_eq!(shelf.0.1.load(Ordering::SeqCst), 1);
        assert!(!job.is_done(), "it is left as it is");
        let refused = handle.run_in_executor(None, |n: u8| n, 1).wait();
        assert!(refused.unwrap_err().is_rejected());
        drop(shelf.0.0.lock().unwrap().pop());
        assert!(job.wait().is_err());
    });
}

/// CPython: test_base_events.py::test_shutdown_default_executor: jobs at hand finish
#[test]
fn shutdown_waits_for_the_jobs_at_hand() {
    guarded(|| {
        let never_made = EventLoop::new().handle();
        let report = never_made.shutdown_default_executor(DEADLINE).wait();
        assert_eq!(report.unwrap(), ShutdownReport::default());

        let mut event_loop = EventLoop::new();
        let handle = event_loop.handle();
        let pool = ThreadPool::builder().max_workers(1).build().unwrap();
        handle.set_default_executor(pool.clone());
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let blocked = pool.spawn(move || receive(&may_go_on));
        let queued = handle.run_in_executor(None, |n: u8| n, 7);
        let mut ending = handle.shutdown_default_executor(DEADLINE);
        assert!(ending.wait_timeout(Duration::from_millis(5)).is_none());
        go_on.send(()).unwrap();
        let report = event_loop.run_until_complete(&mut ending).unwrap();
        assert_eq!(report.finished, 2);
        blocked.wait().unwrap();
        assert_eq!(queued.wait().unwrap(), 7);
        assert!(pool.submit(|n: u8| n, 1).wait().unwrap_err().is_rejected());
    });
}

/// Closing the loop shuts down nobody else's pool, and loses no job.
#[test]
fn closing_the_loop_drops_its_handle_of_the_executor() {
    let pool = ThreadPool::builder().max_workers(1).build().unwrap();
    let mut event_loop = EventLoop::new();
    event_loop.handle().set_default_executor(pool.clone());
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let blocked = pool.spawn(move || receive(&may_go_on));
    let queued = event_loop.handle().run_in_executor(None, |n: u8| n, 7);
    let lazily = EventLoop::new()
        .handle()
        .run_in_executor(None, |n: u8| n, 8);
    assert_eq!(lazily.wait().unwrap(), 8, "though its loop is gone");
    event_loop.close();
    go_on.send(()).unwrap();
    blocked.wait().unwrap();
    assert_eq!(queued.wait().unwrap(), 7);
    assert_eq!(pool.submit(|n: u8| n, 9).wait().unwrap(), 9);
}

/// Seed 002, G8: jobs and coroutines of both sorts in one gather, in a side thread's
/// loop.
#[test]
fn jobs_and_coroutines_mix_in_a_side_loop() {
    let side = SideLoop::start();
    let handle = side.handle.clone();
    let main = side.handle.run_coroutine_threadsafe(async move {
        let name = |name: &'static str| async move { Ok::<_, TaskError>(name.to_owned()) };
        let echo = |url: String| url;
        gather([
            handle.create_task(name("func1")).flatten(),
            handle.run_coroutine_threadsafe(name("func2")),
            handle.run_in_executor(None, echo, "www.baidu.com".to_owned()),
            run_in_executor(None, echo, "www.yangyanxing.com".to_owned()),
            combinators::ensure_future(name("func1")),
            combinators::ensure_future(name("func2")),
        ])
        .await
    });
    let urls = ["www.baidu.com", "www.yangyanxing.com"];
    let names = ["func1", "func2"];
    let expected = [names, urls, names].concat();
    assert_eq!(main.wait().unwrap(), expected);
}

/// A coroutine that blocks for a job of the pool whose worker runs its loop: the
/// worker runs the job meanwhile, which is none of the loop's, and may have its own.
#[test]
fn a_job_that_is_run_meanwhile_is_outside_the_loop() {
    guarded(|| {
        let pool = ThreadPool::builder().max_workers(1).build().unwrap();
        let inner = pool.clone();
        let outer = pool.spawn(move || {
            combinators::run(async move {
                let this = get_running_loop().unwrap();
                let job = inner.spawn(move || {
                    let outside = get_running_loop().is_none();
                    // To block for the other one is in vain all the same.
                    let stuck = this.create_task(async { 1 }).wait().unwrap_err();
                    let own = combinators::run(async {
                        let handle = get_running_loop().unwrap();
                        let task = create_task(async { 2 });
                        Ok::<_, TaskError>((handle.all_tasks().len(), task.await?))
                    });
                    (outside, stuck, own, get_running_loop().is_none())
                });
                let (outside, stuck, own, again) = job.wait()?;
                assert!(outside && again && get_running_loop().is_some());
                assert!(stuck.is_would_deadlock(), "{stuck}");
                assert_eq!(own?, (2, 2), "main and the task");
                create_task(async { 3 }).await
            })
        });
        assert_eq!(outer.wait().unwrap().unwrap(), 3);
    });
}

/// In CPython too, a shutdown of the default executor is final.
#[test]
fn an_executor_that_is_set_after_the_shutdown_is_not_used() {
    guarded(|| {
        let event_loop = EventLoop::new();
        let handle = event_loop.handle();
        let shutdown = handle.shutdown_default_executor(DEADLINE);
        shutdown.wait().unwrap();
        handle.set_default_executor(Inline::new());
        let refused = handle.run_in_executor(None, |n: u8| n, 1);
        let error = refused.wait().unwrap_err();
        assert!(error.is_rejected());
        assert!(error.to_string().contains("has been shut down"), "{error}");
    });
}
