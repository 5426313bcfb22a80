//! The layout of messages: fixed headers and opaque bytes, little-endian.
//!
//! A message to a worker is a run of jobs; a message from a worker is one
//! result that was too large for its slot, or nothing at all, which is a bell.
//! User types are never decoded here, so what is wrong with one value can be
//! pinned on its job.

/// A job on its way to a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parcel<'a> {
    pub(crate) slot: usize,
    pub(crate) seq: u64,
    /// Where the trampoline is, from the anchor of the program's image.
    pub(crate) offset: i64,
    pub(crate) argument: &'a [u8],
}

const PARCEL_HEAD: usize = 28;

/// Starts a parcel: the argument is appended by the caller, who then calls
/// [`end_parcel`] with what this returned.
pub(crate) fn begin_parcel(buffer: &mut Vec<u8>, slot: usize, seq: u64, offset: i64) -> usize {
    let start = buffer.len();
    buffer.extend_from_slice(&(slot as u32).to_le_bytes());
    buffer.extend_from_slice(&seq.to_le_bytes());
    buffer.extend_from_slice(&offset.to_le_bytes());
    buffer.extend_from_slice(&[0; 8]);
    start
}

/// Writes the length of the argument into its parcel.
pub(crate) fn end_parcel(buffer: &mut [u8], start: usize) {
    let len = buffer.len() - start - PARCEL_HEAD;
    buffer[start + PARCEL_HEAD - 8..start + PARCEL_HEAD]
        .copy_from_slice(&(len as u64).to_le_bytes());
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
    let slot = u32::from_le_bytes(take(message)?) as usize;
    let seq = u64::from_le_bytes(take(message)?);
    let offset = i64::from_le_bytes(take(message)?);
    let len = usize::try_from(u64::from_le_bytes(take(message)?)).ok()?;
    let (argument, rest) = message.split_at_checked(len)?;
    *message = rest;
    Some(Parcel {
        slot,
        seq,
        offset,
        argument,
    })
}

fn take<const N: usize>(message: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = message.split_first_chunk()?;
    *message = rest;
    Some(*head)
}

/// A large result on its way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reply<'a> {
    pub(crate) slot: usize,
    pub(crate) seq: u64,
    pub(crate) kind: u32,
    pub(crate) bytes: &'a [u8],
}

/// The size of a reply's header: what is reserved in front of its bytes.
pub(crate) const REPLY_HEAD: usize = 16;

/// Fills in the header in front of a reply's bytes.
pub(crate) fn write_reply_head(buffer: &mut [u8], slot: usize, seq: u64, kind: u32) {
    buffer[..4].copy_from_slice(&(slot as u32).to_le_bytes());
    buffer[4..12].copy_from_slice(&seq.to_le_bytes());
    buffer[12..REPLY_HEAD].copy_from_slice(&kind.to_le_bytes());
}

/// Reads a reply; `None` if it is too short to be one.
pub(crate) fn read_reply(message: &[u8]) -> Option<Reply<'_>> {
    let mut rest = message;
    Some(Reply {
        slot: u32::from_le_bytes(take(&mut rest)?) as usize,
        seq: u64::from_le_bytes(take(&mut rest)?),
        kind: u32::from_le_bytes(take(&mut rest)?),
        bytes: rest,
    })
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parcels_are_read_as_they_were_written() {
        let mut buffer = Vec::new();
        for (slot, argument) in [(3, &b"three"[..]), (63, b"")] {
            let start = begin_parcel(&mut buffer, slot, 1 << 40, -5);
            buffer.extend_from_slice(argument);
            end_parcel(&mut buffer, start);
        }
        let read: Vec<_> = parcels(&buffer).map(Option::unwrap).collect();
        assert_eq!(read.len(), 2);
        assert_eq!((read[0].slot, read[0].argument), (3, &b"three"[..]));
        assert_eq!((read[1].seq, read[1].offset), (1 << 40, -5));
        assert_eq!(read[1].argument, b"");
    }

    #[test]
    fn a_truncated_message_yields_what_is_whole_and_then_stops() {
        let mut buffer = Vec::new();
        let start = begin_parcel(&mut buffer, 0, 0, 0);
        buffer.push(7);
        end_parcel(&mut buffer, start);
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
        begin_parcel(&mut buffer, 0, 0, 0);
        buffer[20..28].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(parcels(&buffer).collect::<Vec<_>>(), [None]);
    }

    #[test]
    fn replies_round_trip_and_short_ones_are_refused() {
        let mut buffer = vec![0; REPLY_HEAD];
        buffer.extend_from_slice(b"result");
        write_reply_head(&mut buffer, 9, 10, kind::PANIC);
        let reply = read_reply(&buffer).unwrap();
        assert_eq!((reply.slot, reply.seq, reply.kind), (9, 10, kind::PANIC));
        assert_eq!(reply.bytes, b"result");
        assert_eq!(read_reply(&buffer[..REPLY_HEAD - 1]), None);
    }
}
