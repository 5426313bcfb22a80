//! What the jobs do, in the workers: useful things, and all that ends a process.

use super::diary;
use super::values::{Pace, SlowToReceive, SlowToSend};
use rustix::process::{Signal, getpid, kill_process};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Deed {
    /// Returns its payload.
    Echo,
    /// Returns a payload, given none.
    Produce,
    /// Returns eight bytes that depend on all of its payload.
    Consume,
    /// Sleeps for so many microseconds.
    Nap(u64),
    /// Computes for so many microseconds.
    Spin(u64),
    /// Returns an error.
    Fail,
    /// Panics, naming its number.
    Panic,
    /// Exits with this code.
    Exit(i32),
    /// Aborts.
    Abort,
    /// Dies as by touching memory that is not its own.
    Fault,
    /// Uses up its stack.
    Overflow,
    /// Never returns.
    Endless,
    /// Returns when the barrier with this number is down (see `Diary::barrier`).
    Held(u64),
}

/// A job's argument.
#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    /// Tells the jobs of a run apart; from 1.
    pub number: u64,
    /// What is to be done.
    pub deed: Deed,
    /// The length of the payload, in bytes, in whichever direction it goes.
    pub length: usize,
    /// `content` of that length, or nothing.
    pub payload: ByteBuf,
    /// How fast this argument is serialized.
    pub encode: SlowToSend,
    /// How fast the reply is to be deserialized.
    pub decode: Pace,
}

/// What a job returns if it does not fail.
#[derive(Debug, Serialize, Deserialize)]
pub struct Reply {
    /// `content`, or what the deed makes of it.
    pub payload: ByteBuf,
    /// How fast it is deserialized.
    pub decode: SlowToReceive,
}

/// What a job returns.
pub type Answer = Result<Reply, String>;

/// The function that all jobs call.
pub fn act(order: Order) -> Answer {
    diary::note(order.number);
    let decode = SlowToReceive(order.decode);
    perform(order).map(|payload| Reply { payload, decode })
}

fn perform(order: Order) -> Result<ByteBuf, String> {
    match order.deed {
        Deed::Echo => return Ok(order.payload),
        Deed::Consume => return Ok(ByteBuf::from(digest(&order.payload))),
        Deed::Produce => {}
        Deed::Held(barrier) => diary::wait_at(barrier),
        Deed::Nap(micros) => sleep(Duration::from_micros(micros)),
        Deed::Spin(micros) => {
            let start = Instant::now();
            while start.elapsed() < Duration::from_micros(micros) {
                std::hint::spin_loop();
            }
        }
        Deed::Fail => return Err(format!("job {} fails", order.number)),
        Deed::Panic => panic!("job {} panics", order.number),
        Deed::Exit(code) => std::process::exit(code),
        Deed::Abort => std::process::abort(),
        // The first only takes away the handler that the standard library has.
        Deed::Fault => loop {
            let _ = kill_process(getpid(), Signal::SEGV);
        },
        Deed::Overflow => {
            overflow(0);
        }
        Deed::Endless => park(),
    }
    Ok(ByteBuf::from(content(order.number, order.length)))
}

fn park() -> ! {
    loop {
        std::thread::park();
    }
}

#[allow(unconditional_recursion, reason = "that is the point")]
fn overflow(n: u64) -> u64 {
    std::hint::black_box(overflow(std::hint::black_box(n + 1)) + 1)
}

fn word(number: u64, place: u64) -> u64 {
    let mixed = (number << 32 ^ place).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    // What tells numbers apart is in the upper half: to the front with it.
    mixed.rotate_left(32)
}

/// Bytes that no other job has, in an order in which none may be missing.
pub(super) fn content(number: u64, length: usize) -> Vec<u8> {
    let words = length.div_ceil(8) as u64;
    let mut bytes = Vec::with_capacity(words as usize * 8);
    for place in 0..words {
        bytes.extend_from_slice(&word(number, place).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Whether these bytes are the [`content`].
pub(super) fn is_content(bytes: &[u8], number: u64, length: usize) -> bool {
    let same = |(place, chunk): (u64, &[u8])| {
        let expected = word(number, place).to_le_bytes();
        chunk == &expected[..chunk.len()]
    };
    bytes.len() == length && (0..).zip(bytes.chunks(8)).all(same)
}

/// A sum that depends on every byte and its place.
pub(super) fn digest(bytes: &[u8]) -> [u8; 8] {
    let sum = bytes.chunks(8).fold(0_u64, |sum, chunk| {
        let mut eight = [0; 8];
        eight[..chunk.len()].copy_from_slice(chunk);
        sum.rotate_left(7).wrapping_add(u64::from_le_bytes(eight))
    });
    sum.to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_known_by_its_number_and_every_byte() {
        for length in [0, 1, 8, 1001] {
            let mut bytes = content(5, length);
            assert!(is_content(&bytes, 5, length));
            assert!(!is_content(&bytes, 5, length + 1));
            assert!(length == 0 || !is_content(&bytes, 6, length));
            if let Some(last) = bytes.last_mut() {
                *last ^= 1;
                assert!(!is_content(&bytes, 5, length));
                assert_ne!(digest(&bytes), digest(&content(5, length)));
            }
        }
    }
}
