//! Values that take their time, or block, while they are serialized or
//! deserialized in the program itself.

use super::gates::{Place, wait_at_gate};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::thread::sleep;
use std::time::Duration;

/// How a value behaves when it is serialized or deserialized.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pace {
    /// Like any other.
    #[default]
    Prompt,
    /// It takes so many microseconds.
    Slow(u64),
    /// It waits at the gate, until the porter opens it.
    Blocked,
}

impl Pace {
    fn go(self, place: Place) {
        match self {
            Self::Prompt => {}
            Self::Slow(micros) => sleep(Duration::from_micros(micros)),
            Self::Blocked => wait_at_gate(place),
        }
    }
}

/// Part of an argument: its pace is that of `Serialize`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct SlowToSend(pub Pace);

impl Serialize for SlowToSend {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.go(Place::Serialize);
        serializer.serialize_newtype_struct("SlowToSend", &self.0)
    }
}

/// Part of a result: its pace is that of `Deserialize`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SlowToReceive(pub Pace);

impl<'de> Deserialize<'de> for SlowToReceive {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Plain(Pace);
        let Plain(pace) = Plain::deserialize(deserializer)?;
        pace.go(Place::Deserialize);
        Ok(Self(pace))
    }
}
