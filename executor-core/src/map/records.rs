//! How the results of a chunk cross a process boundary.
//!
//! A result is a record: its input's place in the chunk and, in the low bits of the same
//! number, what it is; then the value, the panic, or why the value could not be encoded.
//! A part of the chunk's result is records; its end is those that have not left before,
//! and eight bytes with the time that it took, in nanoseconds.

use super::run::Plan;
use super::shelf::{Fault, Finished};
use crate::codec::{self, Values};
use crate::panic::catch;
use crate::partial::published::Writer;
use crate::spare;
use serde::{Serialize, de::DeserializeOwned};

const VALUE: u64 = 0;
const PANICKED: u64 = 1;
const UNENCODED: u64 = 2;
/// How far up the place stands.
const SHIFT: u32 = 2;

/// Appends what becomes of `call`.
#[inline]
pub(super) fn append<R: Serialize>(place: u64, call: impl FnOnce() -> R, buffer: &mut Vec<u8>) {
    let start = buffer.len();
    let made = catch(|| {
        let value = call();
        codec::encode(&(place << SHIFT | VALUE), buffer)?;
        codec::encode(&value, buffer)
    });
    let (kind, why) = match made {
        Ok(Ok(())) => return,
        Ok(Err(why)) => (UNENCODED, Err(why)),
        Err(report) => (PANICKED, Ok(report)),
    };
    buffer.truncate(start);
    // Texts and numbers: it cannot fail. If it did, a record that is missing or cut short
    // would be refused.
    let _ = codec::encode(&(place << SHIFT | kind), buffer);
    let _ = match why {
        Ok(report) => codec::encode(&report, buffer),
        Err(why) => codec::encode(&why, buffer),
    };
}

/// Appends the end.
pub(super) fn append_end(nanos: u64, buffer: &mut Vec<u8>) {
    buffer.extend_from_slice(&nanos.to_le_bytes());
}

/// The records and the time of what [`append_end`] has ended.
pub(super) fn split_end(bytes: &[u8]) -> Result<(&[u8], u64), String> {
    let (records, nanos) = bytes
        .split_last_chunk()
        .ok_or("the end of a chunk is missing")?;
    Ok((records, u64::from_le_bytes(*nanos)))
}

/// Reads records of a chunk. Those that came before are passed over.
///
/// # Errors
/// Why one cannot be read; those before it were taken.
pub(super) fn read<R: DeserializeOwned + Send>(
    bytes: &[u8],
    results: &mut Writer<Finished<R>>,
) -> Result<(), String> {
    let values = Values::of(bytes);
    while !values.is_empty() {
        let head: u64 = values.next()?;
        let finished = match head & ((1 << SHIFT) - 1) {
            VALUE => Ok(values.next::<R>()?),
            PANICKED => Err(Box::new(Fault::Panicked(values.next()?))),
            UNENCODED => Err(Box::new(Fault::Unencoded(values.next()?))),
            kind => return Err(format!("a record of a chunk has the kind {kind}")),
        };
        let (place, next) = (head >> SHIFT, results.len() as u64);
        if place < next {
            crate::panic::discard(finished);
        } else if place > next || results.push(finished).is_err() {
            let which = format!("result {place} of a chunk of {}", results.places());
            return Err(format!("{which} came where {next} was to come"));
        }
    }
    Ok(())
}

/// Reads what a [`Chunk`](super::chunk::Chunk) encodes.
pub(super) fn read_argument<A: DeserializeOwned>(
    argument: &mut Vec<u8>,
) -> Result<(Plan, Vec<A>), String> {
    let values = Values::of(argument);
    let plan = values.next()?;
    let inputs = values.next()?;
    if !values.is_empty() {
        return Err("bytes were left over after the inputs of a chunk".to_owned());
    }
    // Not to be kept while the function runs.
    if argument.capacity() >= spare::LEAST {
        spare::give(std::mem::take(argument));
    }
    Ok((plan, inputs))
}
