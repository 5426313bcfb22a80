//! Arguments and results that are nothing but bytes, which need no serde.
//!
//! They are written as serde would write them, a length and the bytes; but a large
//! result keeps its memory when it is encoded, and a large value when it is
//! decoded.

use super::{decode, encode};
use crate::bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use std::any::Any;

/// Fewer bytes than this are copied, so that the buffer can be used again.
const LARGE: usize = 16 * 1024;

/// The bytes, if the value is nothing else.
pub(crate) fn as_bytes<T: Any>(value: &T) -> Option<&[u8]> {
    let value: &dyn Any = value;
    let vector = value.downcast_ref::<Vec<u8>>().map(Vec::as_slice);
    vector.or_else(|| value.downcast_ref::<Bytes>().map(|bytes| &**bytes))
}

/// Appends what stands in front of so many bytes.
fn encode_len(len: usize, buffer: &mut Vec<u8>) {
    // A number and a vector: it cannot fail.
    let _ = encode(&len, buffer);
}

/// Appends the encoding of bytes, or only what stands in front of them.
pub(crate) fn encode_bytes(bytes: &[u8], with_them: bool, buffer: &mut Vec<u8>) {
    encode_len(bytes.len(), buffer);
    if with_them {
        buffer.extend_from_slice(bytes);
    }
}

/// As [`encode`].
pub(crate) fn encode_whole_ref<T>(value: &T, buffer: &mut Vec<u8>) -> Result<(), String>
where
    T: Serialize + Any,
{
    match as_bytes(value) {
        Some(bytes) => {
            encode_bytes(bytes, true, buffer);
            Ok(())
        }
        None => encode(value, buffer),
    }
}

/// As [`encode`]; an empty buffer may be replaced by the memory of the value.
pub(crate) fn encode_whole<T>(value: T, buffer: &mut Vec<u8>) -> Result<(), String>
where
    T: Serialize + Any,
{
    if !buffer.is_empty() || as_bytes(&value).is_none_or(|bytes| bytes.len() < LARGE) {
        return encode_whole_ref(&value, buffer);
    }
    let mut value = Some(value);
    let value: &mut dyn Any = &mut value;
    let vector = value.downcast_mut::<Option<Vec<u8>>>();
    let bytes = match vector.and_then(Option::take) {
        Some(vector) => Some(vector.into()),
        None => value.downcast_mut::<Option<Bytes>>().and_then(Option::take),
    };
    let bytes = bytes.unwrap_or_default();
    let mut prefix = Vec::new();
    encode_len(bytes.len(), &mut prefix);
    *buffer = bytes.into_vec_after(&prefix);
    Ok(())
}

/// As [`decode`]; the memory may go to the value, and the buffer is then empty.
pub(crate) fn decode_whole<T>(buffer: &mut Vec<u8>) -> Result<T, String>
where
    T: DeserializeOwned + Any,
{
    let mut value: Option<T> = None;
    let place: &mut dyn Any = &mut value;
    let is_bytes = place.is::<Option<Bytes>>();
    if (is_bytes || place.is::<Option<Vec<u8>>>())
        && let Ok((len, rest)) = postcard::take_from_bytes::<usize>(buffer)
        && len == rest.len()
    {
        let start = buffer.len() - len;
        let bytes = match len < LARGE {
            true => rest.into(),
            false => Bytes::within(std::mem::take(buffer), start),
        };
        if let Some(place) = place.downcast_mut::<Option<Bytes>>() {
            *place = Some(bytes);
        } else if let Some(place) = place.downcast_mut::<Option<Vec<u8>>>() {
            *place = Some(bytes.into_vec());
        }
    }
    match value {
        Some(value) => Ok(value),
        None => decode(buffer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Debug;

    fn as_serde_does<T>(value: T)
    where
        T: Serialize + DeserializeOwned + Any + Clone + Debug + PartialEq,
    {
        let (mut by_serde, mut whole, mut whole_ref) = (Vec::new(), Vec::new(), Vec::new());
        encode(&value, &mut by_serde).unwrap();
        encode_whole_ref(&value, &mut whole_ref).unwrap();
        encode_whole(value.clone(), &mut whole).unwrap();
        assert!(by_serde == whole && by_serde == whole_ref);
        assert!(decode_whole::<T>(&mut whole_ref).unwrap() == value);
        assert!(decode::<T>(&whole).unwrap() == value);
        let mut behind = vec![1];
        encode_whole(value, &mut behind).unwrap();
        assert!(behind[0] == 1 && behind[1..] == by_serde);
        for len in [0, by_serde.len() / 2, by_serde.len() - 1] {
            let mut cut = by_serde[..len].to_vec();
            let why = decode_whole::<T>(&mut cut).unwrap_err();
            assert!(why.contains("ended too soon"), "{len}: {why}");
        }
        by_serde.push(0);
        assert!(
            decode_whole::<T>(&mut by_serde)
                .unwrap_err()
                .contains("left over")
        );
    }

    #[test]
    fn bytes_are_written_and_read_as_serde_would() {
        for len in [0, 1, 127, 128, LARGE - 1, LARGE, 300_000] {
            as_serde_does(vec![3_u8; len]);
            as_serde_does(Bytes::from(vec![3_u8; len]));
        }
        as_serde_does("text".to_owned());
        as_serde_does(vec![1_u16, 2]);
    }

    #[test]
    fn large_bytes_keep_their_memory() {
        let (mut buffer, len) = (Vec::new(), 1 << 20);
        encode_whole(vec![5_u8; len], &mut buffer).unwrap();
        let place = buffer.as_ptr() as usize;
        let within = |bytes: &Bytes| (place..place + 10).contains(&(bytes.as_ptr() as usize));
        let bytes: Bytes = decode_whole(&mut buffer).unwrap();
        assert!(within(&bytes) && buffer.is_empty());
        encode_whole(bytes, &mut buffer).unwrap();
        assert_eq!(buffer.as_ptr() as usize, place);
        let vector: Vec<u8> = decode_whole(&mut buffer).unwrap();
        assert_eq!((vector.len(), vector.as_ptr() as usize), (len, place));
    }
}
