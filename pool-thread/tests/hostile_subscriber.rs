//! A `tracing` subscriber that panics whenever it is told anything harms no task.

mod common;

use common::{LONG, finish, pool};
use executor_core::{ContextVar, ExecutorExt as _};
use std::cell::Cell;
use std::future::Future as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Once};
use std::task::{Context, Wake, Waker};
use std::time::Duration;
use tracing::span::Id;
use tracing::subscriber::set_global_default;
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{self, SubscriberExt as _};
use tracing_subscriber::{Layer, registry};

struct Hostile;

static PANICS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// The test itself is at work, which is to make a span.
    static CALM: Cell<bool> = const { Cell::new(false) };
}

fn panic_over(what: &str) {
    if !CALM.get() {
        PANICS.fetch_add(1, Ordering::Relaxed);
        panic!("the subscriber does not like {what}");
    }
}

impl<S: Subscriber> Layer<S> for Hostile {
    fn on_event(&self, _: &Event<'_>, _: layer::Context<'_, S>) {
        panic_over("events");
    }
    fn on_enter(&self, _: &Id, _: layer::Context<'_, S>) {
        panic_over("being entered");
    }
    fn on_exit(&self, _: &Id, _: layer::Context<'_, S>) {
        panic_over("being left");
    }
    fn on_close(&self, _: Id, _: layer::Context<'_, S>) {
        panic_over("ends");
    }
}

fn set_up() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| set_global_default(registry().with(Hostile)).unwrap());
}

/// Runs `f`, whose jobs carry a span of their own.
fn in_a_span<R>(f: impl FnOnce() -> R) -> R {
    set_up();
    CALM.set(true);
    let result = tracing::info_span!("of the test").in_scope(f);
    CALM.set(false);
    result
}

#[test]
fn a_panic_of_a_callback_that_cannot_be_told_harms_nobody() {
    set_up();
    let pool = pool(1);
    let (tell, told) = channel();
    let task = pool.submit(|n: u64| n + 1, 1);
    task.add_done_callback(|_| panic!("the callback"));
    task.add_done_callback(move |outcome| tell.send(*outcome.unwrap()).unwrap());
    assert_eq!(told.recv_timeout(LONG), Ok(2));
    assert_eq!(finish(task).unwrap(), 2);
    assert_eq!(finish(pool.submit(|n: u64| n, 3)).unwrap(), 3);
}

#[test]
fn a_panic_of_a_waker_that_cannot_be_told_harms_nobody() {
    struct Bad;
    impl Wake for Bad {
        fn wake(self: Arc<Self>) {
            panic!("the waker");
        }
    }
    set_up();
    let pool = pool(1);
    let (go, wait) = channel::<()>();
    let mut task = pool.spawn(move || wait.recv_timeout(LONG).map(|()| 5).unwrap());
    let waker = Waker::from(Arc::new(Bad));
    let polled = std::pin::Pin::new(&mut task).poll(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    go.send(()).unwrap();
    assert_eq!(finish(task).unwrap(), 5);
    assert_eq!(finish(pool.submit(|n: u64| n, 3)).unwrap(), 3);
}

#[test]
fn a_span_that_cannot_be_entered_or_left_costs_no_result() {
    static WHO: ContextVar<u32> = ContextVar::new("who");
    let pool = pool(1);
    let task = in_a_span(|| WHO.scope(7, || pool.submit(|n: u64| (n, WHO.get()), 4)));
    assert_eq!(finish(task).unwrap(), (4, Some(7)));
    let panics = in_a_span(|| pool.submit(|_: ()| -> u8 { panic!("its own") }, ()));
    let error = finish(panics).unwrap_err();
    assert_eq!(error.panic_report().unwrap().message(), "its own");
    // Such a job is cancelled, expires and is dropped like any other.
    let (go, wait) = channel::<()>();
    let held = pool.spawn(move || wait.recv_timeout(LONG).is_ok());
    let queued = in_a_span(|| pool.submit(|n: u64| n, 1));
    assert!(queued.cancel().took_effect());
    drop(queued);
    let limited = pool.task(|n: u64| n, 1);
    let limited = in_a_span(|| limited.queue_timeout(Duration::from_millis(1)).submit());
    assert!(finish(limited).unwrap_err().is_timed_out());
    go.send(()).unwrap();
    assert!(finish(held).unwrap());
    assert!(PANICS.load(Ordering::Relaxed) > 0);
}

#[test]
fn an_error_that_nobody_looks_at_and_cannot_be_told_harms_nobody() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("the capture");
        }
    }
    set_up();
    let pool = pool(1);
    drop(pool.submit(|_: ()| -> u8 { panic!("its own") }, ()));
    let bomb = Bomb;
    let task = pool.spawn(move || {
        let _bomb = bomb;
        1
    });
    assert!(finish(task).is_err());
    assert_eq!(finish(pool.submit(|n: u64| n, 3)).unwrap(), 3);
}
