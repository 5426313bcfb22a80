//! How arguments and results cross a process boundary: [postcard].
//!
//! postcard is compact and fast because it does not describe itself: the reader
//! must know the type. So it cannot carry a type whose `Deserialize` asks the
//! format what comes next (`serde_json::Value`, `#[serde(untagged)]`,
//! `#[serde(flatten)]`, internally tagged enums), nor one that leaves fields out
//! (`skip_serializing_if`). Such a value gets an error that names its type; the
//! way out is to send it as text (`serde_json::to_string`) or as plain fields.
//!
//! A `Vec<u8>` is a list of numbers to serde, and is written and read number by
//! number, except where it is all of an argument or of a result. For more than a
//! few bytes within something else use [`Bytes`](crate::Bytes).
//!
//! Where a value is read, neither its lengths nor its nesting are trusted: more than a
//! million elements that take no bytes (a `Vec<()>`), and more than a mebibyte of
//! stack, are an error. A value that needs more stack than there is when it is
//! *written* ends the process that writes it.
//!
//! [postcard]: https://docs.rs/postcard

mod reader;
mod values;
mod whole;

pub(crate) use self::values::Values;
pub use self::whole::encode_argument;
pub(crate) use self::whole::{decode_whole, encode_result, take_bytes};

use self::reader::{Account, Reader};
use crate::{pieces, spare};
use postcard::ser_flavors::Flavor;
use serde::{Serialize, de::DeserializeOwned};
use std::any::type_name;

/// Appends the encoding of `value` to `buffer`, which is as before on failure.
///
/// # Errors
/// A message that names the type, the cause and, where there is one, a way out.
///
/// # Panics
/// Only where the value's own `Serialize` does.
pub fn encode<T: Serialize + ?Sized>(value: &T, buffer: &mut Vec<u8>) -> Result<(), String> {
    let start = buffer.len();
    postcard::serialize_with_flavor(value, Appending(buffer)).map_err(|error| {
        buffer.truncate(start);
        explain::<T>(&error)
    })
}

/// Reads a `T` from all of `bytes`.
///
/// # Errors
/// A message that names the type, the cause and, where there is one, a way out.
/// Bytes left over are an error: the value cannot be the one that was sent.
///
/// # Panics
/// Only where the value's own `Deserialize` does.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let account = Account::of(bytes);
    match (T::deserialize(Reader(&account)), account.rest()) {
        (Ok(value), []) => Ok(value),
        (Ok(_), rest) => Err(format!(
            "{} of {} bytes were left over after a value of type `{}`; {LEAVES_OUT}",
            rest.len(),
            bytes.len(),
            type_name::<T>(),
        )),
        (Err(error), _) => Err(match account.excess() {
            Some(why) => format!("a value of type `{}` is refused: {why}", type_name::<T>()),
            None => explain::<T>(&error),
        }),
    }
}

const DESCRIBES_ITSELF: &str = "its serde implementation needs a self-describing format \
    (an untagged, flattened or internally tagged type, or a dynamic `Value`); \
    send it as text, for example through `serde_json::to_string`, or as plain fields";
const LEAVES_OUT: &str = "a type that leaves fields out when it is written \
    (`skip_serializing_if`) cannot be read back; send all of its fields, or send it as text";

fn explain<T: ?Sized>(error: &postcard::Error) -> String {
    use postcard::Error::{
        DeserializeUnexpectedEnd, SerdeDeCustom, SerdeSerCustom, SerializeSeqLengthUnknown,
        WontImplement,
    };
    let name = type_name::<T>();
    match error {
        WontImplement => format!("type `{name}` cannot be carried: {DESCRIBES_ITSELF}"),
        SerializeSeqLengthUnknown => format!(
            "type `{name}` cannot be carried: it does not know its length when it is written \
             (a flattened type or a lazy sequence); collect it into a `Vec` or a map first"
        ),
        DeserializeUnexpectedEnd => {
            format!("the bytes of a value of type `{name}` ended too soon; {LEAVES_OUT}")
        }
        SerdeSerCustom | SerdeDeCustom => format!(
            "type `{name}` was refused by its own serde implementation; postcard does not keep \
             the reason. {DESCRIBES_ITSELF}"
        ),
        other => format!("type `{name}`: {other}"),
    }
}

/// postcard's output, appended to a vector by whole slices.
struct Appending<'a>(&'a mut Vec<u8>);

impl Flavor for Appending<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        spare::make_room(self.0, bytes.len());
        pieces::append(self.0, bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    fn round_trip<T: Serialize + DeserializeOwned>(value: &T) -> Result<T, String> {
        let mut bytes = b"before".to_vec();
        encode(value, &mut bytes)?;
        decode(&bytes[6..])
    }

    #[test]
    fn values_round_trip() {
        assert_eq!(
            round_trip(&(1_u8, -2_i64, "three".to_owned())).unwrap().2,
            "three"
        );
        assert_eq!(round_trip(&()), Ok(()));
        let map: BTreeMap<String, Option<char>> =
            [("a".into(), Some('ä')), ("b".into(), None)].into();
        assert_eq!(round_trip(&map).unwrap(), map);
    }

    #[derive(Debug, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Number(u8),
    }

    #[test]
    fn a_type_that_needs_a_self_describing_format_is_named_with_the_way_out() {
        let message = round_trip(&Untagged::Number(3)).unwrap_err();
        assert!(message.contains("Untagged"), "{message}");
        assert!(message.contains("send it as text"), "{message}");
    }

    #[derive(Debug, Serialize, Deserialize)]
    struct Flat {
        #[serde(flatten)]
        rest: BTreeMap<String, u8>,
    }

    #[test]
    fn a_flattened_type_fails_at_encode_and_leaves_the_buffer_alone() {
        let mut buffer = vec![9];
        let flat = Flat {
            rest: [("a".into(), 1)].into(),
        };
        let message = encode(&flat, &mut buffer).unwrap_err();
        assert!(
            message.contains("Flat") && message.contains("collect"),
            "{message}"
        );
        assert_eq!(buffer, [9]);
    }

    #[test]
    fn bytes_left_over_and_bytes_missing_are_errors() {
        assert!(decode::<u8>(&[1, 2]).unwrap_err().contains("left over"));
        assert!(
            decode::<(u8, u8)>(&[1])
                .unwrap_err()
                .contains("ended too soon")
        );
    }
}
