//! Copying much memory in small pieces.
//!
//! A processor copies a long stretch with one instruction (`rep movsb`), which the C library
//! uses from some kilobytes on. On AMD's Zen 3 that is thirteen times slower where the
//! destination lies up to 31 bytes further into its page than the source lies in its own:
//! 36 µs for 64 KiB in place of 2.5 (glibc 2.36, measured 2026-11-28; for Zen 4 it is glibc's
//! bug 30994). A vector begins 16 bytes into a page, and so that is common: what is read from
//! the start of a page, or is written behind a short head. Pieces of a kilobyte are copied by
//! other instructions, as fast as the best.

/// The longest piece, in bytes: below the length from which the C library uses that
/// instruction, which is 2 KiB at the least.
pub const PIECE: usize = 1024;

/// Appends `bytes` to `buffer`.
///
/// # Panics
/// If there can be no vector of that length.
#[inline]
pub fn append(buffer: &mut Vec<u8>, bytes: &[u8]) {
    if bytes.len() <= PIECE {
        return buffer.extend_from_slice(bytes);
    }
    append_pieces(buffer, bytes);
}

#[inline(never)]
fn append_pieces(buffer: &mut Vec<u8>, bytes: &[u8]) {
    buffer.reserve(bytes.len());
    for piece in bytes.chunks(PIECE) {
        buffer.extend_from_slice(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_it_is_appended_whatever_its_length() {
        for len in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 7] {
            let bytes: Vec<_> = (0..len).map(|n| (n % 251) as u8).collect();
            let mut buffer = b"before".to_vec();
            append(&mut buffer, &bytes);
            assert_eq!(buffer, [b"before", &*bytes].concat());
        }
    }
}
