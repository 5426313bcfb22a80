//! Context variables and spans follow jobs to the pool's threads.

mod common;

use common::{Gate, block_all, finish, pool};
use executor_core::{Context, ContextVar, ExecutorExt as _};
use std::io;
use std::sync::{Arc, Barrier, Mutex};

static USER: ContextVar<String> = ContextVar::new("user");
static STEP: ContextVar<u64> = ContextVar::new("step");

/// CPython: test_threads.py::test_to_thread_contextvars
#[test]
fn a_closure_has_the_context_of_its_spawn() {
    let pool = pool(1);
    let gate = Gate::new();
    let blocked = block_all(&pool, &gate);
    let task = USER.scope("ada".to_owned(), || {
        pool.spawn(|| USER.set("eve".to_owned()))
    });
    let next = pool.spawn(|| USER.get());
    gate.open();
    assert_eq!(finish(task).unwrap().as_deref(), Some("ada"));
    assert_eq!(finish(next).unwrap(), None);
    assert!(Context::current().is_empty());
    assert!(blocked.into_iter().all(|task| finish(task).is_ok()));
}

/// Each job sees its own values, however many run at once.
#[test]
fn ten_threads_keep_theirs_apart() {
    let pool = pool(4);
    let start = Barrier::new(10);
    std::thread::scope(|scope| {
        for thread in 0..10_u64 {
            let (pool, start) = (&pool, &start);
            scope.spawn(move || {
                start.wait();
                let submit = |n| {
                    STEP.set(1000 * thread + n);
                    pool.submit(|n: u64| (STEP.set(0), n), n)
                };
                let tasks: Vec<_> = (0..200).map(submit).collect();
                for (n, task) in (0..).zip(tasks) {
                    assert_eq!(finish(task).unwrap(), (Some(1000 * thread + n), n));
                }
                assert_eq!(STEP.get(), Some(1000 * thread + 199));
            });
        }
    });
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
fn a_job_logs_within_the_span_of_its_submission() {
    let book = Book::default();
    let writer = book.clone();
    tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .init();
    let pool = pool(1);
    let say = |what: String| tracing::info!("{what}");
    let inside =
        tracing::info_span!("request", id = 7).in_scope(|| pool.submit(say, "inside".to_owned()));
    let outside = pool.submit(say, "outside".to_owned());
    assert!(finish(inside).is_ok() && finish(outside).is_ok());
    let text = String::from_utf8(book.0.lock().unwrap().clone()).unwrap();
    let line = |what| text.lines().find(|line| line.contains(what)).unwrap();
    assert!(line(": inside").contains("request{id=7}: "), "{text}");
    assert!(!line(": outside").contains("request"), "{text}");
}
