//! Arguments and results that are nothing but bytes, which need no serde.
//!
//! A [`Bytes`] or a `Vec<u8>` that is all of an argument or of a result stands there
//! as it is: both sides know its type, and whoever carries it knows its length. A
//! large result keeps its memory when it is encoded, and a large value when it is
//! decoded.

use super::{decode, encode};
use crate::bytes::Bytes;
use crate::{pieces, spare};
use serde::{Serialize, de::DeserializeOwned};
use std::any::Any;

/// Fewer bytes than this are copied, so that the buffer can be used again.
const LARGE: usize = 16 * 1024;

/// The bytes, if the value is nothing else.
fn as_bytes<T: Any>(value: &T) -> Option<&[u8]> {
    let value: &dyn Any = value;
    let vector = value.downcast_ref::<Vec<u8>>().map(Vec::as_slice);
    vector.or_else(|| value.downcast_ref::<Bytes>().map(|bytes| &**bytes))
}

/// Appends what [`Entry::call`](crate::Entry::call) reads as an argument: bytes as
/// they are, and anything else as [`encode`] does.
///
/// # Errors
/// As [`encode`].
///
/// # Panics
/// As [`encode`].
pub fn encode_argument<T>(value: &T, buffer: &mut Vec<u8>) -> Result<(), String>
where
    T: Serialize + Any,
{
    match as_bytes(value) {
        Some(bytes) => {
            pieces::append(buffer, bytes);
            Ok(())
        }
        None => encode(value, buffer),
    }
}

/// As [`encode_argument`]; an empty buffer may be replaced by the memory of the value.
pub(crate) fn encode_result<T>(mut value: T, buffer: &mut Vec<u8>) -> Result<(), String>
where
    T: Serialize + Any,
{
    if buffer.is_empty()
        && let Some(bytes) = take_bytes(&mut value, LARGE)
    {
        *buffer = bytes.into_vec();
        return Ok(());
    }
    encode_argument(&value, buffer)
}

/// The bytes of a value that is nothing else, and has no fewer than these; it has none
/// afterwards.
pub(crate) fn take_bytes<T: Any>(value: &mut T, least: usize) -> Option<Bytes> {
    as_bytes(value).filter(|bytes| bytes.len() >= least)?;
    let value: &mut dyn Any = value;
    match value.downcast_mut::<Vec<u8>>() {
        Some(vector) => Some(std::mem::take(vector).into()),
        None => value.downcast_mut::<Bytes>().map(std::mem::take),
    }
}

/// Reads what [`encode_argument`] has written; the memory may go to the value, and
/// the buffer is then empty.
pub(crate) fn decode_whole<T>(buffer: &mut Vec<u8>) -> Result<T, String>
where
    T: DeserializeOwned + Any,
{
    let mut value: Option<T> = None;
    let place: &mut dyn Any = &mut value;
    if let Some(place) = place.downcast_mut::<Option<Bytes>>() {
        *place = Some(take(buffer).into());
    } else if let Some(place) = place.downcast_mut::<Option<Vec<u8>>>() {
        *place = Some(take(buffer));
    }
    match value {
        Some(value) => Ok(value),
        None => {
            let decoded = decode(buffer);
            // Not to be kept while the function runs.
            if buffer.capacity() >= spare::LEAST {
                spare::give(std::mem::take(buffer));
            }
            decoded
        }
    }
}

fn take(buffer: &mut Vec<u8>) -> Vec<u8> {
    match buffer.len() < LARGE {
        true => buffer.as_slice().into(),
        false => std::mem::take(buffer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Debug;

    fn round_trip<T>(value: &T) -> Vec<u8>
    where
        T: Serialize + DeserializeOwned + Any + Clone + Debug + PartialEq,
    {
        let (mut argument, mut result) = (Vec::new(), Vec::new());
        encode_argument(value, &mut argument).unwrap();
        encode_result(value.clone(), &mut result).unwrap();
        assert!(argument == result);
        assert!(decode_whole::<T>(&mut result).unwrap() == *value);
        let mut behind = vec![1];
        encode_result(value.clone(), &mut behind).unwrap();
        assert!(behind[0] == 1 && behind[1..] == argument);
        argument
    }

    #[test]
    fn bytes_stand_there_as_they_are() {
        for len in [0, 1, 127, 128, LARGE - 1, LARGE, 300_000] {
            let bytes = vec![3_u8; len];
            assert!(round_trip(&bytes) == bytes);
            assert!(round_trip(&Bytes::from(bytes.clone())) == bytes);
        }
    }

    #[test]
    fn anything_else_is_as_serde_writes_it() {
        fn as_serde_does<T>(value: T)
        where
            T: Serialize + DeserializeOwned + Any + Clone + Debug + PartialEq,
        {
            let mut by_serde = Vec::new();
            encode(&value, &mut by_serde).unwrap();
            assert_eq!(round_trip(&value), by_serde);
            let mut cut = by_serde[..by_serde.len() / 2].to_vec();
            let why = decode_whole::<T>(&mut cut).unwrap_err();
            assert!(why.contains("ended too soon"), "{why}");
            by_serde.push(0);
            let why = decode_whole::<T>(&mut by_serde).unwrap_err();
            assert!(why.contains("left over"), "{why}");
        }
        as_serde_does("text".to_owned());
        as_serde_does(vec![1_u16, 2]);
        as_serde_does((1_u8, Bytes::from(vec![7; 300])));
    }

    #[test]
    fn large_bytes_keep_their_memory() {
        let (mut buffer, len) = (Vec::new(), 1 << 20);
        let original = vec![5_u8; len];
        let place = original.as_ptr();
        encode_result(original, &mut buffer).unwrap();
        assert_eq!(buffer.as_ptr(), place);
        let bytes: Bytes = decode_whole(&mut buffer).unwrap();
        assert!(bytes.as_ptr() == place && buffer.is_empty());
        encode_result(bytes, &mut buffer).unwrap();
        assert_eq!(buffer.as_ptr(), place);
        let vector: Vec<u8> = decode_whole(&mut buffer).unwrap();
        assert_eq!((vector.len(), vector.as_ptr()), (len, place));
    }
}
