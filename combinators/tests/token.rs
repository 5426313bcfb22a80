//! Cancellation tokens and coroutines: a coroutine has one, and what it awaits on a
//! thread is asked to stop when it is cancelled.

mod common;

use combinators::{create_task, ensure_future};
use common::{DEADLINE, ThreadPerJob, receive, run};
use executor_core::{CancelOutcome, CancelToken, promise};
use std::sync::Arc;
use std::sync::mpsc::channel;

#[test]
fn the_token_of_a_coroutine_is_cancelled_when_its_task_is() {
    let (give, given) = channel();
    let (_keep, never) = promise::<()>("never");
    let task = create_task(async move {
        give.send(CancelToken::current()).unwrap();
        never.await
    });
    let token = receive(&given);
    assert!(!token.is_cancelled());
    assert_eq!(task.cancel(), CancelOutcome::Requested);
    assert!(token.wait_timeout(DEADLINE));
    assert!(run(task).unwrap_err().is_cancelled());
}

/// It is the same at each of its steps, and another one's is another.
#[test]
fn each_coroutine_has_its_own() {
    let (promise, turn) = promise::<()>("turn");
    let task = create_task(async move {
        let before = CancelToken::current();
        let inner = create_task(async { CancelToken::current().cancel() });
        inner.await.unwrap();
        turn.await.unwrap();
        assert!(!before.is_cancelled());
        before.cancel();
        CancelToken::current().is_cancelled()
    });
    promise.resolve(Ok(()));
    assert!(run(task).unwrap());
    assert!(!CancelToken::current().is_cancelled());
}

/// Python cannot do this: its thread would go on.
#[test]
fn a_cancelled_coroutine_asks_the_function_it_awaits() {
    let threads = Arc::new(ThreadPerJob::default());
    let (tell, told) = channel();
    let (begin, begun) = channel();
    let theirs = threads.clone();
    let task = create_task(async move {
        let function = theirs.spawn(move || {
            let token = CancelToken::current();
            begin.send(()).unwrap();
            tell.send(token.wait_timeout(DEADLINE)).unwrap();
        });
        function.await
    });
    receive(&begun);
    // It takes effect at an await, and the only one is that of the function.
    assert_eq!(task.cancel(), CancelOutcome::Requested);
    assert!(receive(&told));
    assert!(run(task).unwrap_err().is_cancelled());
}

/// A token that the program has is heeded by coroutines and functions alike.
#[test]
fn one_token_ends_coroutines_and_threads() {
    let all = CancelToken::new();
    let (one, other) = (all.child(), all.clone());
    let waits = ensure_future(async move {
        one.cancelled().await;
        one.check()
    });
    let blocks = ThreadPerJob::default().spawn(move || other.wait_timeout(DEADLINE));
    all.cancel();
    assert!(run(waits).unwrap_err().is_cancelled());
    assert!(run(blocks).unwrap());
}
