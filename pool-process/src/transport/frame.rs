//! The layout of messages: fixed headers and opaque bytes, little-endian.
//!
//! A message to a worker is a run of jobs; what comes back is a [`Head`] and its
//! bytes: a result that was too large for its slot, a part of one that is not finished,
//! or a bell.
//! User types are never decoded here, so what is wrong with one value can be
//! pinned on its job.

use super::board::place;
use executor_core::pieces;

/// A job on its way to a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parcel<'a> {
    pub(crate) slot: usize,
    pub(crate) seq: u64,
    /// Where the trampoline is, from the anchor of the program's image.
    pub(crate) offset: i64,
    /// Whether the worker is to note when it begins.
    pub(crate) limited: bool,
    pub(crate) argument: &'a [u8],
}

/// In the word of the slot: the job has a time limit.
const LIMITED: u32 = 1 << 31;

/// Appends a parcel, whose argument comes in two pieces.
pub(crate) fn append_parcel(
    buffer: &mut Vec<u8>,
    seq: u64,
    offset: i64,
    limited: bool,
    argument: [&[u8]; 2],
) {
    let flag = if limited { LIMITED } else { 0 };
    buffer.extend_from_slice(&(place(seq) as u32 | flag).to_le_bytes());
    buffer.extend_from_slice(&seq.to_le_bytes());
    buffer.extend_from_slice(&offset.to_le_bytes());
    let len = argument.iter().map(|piece| piece.len() as u64).sum::<u64>();
    buffer.extend_from_slice(&len.to_le_bytes());
    argument
        .iter()
        .for_each(|piece| pieces::append(buffer, piece));
}

/// The jobs of a message. Ends early, with `None`, at bytes that are no parcel.
pub(crate) fn parcels(mut message: &[u8]) -> impl Iterator<Item = Option<Parcel<'_>>> {
    std::iter::from_fn(move || {
        if message.is_empty() {
            return None;
        }
        let parcel = split_parcel(&mut message);
        if parcel.is_none() {
            message = &[];
        }
        Some(parcel)
    })
}

fn split_parcel<'a>(message: &mut &'a [u8]) -> Option<Parcel<'a>> {
    let slot = u32::from_le_bytes(take(message)?);
    let seq = u64::from_le_bytes(take(message)?);
    let offset = i64::from_le_bytes(take(message)?);
    let len = usize::try_from(u64::from_le_bytes(take(message)?)).ok()?;
    let (argument, rest) = message.split_at_checked(len)?;
    *message = rest;
    Some(Parcel {
        slot: (slot & !LIMITED) as usize,
        seq,
        offset,
        limited: slot & LIMITED != 0,
        argument,
    })
}

fn take<const N: usize>(message: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = message.split_first_chunk()?;
    *message = rest;
    Some(*head)
}

/// What stands in front of everything that a worker writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// How many bytes follow.
    pub(crate) len: u64,
    pub(crate) slot: u32,
    pub(crate) kind: u32,
    pub(crate) seq: u64,
}

/// The size of a [`Head`].
pub(crate) const HEAD: usize = 24;

impl Head {
    /// A head for bytes that are not about a job.
    pub(crate) fn plain(kind: u32, len: usize) -> Self {
        Self {
            len: len as u64,
            slot: 0,
            kind,
            seq: 0,
        }
    }

    pub(crate) fn to_bytes(self) -> [u8; HEAD] {
        let mut bytes = [0; HEAD];
        bytes[..8].copy_from_slice(&self.len.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.slot.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.kind.to_le_bytes());
        bytes[16..].copy_from_slice(&self.seq.to_le_bytes());
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8; HEAD]) -> Self {
        let mut rest = &bytes[..];
        // The array is as long as the fields are.
        Self {
            len: take(&mut rest).map_or(u64::MAX, u64::from_le_bytes),
            slot: take(&mut rest).map_or(u32::MAX, u32::from_le_bytes),
            kind: take(&mut rest).map_or(u32::MAX, u32::from_le_bytes),
            seq: take(&mut rest).map_or(u64::MAX, u64::from_le_bytes),
        }
    }
}

/// What a result is.
pub(crate) mod kind {
    /// The encoded value.
    pub(crate) const VALUE: u32 = 0;
    /// An encoded `CallFault`.
    pub(crate) const FAULT: u32 = 1;
    /// An encoded `PanicReport`.
    pub(crate) const PANIC: u32 = 2;
    /// In a slot: the result was sent as a message.
    pub(crate) const SENT: u32 = 3;
    /// As a message: look at the board.
    pub(crate) const BELL: u32 = 4;
    /// As a message: the worker is set up.
    pub(crate) const READY: u32 = 5;
    /// As a message: the worker could not be set up; an encoded text.
    pub(crate) const UNFIT: u32 = 6;
    /// As a message: the first; an encoded `Hello`.
    pub(crate) const HELLO: u32 = 7;
    /// As a message: a part of the result of the job that runs.
    pub(crate) const PART: u32 = 8;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parcels_are_read_as_they_were_written() {
        let mut buffer = Vec::new();
        for (seq, argument) in [(3, &b"three"[..]), (1 << 40, b"")] {
            append_parcel(&mut buffer, seq, -5, seq == 3, [argument, &[]]);
        }
        let read: Vec<_> = parcels(&buffer).map(Option::unwrap).collect();
        assert_eq!(read.len(), 2);
        assert_eq!((read[0].slot, read[0].argument), (3, &b"three"[..]));
        assert_eq!((read[1].seq, read[1].offset), (1 << 40, -5));
        assert_eq!(read[1].argument, b"");
        assert!(read[0].limited && !read[1].limited);
    }

    #[test]
    fn a_truncated_message_yields_what_is_whole_and_then_stops() {
        let mut buffer = Vec::new();
        append_parcel(&mut buffer, 0, 0, false, [&[7], &[]]);
        let whole = buffer.len();
        buffer.extend_from_within(..);
        for len in 0..buffer.len() {
            let read: Vec<_> = parcels(&buffer[..len]).collect();
            let expected = usize::from(len >= whole);
            assert_eq!(read.iter().flatten().count(), expected, "of {len} bytes");
            assert_eq!(read.iter().any(Option::is_none), len % whole != 0);
        }
    }

    #[test]
    fn a_length_beyond_the_message_is_no_parcel() {
        let mut buffer = Vec::new();
        append_parcel(&mut buffer, 0, 0, false, [&[], &[]]);
        buffer[20..28].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(parcels(&buffer).collect::<Vec<_>>(), [None]);
    }

    #[test]
    fn a_head_is_read_as_it_was_written() {
        let head = Head {
            len: 1 << 50,
            slot: 9,
            kind: kind::PANIC,
            seq: 10,
        };
        assert_eq!(Head::from_bytes(&head.to_bytes()), head);
    }
}
