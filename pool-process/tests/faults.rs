//! Values that cannot be coded fail their own job, with a message that names
//! the type, and the pool goes on.

mod common;

use common::{finish, pool};
use executor_core::{ExecutorExt as _, TaskErrorKind};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

pool_process::test_worker!();

/// What a value does when it is coded.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Trouble {
    None,
    RefuseEncode,
    PanicEncode,
    RefuseDecode,
    PanicDecode,
    ExitDecode,
}

use Trouble::{ExitDecode, None, PanicDecode, PanicEncode, RefuseDecode, RefuseEncode};
const ALL: [Trouble; 6] = [
    None,
    RefuseEncode,
    PanicEncode,
    RefuseDecode,
    PanicDecode,
    ExitDecode,
];

#[derive(Debug, PartialEq)]
struct Troubled(Trouble);

impl Serialize for Troubled {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            RefuseEncode => Err(ser::Error::custom("refused")),
            PanicEncode => panic!("no encoding today"),
            other => serializer.serialize_u8(other as u8),
        }
    }
}

impl<'de> Deserialize<'de> for Troubled {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match ALL[usize::from(u8::deserialize(deserializer)?)] {
            RefuseDecode => Err(de::Error::custom("refused")),
            PanicDecode => panic!("no decoding today"),
            ExitDecode => std::process::exit(5),
            other => Ok(Self(other)),
        }
    }
}

fn take(argument: Troubled) -> u8 {
    argument.0 as u8
}

fn give(trouble: u8) -> Troubled {
    Troubled(ALL[usize::from(trouble)])
}

/// test_deadlock.py: errors while a task or a result is coded, on either side.
#[test]
fn trouble_with_an_argument_fails_its_job_alone() {
    init_test_worker();
    let pool = pool(1);
    for (trouble, kind, text) in [
        (RefuseEncode, TaskErrorKind::Encode, "refused by its own"),
        (PanicEncode, TaskErrorKind::Encode, "no encoding today"),
        (RefuseDecode, TaskErrorKind::Decode, "refused by its own"),
        (PanicDecode, TaskErrorKind::Panicked, "no decoding today"),
        (ExitDecode, TaskErrorKind::WorkerLost, "code 5"),
    ] {
        let task = pool.task(take, Troubled(trouble)).name("bad").submit();
        let next = pool.submit(take, Troubled(None));
        let error = finish(task).unwrap_err();
        assert_eq!(error.kind(), kind, "{trouble:?}: {error}");
        let message = error.to_string();
        assert!(
            message.contains(text) && message.contains("`bad`"),
            "{message}"
        );
        if matches!(kind, TaskErrorKind::Encode | TaskErrorKind::Decode) {
            assert!(message.contains("argument of type"), "{message}");
            assert!(message.contains("Troubled"), "{message}");
        }
        assert_eq!(finish(next).unwrap(), 0);
    }
}

#[test]
fn trouble_with_a_result_fails_its_job_alone() {
    init_test_worker();
    let pool = pool(1);
    for (trouble, kind, text) in [
        (RefuseEncode, TaskErrorKind::Encode, "result of type"),
        (PanicEncode, TaskErrorKind::Panicked, "no encoding today"),
        (RefuseDecode, TaskErrorKind::Decode, "result of type"),
        // This one panics in the program itself, on the pool's thread.
        (PanicDecode, TaskErrorKind::Decode, "no decoding today"),
    ] {
        let task = pool.submit(give, trouble as u8);
        let next = pool.submit(give, None as u8);
        let error = finish(task).unwrap_err();
        assert_eq!(error.kind(), kind, "{trouble:?}: {error}");
        assert!(error.to_string().contains(text), "{error}");
        assert_eq!(finish(next).unwrap(), Troubled(None));
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Text(String),
}

#[test]
fn a_type_the_codec_cannot_carry_is_named_with_the_way_out() {
    init_test_worker();
    let pool = pool(1);
    let task = pool.submit(|_: Untagged| (), Untagged::Text("x".into()));
    let message = finish(task).unwrap_err().to_string();
    assert!(
        message.contains("Untagged") && message.contains("send it as text"),
        "{message}"
    );
}

/// test_deadlock.py::test_shutdown_deadlock_pickle
#[test]
fn trouble_during_a_shutdown_does_not_hold_it_up() {
    init_test_worker();
    let pool = pool(1);
    let tasks = [RefuseEncode, PanicDecode, ExitDecode].map(|t| pool.submit(take, Troubled(t)));
    drop(pool);
    for task in tasks {
        assert!(finish(task).is_err());
    }
}
