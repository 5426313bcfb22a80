//! What crosses to another process, without one.

use super::*;
use crate::entry::{CallFault, Entry};
use crate::job::{Call, Job, JobOptions};
use crate::panic::catch;
use serde::{Deserialize, Serializer, ser};

static NAME: ContextVar<String> = ContextVar::new("name");
static NUMBER: ContextVar<u64> = ContextVar::new("number");
/// Another type under the same name is another variable.
static NAMED: ContextVar<u8> = ContextVar::new("name");

struct Nobody;

impl crate::Control for Nobody {
    fn cancel(&self, _: u64) -> crate::CancelOutcome {
        crate::CancelOutcome::TooLate
    }
    fn is_running(&self, _: u64) -> bool {
        true
    }
}

/// The trampoline and what goes to the worker.
fn pack<A, R>(
    function: impl Fn(A) -> R + Copy + Send + 'static,
    argument: A,
) -> Result<(Entry, Vec<u8>), TaskError>
where
    A: Serialize + DeserializeOwned + Send + 'static,
    R: Serialize + DeserializeOwned + Send + 'static,
{
    let (job, task) = Job::new(Call::new(function, argument), JobOptions::default());
    let entry = job.entry().unwrap();
    let Some(job) = job.encode() else {
        return Err(task.wait().err().unwrap());
    };
    let held = job.hold(Arc::new(Nobody), 0).unwrap();
    assert_eq!(held.entry().unwrap().address(), entry.address());
    let mut message = Vec::new();
    held.with_payload(|pieces| message = pieces.concat());
    Ok((entry, message))
}

/// What the worker makes of it.
fn call<R: DeserializeOwned + 'static>(
    (entry, message): &(Entry, Vec<u8>),
) -> Result<R, CallFault> {
    let mut result = Vec::new();
    entry.call(&mut message.to_vec(), &mut result)?;
    Ok(crate::codec::decode_whole(&mut result).unwrap())
}

type Seen = (Option<String>, Option<u64>, Option<u8>, u64);

fn read(n: u64) -> Seen {
    let read = (NAME.get(), NUMBER.get(), NAMED.get(), n);
    NAME.set("changed".to_owned());
    NUMBER.take();
    read
}

#[test]
fn variables_cross_by_name_and_type() {
    let packed = NAME
        .scope("ada".to_owned(), || NUMBER.scope(7, || pack(read, 5)))
        .unwrap();
    let whole: Seen = (Some("ada".to_owned()), Some(7), None, 5);
    assert_eq!(call(&packed), Ok(whole.clone()));
    // What the first call has changed, the second does not see.
    assert_eq!(call(&packed), Ok(whole));
    assert!(Context::current().is_empty());
}

#[test]
fn a_job_without_context_travels_as_ever() {
    let none: Seen = (None, None, None, 5);
    let plain = pack(read, 5).unwrap();
    assert_eq!(plain.0.address(), Entry::of(read).address());
    assert_eq!(plain.1, [5]);
    assert_eq!(call(&plain), Ok(none.clone()));
    // It is kept apart as well.
    let here = NUMBER.scope(1, || call(&plain));
    assert_eq!(here, Ok(none));
}

/// A worker may have a pool of its own.
#[test]
fn what_was_sent_and_never_read_is_sent_on() {
    let relay = |n: u64| {
        let (_, message) = pack(read, n).unwrap();
        message
    };
    let packed = NAME.scope("ada".to_owned(), || pack(relay, 5)).unwrap();
    let direct = NAME.scope("ada".to_owned(), || pack(read, 5)).unwrap();
    assert_eq!(call::<Vec<u8>>(&packed).unwrap(), direct.1);
}

