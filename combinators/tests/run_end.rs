//! How a runner ends: what it waits for, and for how long. asyncio's
//! `test_runners.py` and `test_shutdown_default_executor*`.

mod common;
#[path = "common/loops.rs"]
mod loops;

use combinators::{
    EventLoop, Runner, TaskGroup, create_task, get_running_loop, run, run_in_executor, sleep,
    task_group, to_thread,
};
use common::{Broken, Stuck};
use executor_core::{CancelToken, TaskError, promise};
use futures::future::pending;
use loops::{exceptions, guarded};
use pool_thread::ThreadPool;
use std::sync::mpsc;
use std::time::Duration;

/// Tells somebody to go on, when it is dropped.
struct GoOn(mpsc::Sender<()>);

impl Drop for GoOn {
    fn drop(&mut self) {
        self.0.send(()).unwrap();
    }
}

/// A coroutine that is cancelled may have to wait for what it has started elsewhere.
#[test]
fn what_is_left_may_take_its_time_to_end() {
    guarded(|| {
        let mut runner = Runner::new();
        let told = exceptions(&runner.handle());
        let pool = ThreadPool::builder().max_workers(1).build().unwrap();
        let (tell, has_told) = mpsc::channel();
        let main = runner.run(async move {
            let (begun, has_begun) = promise::<()>("begun");
            let (go_on, may_go_on) = mpsc::channel();
            let go_on = GoOn(go_on);
            create_task(task_group(async move |group: TaskGroup| {
                let job = pool.spawn(move || {
                    // To be waited for, it has to be one that may be asked to end.
                    let _token = CancelToken::current();
                    begun.resolve(Ok(()));
                    common::receive(&may_go_on);
                    tell.send("ended").unwrap();
                });
                let job = group.create_task(job);
                let outcome = job.await;
                drop(go_on);
                outcome
            }))
            .detach();
            has_begun.await
        });
        main.unwrap();
        runner.close();
        assert_eq!(has_told.try_recv().unwrap(), "ended");
        assert!(told.try_recv().is_err(), "nothing was destroyed");
    });
}

/// Somebody's `stop`, before or meanwhile, does not keep it from waiting.
#[test]
fn a_stop_does_not_make_the_end_disorderly() {
    struct Stops(combinators::Handle);
    impl Drop for Stops {
        fn drop(&mut self) {
            self.0.stop();
        }
    }
    guarded(|| {
        for meanwhile in [false, true] {
            let mut runner = Runner::new();
            let handle = runner.handle();
            let told = exceptions(&handle);
            let (go_on, may_go_on) = mpsc::channel();
            let job = runner.run(async {
                let job = to_thread(move || common::receive(&may_go_on));
                let stops = meanwhile.then(|| Stops(get_running_loop().unwrap()));
                create_task(async move {
                    let _held = (stops, GoOn(go_on));
                    pending::<()>().await;
                })
                .detach();
                let mut task = create_task(pending::<()>());
                assert!(futures::poll!(&mut task).is_pending());
                task.detach();
                Ok::<_, Broken>(job)
            });
            if !meanwhile {
                handle.stop();
            }
            runner.close();
            assert!(job.unwrap().is_done());
            assert!(told.try_recv().is_err(), "nothing was destroyed");
        }
    });
}

#[test]
fn an_executor_that_is_stuck_is_waited_for_no_longer_than_its_limit() {
    guarded(|| {
        let mut runner = Runner::new().executor_limit(Duration::from_millis(5));
        runner.handle().set_default_executor(Stuck);
        let job = runner.run(async { Ok::<_, Broken>(run_in_executor(None, |n: u8| n, 1)) });
        runner.close();
        assert!(!job.unwrap().is_done());
    });
}

/// So is a coroutine that does not end when it is cancelled.
#[test]
fn a_coroutine_that_does_not_end_is_waited_for_no_longer_than_that() {
    guarded(|| {
        let mut runner = Runner::new().executor_limit(Duration::from_millis(5));
        let told = exceptions(&runner.handle());
        let (never, task) = common::asked::<u8>("never");
        let main = runner.run(async {
            let waits = create_task(async move {
                let mut waiting = combinators::wait_for(task, None);
                assert!(futures::poll!(&mut waiting).is_pending());
                waiting.await
            });
            let waits = waits.reference();
            while !waits.is_running() {
                sleep(Duration::ZERO).await;
            }
            Ok::<_, Broken>(waits)
        });
        runner.close();
        assert!(main.unwrap().is_done());
        assert!(never.was_cancelled());
        let report = told.try_recv().unwrap();
        assert!(report.message().contains("it is pending"), "{report}");
    });
}

/// Nor is a function on a thread, which nothing can stop, in a group that is left.
#[test]
fn a_function_that_is_stuck_in_a_group_is_waited_for_no_longer_than_that() {
    guarded(|| {
        let mut runner = Runner::new().executor_limit(Duration::from_millis(5));
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let main = runner.run(async {
            let (begun, has_begun) = promise::<()>("begun");
            create_task(task_group(async move |group: TaskGroup| {
                let job = to_thread(move || {
                    begun.resolve(Ok(()));
                    common::receive(&may_go_on);
                });
                group.create_task(job).detach();
                pending::<Result<(), Broken>>().await
            }))
            .detach();
            has_begun.await
        });
        main.unwrap();
        runner.close();
        go_on.send(()).expect("it still waits for this");
    });
}

/// CPython: test_base_events.py::test_shutdown_default_executor: the jobs of the
/// default executor have ended when `run` returns
#[test]
fn jobs_left_on_the_default_executor_are_waited_for() {
    guarded(|| {
        for _ in 0..20 {
            let job = run(async { Ok::<_, Broken>(run_in_executor(None, |n: u8| n, 7)) });
            let job = job.unwrap();
            assert!(job.is_done());
            assert_eq!(job.wait().unwrap(), 7);
        }
    });
}

/// What is started while the rest is cancelled is destroyed, if it does not end by
/// itself; nothing hangs.
#[test]
fn what_is_started_by_the_cancelling_is_destroyed() {
    struct Starts(combinators::Handle);
    impl Drop for Starts {
        fn drop(&mut self) {
            if self.0.is_closed() {
                return;
            }
            let again = Starts(self.0.clone());
            let task = self.0.create_task(async move {
                let _again = again;
                pending::<()>().await;
            });
            task.detach();
        }
    }
    guarded(|| {
        let mut runner = Runner::new();
        let told = exceptions(&runner.handle());
        let starts = Starts(runner.handle());
        let main = runner.run(async move {
            create_task(async move {
                let _starts = starts;
                pending::<()>().await;
            })
            .detach();
            Ok::<_, Broken>(())
        });
        main.unwrap();
        runner.close();
        let report = told.try_recv().unwrap();
        assert!(report.message().contains("destroyed"), "{report}");
    });
}

/// A runner that is dropped on a thread which runs another loop cannot wait for
/// anything, and does not.
#[test]
fn a_runner_that_is_dropped_inside_a_loop_destroys_what_is_left() {
    guarded(|| {
        let runner = Runner::new();
        let task = runner.handle().create_task(pending::<()>());
        let outcome = EventLoop::new().run_until_complete(async move {
            drop(runner);
            Ok::<_, TaskError>(task.is_cancelled())
        });
        assert!(outcome.unwrap());
    });
}
