//! [`Bytes`]: bytes that cross a process boundary as they are.

use crate::{pieces, spare};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::ops::{Deref, DerefMut};

/// A `Vec<u8>` that crosses a process boundary as a whole.
///
/// serde takes a `Vec<u8>` for a list like any other and goes through it number
/// by number; this it copies. One that is all of an argument or of a result is
/// neither copied where it is encoded nor where it is decoded: it keeps its memory,
/// or that in which it came. Use it for arguments and results, and for fields of
/// them. To make one of a vector, or a vector of one, is free.
///
/// Where large payloads go to processes, the memory of a large one that is dropped
/// is kept for the next, for a while: see [`spare`](crate::spare).
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
#[derive(Default)]
pub struct Bytes(Vec<u8>);

impl Bytes {
    /// No bytes.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The vector.
    pub fn into_vec(mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        spare::give(std::mem::take(&mut self.0));
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        let mut copy = spare::take(bytes.len());
        pieces::append(&mut copy, bytes);
        copy.into()
    }
}

impl From<String> for Bytes {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

impl From<Bytes> for Vec<u8> {
    fn from(bytes: Bytes) -> Self {
        bytes.into_vec()
    }
}

impl FromIterator<u8> for Bytes {
    fn from_iter<I: IntoIterator<Item = u8>>(bytes: I) -> Self {
        Vec::from_iter(bytes).into()
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Bytes {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Clone for Bytes {
    fn clone(&self) -> Self {
        (**self).into()
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Bytes {}

impl fmt::Debug for Bytes {
    /// The length and the beginning: there may be a great many.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self[..self.len().min(16)];
        let more = if shown.len() < self.len() { "…" } else { "" };
        write!(f, "Bytes({} of them: {shown:?}{more})", self.len())
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self)
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
        Ok(bytes.into())
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
