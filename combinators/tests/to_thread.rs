//! to_thread: asyncio's `test_threads.py`.

mod common;

use combinators::{create_task, gather, run_in_executor, to_thread};
use common::{Broken, receive, run};
use executor_core::ContextVar;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};

/// CPython: test_threads.py::test_to_thread
#[test]
fn it_runs_on_a_thread_of_the_default_pool() {
    let here = std::thread::current().id();
    let (there, name) = run(to_thread(|| {
        let thread = std::thread::current();
        (thread.id(), thread.name().map(str::to_owned))
    }))
    .unwrap();
    assert_ne!(there, here);
    assert!(name.unwrap().starts_with("asyncio_"));
}

/// CPython: test_threads.py::test_to_thread_exception
#[test]
fn an_error_or_a_panic_reaches_the_caller() {
    let error = run(to_thread(|| Err::<u8, _>(Broken(1))).flatten()).unwrap_err();
    assert_eq!(error.downcast::<Broken>().unwrap(), Broken(1));
    let error = run(to_thread(|| -> u8 { panic!("no luck") })).unwrap_err();
    assert_eq!(error.panic_report().unwrap().message(), "no luck");
}

/// CPython: test_threads.py::test_to_thread_once
#[test]
fn it_calls_the_closure_once() {
    let calls = Arc::<AtomicUsize>::default();
    let count = calls.clone();
    run(to_thread(move || count.fetch_add(1, Ordering::SeqCst))).unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

/// CPython: test_threads.py::test_to_thread_concurrent
#[test]
fn several_run_at_the_same_time() {
    let both = Arc::new(Barrier::new(2));
    let meet = |_| {
        let both = both.clone();
        to_thread(move || both.wait().is_leader())
    };
    let mut leaders = run(gather((0..2).map(meet))).unwrap();
    leaders.sort_unstable();
    assert_eq!(leaders, [false, true]);
}

/// CPython: test_threads.py::test_to_thread_args_kwargs: what it is to be called
/// with is captured.
#[test]
fn it_captures_and_moves() {
    let words = ["a".to_owned(), "b".to_owned()];
    let joined = run(to_thread(move || words.join("-"))).unwrap();
    assert_eq!(joined, "a-b");
}

/// It starts by itself, also from a coroutine, and does not hold up its thread.
#[test]
fn it_starts_when_it_is_called() {
    let (tell, told) = mpsc::channel();
    to_thread(move || tell.send(1).unwrap()).detach();
    assert_eq!(receive(&told), 1);
    let nested = create_task(async { to_thread(|| 2).await });
    assert_eq!(run(nested).unwrap().unwrap(), 2);
}

#[test]
fn the_pool_is_that_of_run_in_executor() {
    let prefix = || {
        let name = std::thread::current().name().map(str::to_owned);
        name.unwrap().split('_').next().unwrap().to_owned()
    };
    let here = run(to_thread(prefix)).unwrap();
    let there = run(run_in_executor(None, move |()| prefix(), ())).unwrap();
    assert_eq!(here, there);
}

/// CPython: test_threads.py::test_to_thread_contextvars
#[test]
fn it_has_the_callers_context_and_keeps_its_own() {
    static WHO: ContextVar<String> = ContextVar::new("who");
    let task = create_task(async {
        WHO.set("caller".to_owned());
        let there = to_thread(|| WHO.set("thread".to_owned())).await;
        (there, WHO.get())
    });
    let caller = Some("caller".to_owned());
    let (there, here) = run(task).unwrap();
    assert_eq!(there.unwrap(), caller);
    assert_eq!(here, caller);
}
