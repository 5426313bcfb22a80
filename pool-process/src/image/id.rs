//! Which program an image is.
//!
//! A worker mostly runs the very file that its parent runs, and is known by that. Where
//! it is started from another one (`worker_exe`), which may be a copy or another build,
//! the files say nothing, and on the systems that this is for there may be no `/proc` to
//! find them by. Then what is loaded is compared: the build id, which the linker computes
//! over all of the program's contents, where it has made one; and otherwise all that is
//! loaded and never written, code and constants alike.

use super::{Range, bytes, image};
use serde::{Deserialize, Serialize};
use std::io;
use std::sync::OnceLock;

/// Which program an image is: equal in two processes in which functions have the same
/// place and constants the same value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ImageId {
    /// The file, even when it has been replaced since it was started.
    File { device: u64, inode: u64, size: u64 },
    /// What the linker calls it.
    Build(Vec<u8>),
    /// A hash of what is never written.
    Contents(u64),
}

impl ImageId {
    /// The image of this process; `by_contents` if it may be another file than the
    /// parent's.
    ///
    /// # Errors
    /// `/proc` does not show the file. By its contents an image is always known.
    pub(crate) fn of_this_process(by_contents: bool) -> io::Result<Self> {
        if by_contents {
            static CONTENTS: OnceLock<ImageId> = OnceLock::new();
            return Ok(CONTENTS.get_or_init(by_what_is_loaded).clone());
        }
        // The link leads to the file that was started, also if it was unlinked.
        let stat = rustix::fs::stat("/proc/self/exe")?;
        Ok(Self::File {
            device: stat.st_dev,
            inode: stat.st_ino,
            size: stat.st_size as u64,
        })
    }
}

fn by_what_is_loaded() -> ImageId {
    let notes = image().notes.iter().map(|&note| bytes(note));
    match notes.filter_map(build_id).next() {
        Some(id) => ImageId::Build(id.to_vec()),
        None => ImageId::Contents(hash(&image().constant)),
    }
}

/// The build id among some notes. Each has the lengths of its owner's name and of its
/// contents, its type, and then both, with each brought to a multiple of four bytes.
fn build_id(mut notes: &[u8]) -> Option<&[u8]> {
    loop {
        let (lens, rest) = notes.split_at_checked(12)?;
        let number = |at: usize| u32::from_ne_bytes([0, 1, 2, 3].map(|byte| lens[at + byte]));
        let padded = |len: u32| usize::try_from(len).ok()?.checked_next_multiple_of(4);
        let (name, rest) = rest.split_at_checked(padded(number(0))?)?;
        let id = rest.get(..number(4) as usize)?;
        if number(8) == BUILD_ID && name == b"GNU\0" && !id.is_empty() {
            return Some(id);
        }
        // The padding of the last one may be missing.
        notes = rest.get(padded(number(4))?..)?;
    }
}

const BUILD_ID: u32 = 3;

/// FNV-1a, eight bytes at a time. It tells different builds apart, and need not
/// withstand an attack: whoever chooses the worker's program owns the worker anyway.
fn hash(ranges: &[Range]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for &range in ranges {
        for chunk in bytes(range).chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            hash = (hash ^ u64::from_ne_bytes(word)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    static CONSTANT: [u8; 100] = [77; 100];

    #[test]
    fn what_identifies_an_image_covers_its_constants_and_its_code() {
        let covers = |address: usize| {
            let mut constant = image().constant.iter();
            constant.any(|range| (range.0..range.1).contains(&address))
        };
        assert!(covers((&raw const CONSTANT).addr()));
        assert!(covers(build_id as *const () as usize));
        let on_the_heap = Box::new(0);
        assert!(!covers((&raw const *on_the_heap).addr()));
        assert_eq!(by_what_is_loaded(), by_what_is_loaded());
    }

    #[test]
    fn each_byte_counts_for_the_hash() {
        let of = |bytes: &[u8]| {
            let start = bytes.as_ptr().expose_provenance();
            hash(&[(start, start + bytes.len())])
        };
        let all: Vec<u8> = (0..100).collect();
        for at in 0..100 {
            let mut other = all.clone();
            other[at] ^= 1;
            assert_ne!(of(&all), of(&other), "{at}");
        }
    }

    fn note(name: &[u8], kind: u32, id: &[u8]) -> Vec<u8> {
        let mut note = Vec::new();
        for number in [name.len() as u32, id.len() as u32, kind] {
            note.extend(number.to_ne_bytes());
        }
        for part in [name, id] {
            note.extend(part);
            note.resize(note.len().next_multiple_of(4), 0);
        }
        note
    }

    #[test]
    fn the_build_id_is_found_among_other_notes() {
        let others = [note(b"GNU\0", 1, &[9; 16]), note(b"Else\0", 3, b"five!")].concat();
        let all = [others.clone(), note(b"GNU\0", 3, b"an id")].concat();
        assert_eq!(build_id(&all), Some(&b"an id"[..]));
        assert_eq!(build_id(&others), None);
        for len in 0..all.len() - 3 {
            assert_eq!(build_id(&all[..len]), None, "{len}");
        }
        let endless = [u32::MAX, u32::MAX, 3].map(u32::to_ne_bytes).concat();
        assert_eq!(build_id(&endless), None);
    }

    #[test]
    fn a_file_and_contents_are_not_the_same() {
        let file = ImageId::of_this_process(false).unwrap();
        assert_eq!(file, ImageId::of_this_process(false).unwrap());
        assert_ne!(file, ImageId::of_this_process(true).unwrap());
    }
}
