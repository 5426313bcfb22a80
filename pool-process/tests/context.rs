//! Context variables and spans follow jobs into worker processes.

mod common;

use common::{finish, pool};
use executor_core::conformance::{Gate, pass};
use executor_core::{Context, ContextVar, ExecutorExt as _, TaskErrorKind};
use futures::{StreamExt as _, executor::block_on};
use pool_process::ProcessPool;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use std::io;
use std::sync::Mutex;

pool_process::test_worker!();

static USER: ContextVar<String> = ContextVar::new("user");
static FACTORS: ContextVar<Vec<u64>> = ContextVar::new("factors");

fn look(n: u64) -> (u32, Option<String>, u64) {
    let user = USER.set("a job".to_owned());
    let factor = FACTORS.take().and_then(|factors| factors.last().copied());
    (std::process::id(), user, n * factor.unwrap_or(1))
}

#[test]
fn variables_cross_and_do_not_come_back() {
    init_test_worker();
    let pool = pool(1);
    USER.set("ada".to_owned());
    let one = pool.submit(look, 5);
    let both = FACTORS.scope(vec![2, 3], || pool.submit(look, 5));
    USER.take();
    let none = pool.submit(look, 5);
    let (pid, user, product) = finish(one).unwrap();
    assert_ne!(pid, std::process::id());
    assert_eq!((user.as_deref(), product), (Some("ada"), 5));
    assert_eq!(finish(both).unwrap(), (pid, Some("ada".to_owned()), 15));
    assert_eq!(finish(none).unwrap(), (pid, None, 5));
    assert!(Context::current().is_empty());
}

/// A context is a part of the message, however long that is.
#[test]
fn large_contexts_and_large_arguments_cross_together() {
    init_test_worker();
    let pool = pool(2);
    let sum = |numbers: Vec<u64>| {
        let factors = FACTORS.get().unwrap_or_default();
        factors.iter().sum::<u64>() + numbers.iter().sum::<u64>()
    };
    let tasks: Vec<_> = [0, 1, 30, 10_000, 300_000]
        .into_iter()
        .flat_map(|context| [0, 40, 300_000].map(|argument| (context, argument)))
        .map(|(context, argument)| {
            let submit = || pool.submit(sum, vec![1; argument]);
            let task = FACTORS.scope(vec![1; context], submit);
            (task, (context + argument) as u64)
        })
        .collect();
    for (task, expected) in tasks {
        assert_eq!(finish(task).unwrap(), expected);
    }
}

#[test]
fn chunks_of_a_map_carry_it_too() {
    init_test_worker();
    let pool = pool(2);
    let add = |n: u64| n + FACTORS.get().map_or(1000, |factors| factors[0]);
    for chunk in [1, 7] {
        let sums = pool.map(add, 0..50).chunks(chunk).map(Result::unwrap);
        let sums: Vec<_> = FACTORS.scope(vec![100], || block_on(sums.collect()));
        assert_eq!(sums, (100..150).collect::<Vec<_>>());
    }
}

/// A job's own pool, in its worker, gets what the job was given, read or not.
#[test]
fn it_goes_on_to_a_pool_of_the_workers_own() {
    init_test_worker();
    let relay = |n: u64| {
        USER.set("the relay".to_owned());
        let inner = ProcessPool::builder().max_workers(1).build();
        let inner = inner.expect("it is built");
        inner
            .submit(look, n)
            .wait()
            .map_err(|error| error.to_string())
    };
    let pool = pool(1);
    let task = FACTORS.scope(vec![4], || pool.submit(relay, 5));
    let (_, user, product) = finish(task).unwrap().unwrap();
    assert_eq!((user.as_deref(), product), (Some("the relay"), 20));
}

/// Can be told not to be encoded, or not to be decoded.
#[derive(Clone)]
struct Awkward(String);

