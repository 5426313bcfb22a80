//! The transcripts of seed 002, as far as coroutines and threads go: order and
//! counts. Where the seed sleeps for seconds, these open gates.

mod common;
#[path = "common/loops.rs"]
mod loops;

use combinators::{
    EventLoop, ReturnWhen, create_task, ensure_future, gather, run, run_in_executor, wait,
};
use common::{Broken, receive};
use executor_core::{Task, TaskError, promise};
use loops::{SideLoop, exceptions, guarded};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What a program prints.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn print(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// A coroutine of the seed: it prints, sleeps, prints and returns.
async fn sleeps(log: Log, name: &'static str, sleep: Duration) -> Result<u8, TaskError> {
    log.print(format!("in test {name}"));
    // A limit that passes is how one sleeps with what is tested here.
    let never = combinators::wait_for(futures::future::pending::<Result<(), Broken>>(), sleep);
    assert!(never.await.unwrap_err().is_timed_out());
    log.print(format!("Resuming {name}"));
    Ok(name.as_bytes()[0] - b'a' + 1)
}

const LONG: Duration = Duration::from_millis(90);
const SHORT: Duration = Duration::from_millis(30);

/// G3: awaited one after another, they run one after another.
#[test]
fn g3_two_awaits_are_a_sequence() {
    guarded(|| {
        let log = Log::default();
        let begun = Instant::now();
        let results = run(async {
            let a = sleeps(log.clone(), "a", LONG).await?;
            let b = sleeps(log.clone(), "b", SHORT).await?;
            Ok::<_, TaskError>((a, b))
        });
        assert_eq!(results.unwrap(), (1, 2));
        assert!(begun.elapsed() >= LONG + SHORT);
        let expected = ["in test a", "Resuming a", "in test b", "Resuming b"];
        assert_eq!(log.lines(), expected);
    });
}

/// G4: gathered, they overlap; the results are in argument order all the same.
#[test]
fn g4_gather_overlaps() {
    guarded(|| {
        let log = Log::default();
        let begun = Instant::now();
        let results = run(async {
            let a = sleeps(log.clone(), "a", 4 * LONG);
            let b = sleeps(log.clone(), "b", SHORT);
            gather([a, b]).await
        });
        assert_eq!(results.unwrap(), [1, 2]);
        assert!(begun.elapsed() >= 4 * LONG);
        let expected = ["in test a", "in test b", "Resuming b", "Resuming a"];
        assert_eq!(log.lines(), expected);
    });
}

/// G5: the first exception ends the wait; the other is pending and goes on.
#[test]
fn g5_first_exception() {
    guarded(|| {
        let log = Log::default();
        let outcome = run(async {
            let (keep, gate) = promise::<()>("gate");
            let (a, b) = (log.clone(), log.clone());
            let a = ensure_future(async move {
                a.print("in test a");
                gate.await?;
                Err::<u8, _>(TaskError::failed(Broken(3)))
            });
            let b = ensure_future(async move {
                b.print("in test b");
                Err::<u8, _>(TaskError::failed(Broken(0)))
            });
            let (a_id, b_id) = (a.id(), b.id());
            let mut waited = wait([a, b], ReturnWhen::FirstException).await;
            assert_eq!((waited.done.len(), waited.pending.len()), (1, 1));
            assert_eq!((waited.done[0].id(), waited.pending[0].id()), (b_id, a_id));
            let shown = format!("{:?}", waited.done[0]);
            assert!(shown.contains("finished raised Failed"), "{shown}");
            let shown = format!("{:?}", waited.pending[0]);
            assert!(shown.contains("running"), "{shown}");
            let error = waited.done[0].try_result().unwrap_err();
            keep.resolve(Ok(()));
            let late = waited.pending.remove(0).await.unwrap_err();
            Ok::<_, TaskError>((error, late))
        });
        let (error, late) = outcome.unwrap();
        assert_eq!(error.downcast::<Broken>().unwrap(), Broken(0));
        assert_eq!(late.downcast::<Broken>().unwrap(), Broken(3));
        assert_eq!(log.lines(), ["in test a", "in test b"]);
    });
}

/// G6: a task was made and the loop never ran.
#[test]
fn g6_destroyed_but_pending() {
    let log = Log::default();
    let event_loop = EventLoop::new();
    let told = exceptions(&event_loop.handle());
    let task = event_loop
        .handle()
        .run_coroutine_threadsafe(sleeps(log.clone(), "a", SHORT));
    task.add_done_callback(|outcome| assert!(outcome.unwrap_err().is_cancelled()));
    drop(event_loop);
    let reports: Vec<_> = told.try_iter().map(|context| context.to_string()).collect();
    assert_eq!(reports.len(), 1);
    assert!(reports[0].starts_with("Task was destroyed but it is pending!"));
    assert!(reports[0].contains(task.name()), "{reports:?}");
    assert!(log.lines().is_empty(), "it was never started");
    assert!(task.wait().unwrap_err().is_cancelled());
}

/// A gate that jobs on threads wait at.
static GATE: Mutex<Option<Receiver<()>>> = Mutex::new(None);

fn open_gate() -> Sender<()> {
    let (open, gate) = mpsc::channel();
    *GATE.lock().unwrap() = Some(gate);
    open
}

/// The blocking function of the seed.
fn ping(url: String) -> String {
    let gate = GATE.lock().unwrap();
    receive(gate.as_ref().unwrap());
    url
}

/// G8 and G9: six of eight in one gather, in a side thread's loop; the callbacks of
/// all eight are called, each after its task's own output.
#[test]
fn g8_g9_gather_and_callbacks_in_a_side_loop() {
    let log = Log::default();
    let side = SideLoop::start();
    let open = open_gate();
    let func = |log: &Log, name: &'static str| {
        let log = log.clone();
        async move {
            log.print(format!("Resuming {name}"));
            Ok::<_, TaskError>(name.to_owned())
        }
    };
    let (printed, handle) = (log.clone(), side.handle.clone());
    let main = side.handle.run_coroutine_threadsafe(async move {
        let log = printed;
        let ensured = |name| ensure_future(func(&log, name));
        let bridged = |name| handle.run_coroutine_threadsafe(func(&log, name));
        let job = |url: &str| run_in_executor(None, ping, url.to_owned());
        let tasks: [Task<String>; 8] = [
            create_task(func(&log, "func1")).flatten(),
            create_task(func(&log, "func2")).flatten(),
            bridged("func1"),
            bridged("func2"),
            job("www.baidu.com"),
            job("www.yangyanxing.com"),
            ensured("func1"),
            ensured("func2"),
        ];
        for task in &tasks {
            let log = log.clone();
            task.add_done_callback(move |result| {
                log.print(format!("task result: {}", result.unwrap()));
            });
        }
        let [t1, t2, t3, t4, t5, t6, t7, t8] = tasks;
        open.send(()).unwrap();
        open.send(()).unwrap();
        let results = gather([t1, t2, t5, t6, t7, t8]).await?;
        // Python's run in the loop, too, and are not waited for.
        t3.await?;
        t4.await?;
        Ok::<_, TaskError>(results)
    });
    let names = ["func1", "func2"];
    let urls = ["www.baidu.com", "www.yangyanxing.com"];
    assert_eq!(main.wait().unwrap(), [names, urls, names].concat());

    let lines = log.lines();
    let count = |line: &str| lines.iter().filter(|other| *other == line).count();
    for name in names {
        let (output, callback) = (format!("Resuming {name}"), format!("task result: {name}"));
        assert_eq!((count(&output), count(&callback)), (3, 3));
        // At every point, no more callbacks than outputs before them.
        let mut ahead = 0;
        for line in &lines {
            ahead += i32::from(*line == output) - i32::from(*line == callback);
            assert!(ahead >= 0, "{lines:?}");
        }
    }
    for url in urls {
        assert_eq!(count(&format!("task result: {url}")), 1);
    }
    assert_eq!(lines.len(), 14);
}

