//! [`Bytes`]: bytes that cross a process boundary as they are.

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::ops::{Deref, DerefMut};

/// A `Vec<u8>` that is copied where it crosses a process boundary.
///
/// serde takes a `Vec<u8>` for a list like any other and goes through it number
/// by number; this it takes as a whole, some ten times faster. Use it for
/// arguments and results, and for fields of them. Making one of a vector, and a
/// vector of one, is free.
///
/// ```
/// use executor_core::{Bytes, ExecutorExt as _, Inline, TaskError};
///
/// fn reverse(mut bytes: Bytes) -> Bytes {
///     bytes.reverse();
///     bytes
/// }
///
/// let bytes: Vec<u8> = Inline::new().submit(reverse, vec![1, 2, 3].into()).wait()?.into();
/// assert_eq!(bytes, [3, 2, 1]);
/// # Ok::<(), TaskError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(Vec<u8>);

impl Bytes {
    /// No bytes.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The vector.
    pub fn into_vec(self) -> Vec<u8> {
        self.0
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl From<String> for Bytes {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

impl From<Bytes> for Vec<u8> {
    fn from(bytes: Bytes) -> Self {
        bytes.0
    }
}

impl FromIterator<u8> for Bytes {
    fn from_iter<I: IntoIterator<Item = u8>>(bytes: I) -> Self {
        Self(bytes.into_iter().collect())
    }
}

impl Deref for Bytes {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Bytes {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Bytes {
    /// The length and the beginning: there may be a great many.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.0[..self.0.len().min(16)];
        let more = if shown.len() < self.0.len() {
            "…"
        } else {
            ""
        };
        write!(f, "Bytes({} of them: {shown:?}{more})", self.0.len())
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Bytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
        Ok(bytes.into())
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
        Ok(bytes.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Bytes, E> {
        Ok(text.as_bytes().into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Bytes, A::Error> {
        // What a list says of its length is not believed.
        let room = list.size_hint().unwrap_or(0).min(4096);
        let mut bytes = Vec::with_capacity(room);
        while let Some(byte) = list.next_element()? {
            bytes.push(byte);
        }
        Ok(Bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;

    #[test]
    fn bytes_are_written_as_a_length_and_themselves() {
        let bytes = Bytes::from(vec![7; 300]);
        let mut written = Vec::new();
        codec::encode(&(1_u8, &bytes), &mut written).unwrap();
        assert_eq!(written.len(), 1 + 2 + 300);
        assert_eq!(codec::decode::<(u8, Bytes)>(&written), Ok((1, bytes)));
        assert!(codec::decode::<(u8, Bytes)>(&written[..200]).is_err());
    }

    #[test]
    fn a_vector_and_bytes_are_read_as_each_other() {
        let mut written = Vec::new();
        codec::encode(&vec![1_u8, 200, 3], &mut written).unwrap();
        let bytes: Bytes = codec::decode(&written).unwrap();
        assert_eq!(bytes, Bytes::from(&[1, 200, 3][..]));
        let list = serde::de::value::SeqDeserializer::<_, serde::de::value::Error>::new(
            [1_u8, 2].into_iter(),
        );
        assert_eq!(Reader.visit_seq(list).unwrap().into_vec(), [1, 2]);
    }

    #[test]
    fn a_great_many_are_shown_by_their_beginning() {
        let text = format!("{:?}", Bytes::from(vec![0; 1 << 20]));
        assert!(text.len() < 100 && text.contains("1048576"), "{text}");
        assert_eq!(
            format!("{:?}", Bytes::from("a".to_owned())),
            "Bytes(1 of them: [97])"
        );
    }
}