/// Encodes as text, decodes from nothing of the sort.
#[derive(Clone, Debug, PartialEq)]
struct Awkward(&'static str);

impl Serialize for Awkward {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            "refuses" => Err(ser::Error::custom("no")),
            "panics" => panic!("no luck"),
            text => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Awkward {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match String::deserialize(from)?.as_str() {
            "breaks" => panic!("cannot be"),
            _ => Err(serde::de::Error::custom("never")),
        }
    }
}

static AWKWARD: ContextVar<Awkward> = ContextVar::new("awkward");

#[test]
fn a_value_that_cannot_be_encoded_fails_the_job_and_is_named() {
    for (how, what) in [("refuses", "refused"), ("panics", "no luck")] {
        let error = AWKWARD.scope(Awkward(how), || pack(read, 5)).unwrap_err();
        assert!(error.is_encode());
        let message = error.to_string();
        assert!(message.contains("context variable `awkward`"), "{message}");
        assert!(
            message.contains("Awkward") && message.contains(what),
            "{message}"
        );
    }
}

#[test]
fn a_value_that_cannot_be_decoded_fails_the_job_where_it_asks() {
    let ask = |_: ()| AWKWARD.get().is_some();
    for (value, what) in [("", "refused"), ("breaks", "cannot be")] {
        let packed = AWKWARD.scope(Awkward(value), || pack(ask, ())).unwrap();
        let Err(CallFault::Context { subject, cause }) = call::<bool>(&packed) else {
            panic!("it was read");
        };
        assert!(subject.contains("context variable `awkward`"), "{subject}");
        assert!(cause.contains(what), "{cause}");
        // Who does not ask is not harmed; who asks carefully is told.
        let packed = AWKWARD.scope(Awkward(value), || pack(read, 5)).unwrap();
        assert!(call::<Seen>(&packed).is_ok());
        let careful = |_: ()| AWKWARD.try_get().unwrap_err().to_string();
        let packed = AWKWARD.scope(Awkward(value), || pack(careful, ())).unwrap();
        assert!(call::<String>(&packed).unwrap().contains("`awkward`"));
    }
}

/// A function that has caught the one failure and panics with another has panicked.
#[test]
fn another_panic_is_not_taken_for_it() {
    let ask = |_: ()| -> u8 {
        let _ = std::panic::catch_unwind(|| AWKWARD.get());
        panic!("something else")
    };
    let packed = AWKWARD.scope(Awkward(""), || pack(ask, ())).unwrap();
    let report = catch(|| call::<u8>(&packed)).unwrap_err();
    assert_eq!(report.message(), "something else");
    assert!(report.location().is_some_and(|at| at.contains("tests.rs")));
}

#[test]
fn hostile_bytes_are_an_error() {
    let (entry, good) = NAME.scope("ada".to_owned(), || pack(read, 5)).unwrap();
    let attempt = |bytes: &[u8]| {
        let caught = catch(|| entry.call(&mut bytes.to_vec(), &mut Vec::new()));
        assert!(caught.is_ok(), "{caught:?} for {bytes:?}");
    };
    for end in 0..good.len() {
        attempt(&good[..end]);
    }
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            attempt(&bad);
        }
    }
    attempt(&[0, 255, 255, 255, 255, 255, 255, 255, 255, 127]);
    attempt(&[0xff; 64]);
    assert!(Context::current().is_empty());
}

/// A coroutine's step is made inside of whatever is at work on its thread.
#[test]
fn a_context_that_is_resumed_leaves_the_one_around_it_alone() {
    let name = || NAME.get();
    NAME.scope("outer".to_owned(), || {
        let mut inner = Context::new();
        assert_eq!(inner.resume(|| NAME.set("inner".to_owned())), None);
        assert_eq!(name().as_deref(), Some("outer"));
        assert_eq!(inner.resume(name).as_deref(), Some("inner"));
        assert!(catch(|| inner.resume(|| panic!("on the way"))).is_err());
        assert_eq!(name().as_deref(), Some("outer"));
        assert_eq!(inner.run(name).as_deref(), Some("inner"));
        let mut nothing = Context::new();
        assert_eq!(nothing.resume(name), None);
        assert_eq!(name().as_deref(), Some("outer"));
    });
    assert!(Context::current().is_empty());
}
