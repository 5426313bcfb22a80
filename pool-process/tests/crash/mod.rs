//! A job that crashes: what it does, and at which moment of its way.

use super::common::{LONG, kill};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Crash {
    Error,
    Panic,
    Exit0,
    Exit42,
    Abort,
    Segfault,
    Overflow,
    Kill,
    Loop,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Place {
    EncodeArgument,
    DecodeArgument,
    Run,
    EncodeResult,
    DecodeResult,
}

pub(crate) use Place::{DecodeArgument, DecodeResult, EncodeArgument, EncodeResult, Run};
pub(crate) const PLACES: [Place; 5] = [
    EncodeArgument,
    DecodeArgument,
    Run,
    EncodeResult,
    DecodeResult,
];

/// Ends the loops of this process; those in a worker never end.
pub(crate) static LET_GO: AtomicBool = AtomicBool::new(false);

/// Does it. An error is left to the caller.
fn crash(how: Crash) -> Result<(), &'static str> {
    #[allow(unconditional_recursion, reason = "that is the point")]
    fn overflow(n: u64) -> u64 {
        std::hint::black_box(overflow(std::hint::black_box(n + 1)) + 1)
    }
    match how {
        Crash::Error => return Err("it returned an error"),
        Crash::Panic => panic!("it panicked"),
        Crash::Exit0 => std::process::exit(0),
        Crash::Exit42 => std::process::exit(42),
        Crash::Abort => std::process::abort(),
        // SAFETY: it is not; the signal is the point.
        Crash::Segfault => unsafe { std::ptr::dangling_mut::<u8>().write_volatile(1) },
        Crash::Overflow => drop(overflow(0)),
        Crash::Kill => {
            kill(std::process::id());
            std::thread::sleep(LONG);
        }
        Crash::Loop => {
            while !LET_GO.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        }
    }
    Ok(())
}

/// What crashes, where, and how; `None` is a job that does no harm.
pub(crate) type Plan = Option<(Place, Crash)>;

fn crash_at(plan: Plan, here: Place) -> Result<(), &'static str> {
    match plan {
        Some((place, how)) if place == here => crash(how),
        _ => Ok(()),
    }
}

#[derive(Debug)]
pub(crate) struct Argument(pub(crate) Plan);

#[derive(Debug, PartialEq)]
pub(crate) struct Outcome(pub(crate) Plan);

impl Serialize for Argument {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        crash_at(self.0, EncodeArgument).map_err(ser::Error::custom)?;
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Argument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let plan = Plan::deserialize(deserializer)?;
        crash_at(plan, DecodeArgument).map_err(de::Error::custom)?;
        Ok(Self(plan))
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        crash_at(self.0, EncodeResult).map_err(ser::Error::custom)?;
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Outcome {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let plan = Plan::deserialize(deserializer)?;
        crash_at(plan, DecodeResult).map_err(de::Error::custom)?;
        Ok(Self(plan))
    }
}

pub(crate) fn job(argument: Argument) -> Result<Outcome, String> {
    crash_at(argument.0, Run)?;
    Ok(Outcome(argument.0))
}
