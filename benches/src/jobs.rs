//! Functions that do next to nothing.

/// The smallest job with an argument and a result.
pub fn increment(n: u64) -> u64 {
    n.wrapping_add(1)
}

/// Gives back what it is given: the payload travels both ways.
pub fn echo(payload: Vec<u8>) -> Vec<u8> {
    payload
}
