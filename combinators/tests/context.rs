//! Context variables and spans: asyncio's contextvars, test_tasks.py's
//! `test_context_1..6`.

mod common;

use combinators::{EventLoop, create_task, ensure_future, gather, run_in_executor};
use common::{ThreadPerJob, receive, run};
use executor_core::{Context, ContextVar, promise};
use std::future::poll_fn;
use std::io;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::Poll;

static VAR: ContextVar<String> = ContextVar::new("var");
static STEP: ContextVar<u32> = ContextVar::new("step");

/// Lets others run.
async fn turn() {
    let mut yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn var() -> String {
    VAR.get().unwrap_or_else(|| "nope".to_owned())
}

/// CPython: test_tasks.py::test_context_1
#[test]
fn a_coroutine_has_a_copy_and_does_not_leak_back() {
    let before = VAR.scope("outer".to_owned(), || {
        create_task(async {
            let seen = var();
            VAR.set("inner".to_owned());
            turn().await;
            (seen, var())
        })
    });
    assert_eq!(
        run(before).unwrap(),
        ("outer".to_owned(), "inner".to_owned())
    );
    assert!(Context::current().is_empty());
}

/// CPython: test_tasks.py::test_context_2, test_context_3
#[test]
fn coroutines_keep_their_own_values_across_awaits() {
    let tasks = (0..50_u32).map(|n| {
        STEP.set(1000 * n);
        create_task(async move {
            let mut seen = Vec::new();
            for _ in 0..10 {
                let step = STEP.get().unwrap();
                seen.push(step);
                STEP.set(step + 1);
                turn().await;
            }
            seen
        })
    });
    let all = run(gather(tasks.collect::<Vec<_>>())).unwrap();
    for (n, seen) in (0..).zip(all) {
        assert_eq!(seen, (1000 * n..1000 * n + 10).collect::<Vec<_>>());
    }
    assert_eq!(STEP.take(), Some(49_000));
}

/// CPython: test_tasks.py::test_context_4: a task within a task copies the
/// inner one's context.
#[test]
fn a_coroutine_hands_what_it_has_set_to_those_it_starts() {
    let outer = create_task(async {
        VAR.set("mine".to_owned());
        let inner = ensure_future(async {
            let seen = var();
            VAR.set("the inner's".to_owned());
            Ok::<_, String>(seen)
        });
        VAR.set("later".to_owned());
        (inner.await.unwrap(), var())
    });
    let seen = run(outer).unwrap();
    assert_eq!(seen, ("mine".to_owned(), "later".to_owned()));
}

/// CPython: test_threads.py::test_to_thread_contextvars
#[test]
fn a_function_in_an_executor_has_the_coroutines_context() {
    let task = create_task(async {
        VAR.set("async".to_owned());
        let inside = |_: ()| (var(), VAR.set("thread".to_owned()).is_some());
        let one = run_in_executor(None, inside, ()).await.unwrap();
        let two = run_in_executor(Some(&ThreadPerJob::default()), inside, ())
            .await
            .unwrap();
        (one, two, var())
    });
    let (one, two, after) = run(task).unwrap();
    assert_eq!(
        (one, two),
        (("async".to_owned(), true), ("async".to_owned(), true))
    );
    assert_eq!(after, "async");
}

/// Says what it sees when it is dropped.
struct Last(Sender<String>);

impl Drop for Last {
    fn drop(&mut self) {
        let _ = self.0.send(var());
    }
}

#[test]
fn a_cancelled_coroutine_is_dropped_in_its_own_context() {
    let (tell, told) = channel();
    let (_keep, never) = promise::<()>("never");
    let (started, begun) = channel();
    let task = VAR.scope("outer".to_owned(), || {
        create_task(async move {
            let _last = Last(tell);
            VAR.set("inner".to_owned());
            started.send(()).unwrap();
            never.await
        })
    });
    receive(&begun);
    task.cancel();
    assert_eq!(receive(&told), "inner");
    assert!(run(task).unwrap_err().is_cancelled());
}

/// What the program's subscriber writes.
#[derive(Clone, Default)]
struct Book(Arc<Mutex<Vec<u8>>>);

impl io::Write for Book {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_coroutine_logs_within_the_span_of_its_creation() {
    let book = Book::default();
    let writer = book.clone();
    tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .init();
    let task = tracing::info_span!("request", id = 7).in_scope(|| {
        create_task(async {
            tracing::info!("first");
            turn().await;
            tracing::info!("second");
        })
    });
    run(task).unwrap();
    let text = String::from_utf8(book.0.lock().unwrap().clone()).unwrap();
    for what in [": first", ": second"] {
        let line = text.lines().find(|line| line.contains(what)).unwrap();
        assert!(line.contains("request{id=7}: "), "{text}");
    }
}

/// What runs inside of a context gives it back: a loop, and the coroutines that it drops.
#[test]
fn a_loop_that_runs_inside_of_a_context_leaves_it_alone() {
    VAR.scope("outer".to_owned(), || {
        let inside = combinators::run(async {
            let seen = var();
            VAR.set("inner".to_owned());
            Ok::<_, executor_core::TaskError>(seen)
        });
        assert_eq!(inside.unwrap(), "outer");
        assert_eq!(var(), "outer");
        let event_loop = EventLoop::new();
        let handle = event_loop.handle();
        drop(handle.create_task(async {
            turn().await;
        }));
        drop(event_loop);
        assert_eq!(var(), "outer", "after a loop was dropped");
        assert!(handle.create_task(async { 1 }).wait().is_err());
        assert_eq!(var(), "outer", "after the handle of a closed loop was used");
    });
    // The same inside of a coroutine.
    let outcome = run(VAR.scope("outer".to_owned(), || {
        create_task(async {
            let event_loop = EventLoop::new();
            let handle = event_loop.handle();
            drop(handle.create_task(turn()));
            drop(event_loop);
            let refused = handle.create_task(async { 1 });
            turn().await;
            assert!(refused.await.is_err());
            var()
        })
    }));
    assert_eq!(outcome.unwrap(), "outer");
}