impl Serialize for Awkward {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_str() {
            "stays" => Err(ser::Error::custom("it stays here")),
            text => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Awkward {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        assert_ne!(text, "panics", "it was told to");
        match text.as_str() {
            "leaves" => Err(de::Error::custom("it never arrives")),
            _ => Ok(Self(text)),
        }
    }
}

static AWKWARD: ContextVar<Awkward> = ContextVar::new("awkward");

#[test]
fn a_value_that_cannot_cross_fails_its_job_alone_and_is_named() {
    init_test_worker();
    let pool = pool(1);
    let ask = |_: ()| AWKWARD.get().map(|awkward| awkward.0);
    let submit = |how: &str| AWKWARD.scope(Awkward(how.to_owned()), || pool.submit(ask, ()));
    let before = submit("fine");
    let failed = ["stays", "leaves", "panics"].map(submit);
    let after = submit("fine");
    let unread = AWKWARD.scope(Awkward("leaves".to_owned()), || pool.submit(look, 5));
    assert_eq!(finish(before).unwrap().as_deref(), Some("fine"));
    let kinds = failed.map(|task| {
        let error = finish(task).unwrap_err();
        let message = error.to_string();
        assert!(message.contains("context variable `awkward`"), "{message}");
        assert!(message.contains("Awkward"), "{message}");
        assert!(error.task_id().is_some());
        error.kind()
    });
    use TaskErrorKind::{Decode, Encode};
    assert_eq!(kinds, [Encode, Decode, Decode]);
    assert_eq!(finish(after).unwrap().as_deref(), Some("fine"));
    // Nobody asks, so nothing is wrong.
    assert_eq!(finish(unread).unwrap().2, 5);
}

#[test]
fn what_the_initializer_sets_reaches_no_job() {
    init_test_worker();
    let set_up = |user: String| drop(USER.set(user));
    let builder = ProcessPool::builder().max_workers(1);
    let pool = builder.initializer(set_up, "the worker".to_owned());
    let task = pool.build().unwrap().submit(look, 5);
    assert_eq!(finish(task).unwrap().1, None);
}

/// What the worker's subscriber has written.
static BOOK: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Book;

impl io::Write for Book {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        BOOK.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn listen(_: ()) {
    let subscriber = tracing_subscriber::fmt().with_ansi(false).without_time();
    subscriber.with_writer(|| Book).init();
}

/// Says something, and gives what was written down of it.
fn say(what: String) -> String {
    tracing::info!("{what}");
    let bytes = std::mem::take(&mut *BOOK.lock().unwrap());
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_job_logs_within_a_span_that_names_the_submitters() {
    init_test_worker();
    let builder = ProcessPool::builder().max_workers(1);
    let pool = builder.initializer(listen, ()).build().unwrap();
    let subscriber = tracing_subscriber::fmt().with_writer(io::sink).finish();
    let inside = tracing::subscriber::with_default(subscriber, || {
        let request = tracing::info_span!(target: "server", "request", user = "ada");
        request.in_scope(|| pool.task(say, "inside".to_owned()).name("greet").submit())
    });
    let id = inside.id().get();
    let outside = pool.submit(say, "outside".to_owned());
    let line = finish(inside).unwrap();
    for part in [
        "job{",
        r#"task="greet""#,
        &format!("task_id={id}"),
        r#"parent="request""#,
        r#"parent_target="server""#,
        "parent_id=",
        ": inside",
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(
        !line.contains("ada"),
        "fields stay with the submitter: {line}"
    );
    let line = finish(outside).unwrap();
    assert!(
        line.contains(": outside") && !line.contains("job"),
        "{line}"
    );
}

/// Where nobody listens in the worker, the span costs nothing and harms nobody.
#[test]
fn a_span_crosses_to_a_worker_without_a_subscriber() {
    init_test_worker();
    let pool = pool(1);
    let subscriber = tracing_subscriber::fmt().with_writer(io::sink).finish();
    let task = tracing::subscriber::with_default(subscriber, || {
        tracing::info_span!("request").in_scope(|| pool.submit(look, 5))
    });
    assert_eq!(finish(task).unwrap().2, 5);
}

/// Tells when the last handle of a span is gone.
struct Closings(std::sync::Arc<std::sync::atomic::AtomicUsize>);

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Closings {
    fn on_close(&self, _: tracing::Id, _: tracing_subscriber::layer::Context<'_, S>) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }
}

/// Its argument is encoded at once, and may be gone; the span is not.
#[test]
fn the_span_of_a_job_is_open_until_it_is_done() {
    use tracing_subscriber::layer::SubscriberExt as _;
    init_test_worker();
    let pool = pool(1);
    let mut gate = Gate::new();
    let closed = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let subscriber = tracing_subscriber::registry().with(Closings(closed.clone()));
    let task = tracing::subscriber::with_default(subscriber, || {
        tracing::info_span!("request").in_scope(|| pool.submit(pass, gate.ticket(3)))
    });
    gate.arrival();
    let closed = || closed.load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!(closed(), 0);
    gate.open();
    assert_eq!(finish(task).unwrap(), 3);
    common::eventually("it is closed", || closed() == 1);
}
