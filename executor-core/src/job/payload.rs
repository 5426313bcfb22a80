//! [`Payload`]: an argument that was encoded, and is on its way to another process.

use crate::bytes::Bytes;
use crate::context::Surroundings;
use crate::panic::discard;
use crate::spare;
use std::cell::Cell;

/// So few bytes stand in the job itself. With them a payload is as long as a `Vec`.
const SHORT: usize = 15;

/// What a trampoline reads.
pub(crate) enum Payload {
    /// Few bytes, and in the last one how many. They are kept as two words, which are made
    /// in registers: what is written byte by byte and then moved as a whole holds the
    /// processor up each time.
    Short([[u8; 8]; 2]),
    Long(Bytes),
    /// Behind what its job carries.
    Carried(Box<Carried>),
}

pub(crate) struct Carried {
    before: Vec<u8>,
    argument: Payload,
    /// Kept for as long as the job: a span that it carries is open until then.
    _surroundings: Box<Surroundings>,
}

impl Payload {
    /// Bytes that were encoded into `buffer`, which may be used again if it is not empty.
    #[inline]
    pub(super) fn of(buffer: &mut Vec<u8>) -> Self {
        match buffer.len() {
            len @ ..=SHORT => {
                let (low, high) = buffer.split_at(len.min(8));
                let high = word(high) | (len as u64) << 56;
                Self::Short([word(low).to_le_bytes(), high.to_le_bytes()])
            }
            _ => Self::long(buffer),
        }
    }

    #[cold]
    fn long(buffer: &mut Vec<u8>) -> Self {
        match buffer.len() < spare::LEAST {
            true => Self::Long(buffer.as_slice().into()),
            false => Self::Long(std::mem::take(buffer).into()),
        }
    }

    /// The same, behind what its job carries, which is encoded in `before`.
    pub(super) fn behind(self, before: Vec<u8>, surroundings: Box<Surroundings>) -> Self {
        Self::Carried(Box::new(Carried {
            before,
            argument: self,
            _surroundings: surroundings,
        }))
    }

    /// Drops it. What the job carried may run any code.
    pub(super) fn let_go(self) {
        if let Self::Carried(carried) = self {
            discard(carried);
        }
    }

    /// All of it, in order.
    pub(super) fn pieces(&self) -> [&[u8]; 2] {
        match self {
            Self::Short(short) => {
                let short = short.as_flattened();
                [&short[..usize::from(short[SHORT])], &[]]
            }
            Self::Long(bytes) => [bytes, &[]],
            Self::Carried(carried) => [&carried.before, carried.argument.pieces()[0]],
        }
    }
}

/// Up to eight bytes as a number, the first one lowest.
#[inline]
fn word(bytes: &[u8]) -> u64 {
    let behind = |word: u64, byte: &u8| word << 8 | u64::from(*byte);
    bytes.iter().rev().fold(0, behind)
}

/// How much of a buffer is kept for the next argument of this thread.
const KEPT: usize = spare::LEAST;

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Gives `f` an empty buffer, with the memory that the last one had.
pub(super) fn with_buffer<R>(f: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    // What is encoded may submit jobs itself: then it has a buffer of its own. So has who
    // submits when the locals of its thread are gone.
    let mut buffer = BUFFER.try_with(Cell::take).unwrap_or_default();
    let done = f(&mut buffer);
    if buffer.capacity() <= KEPT {
        buffer.clear();
        let _ = BUFFER.try_with(|place| place.set(buffer));
    }
    done
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out() {
        assert_eq!(size_of::<Payload>(), size_of::<Vec<u8>>());
        for len in [0, 1, SHORT, SHORT + 1, spare::LEAST - 1, spare::LEAST] {
            let bytes: Vec<u8> = (0..len).map(|n| n as u8).collect();
            let payload = Payload::of(&mut bytes.clone());
            assert_eq!(payload.pieces().concat(), bytes);
            let behind = payload.behind(vec![7; 3], Box::default());
            assert_eq!(behind.pieces().concat(), [&[7; 3], &bytes[..]].concat());
        }
    }

    #[test]
    fn who_encodes_within_another_has_a_buffer_of_its_own() {
        with_buffer(|outer| {
            outer.push(1);
            with_buffer(|inner| {
                assert!(inner.is_empty());
                inner.push(2);
            });
            assert_eq!(*outer, [1]);
        });
        with_buffer(|again| assert!(again.is_empty()));
    }
}