/// G11: how a task shows itself.
#[test]
fn g11_how_a_task_reads() {
    guarded(|| {
        let mut event_loop = EventLoop::new();
        let (keep, gate) = promise::<()>("gate");
        let mut task = event_loop
            .handle()
            .run_coroutine_threadsafe(async move { gate.await.map(|()| 1_u8) });
        let name = task.name().to_owned();
        let shown = format!("{task:?}");
        assert!(
            shown.contains("pending") && shown.contains(&name),
            "{shown}"
        );
        loops::one_round(&mut event_loop);
        assert!(format!("{task:?}").contains("running"));
        assert!(format!("{:?}", task.reference()).contains("running"));
        assert!(
            task.try_result().unwrap_err().is_invalid_state(),
            "not ready"
        );
        keep.resolve(Ok(()));
        let (tell, told) = mpsc::channel();
        task.add_done_callback(move |result| tell.send(*result.unwrap()).unwrap());
        loops::one_round(&mut event_loop);
        assert_eq!(told.try_recv().unwrap(), 1);
        let shown = format!("{task:?}");
        assert!(shown.contains("finished returned u8"), "{shown}");
        assert_eq!(task.try_result().unwrap(), 1);

        let fails = event_loop
            .handle()
            .run_coroutine_threadsafe(async { Err::<u8, _>(Broken(0)) });
        loops::one_round(&mut event_loop);
        let shown = format!("{fails:?}");
        assert!(shown.contains("finished raised Failed"), "{shown}");
        fails.ignore_error();
    });
}
