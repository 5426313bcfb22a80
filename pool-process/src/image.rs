//! The program's image: naming a function so that another process of the same
//! program finds it.
//!
//! Where an image is loaded differs from process to process; distances within it
//! do not. So a function travels as its offset from an anchor, and both sides
//! check that it lies in the code of the main image: a function in a dynamic
//! library may be elsewhere or absent on the other side, and is refused.

use executor_core::Entry;
use serde::{Deserialize, Serialize};
use std::io;
use std::sync::OnceLock;

/// The point that offsets count from.
#[inline(never)]
fn anchor() {
    std::hint::black_box(());
}

fn anchor_address() -> usize {
    anchor as fn() as usize
}

/// Where a trampoline is, from the anchor. `None` if it is not in the code of
/// the main image.
pub(crate) fn offset_of(entry: Entry) -> Option<i64> {
    let address = entry.address();
    is_code(address).then(|| address.wrapping_sub(anchor_address()) as i64)
}

/// The trampoline at an offset. `None` if that is not in the code of the main
/// image.
///
/// # Safety
/// [`offset_of`] must have given this offset, in this process or in one whose
/// image is the same (see [`ImageId`]).
pub(crate) unsafe fn entry_at(offset: i64) -> Option<Entry> {
    let address = anchor_address().wrapping_add(offset as usize);
    // SAFETY: by the caller's promise this is the address of an entry.
    is_code(address).then(|| unsafe { Entry::from_address(address) })
}

/// The code segments of the main image, as address ranges.
fn code() -> &'static [(usize, usize)] {
    static CODE: OnceLock<Vec<(usize, usize)>> = OnceLock::new();
    CODE.get_or_init(read_code)
}

fn is_code(address: usize) -> bool {
    code()
        .iter()
        .any(|&(start, end)| (start..end).contains(&address))
}

/// True if this crate itself is part of the main image, without which nothing
/// can be named.
pub(crate) fn anchor_is_code() -> bool {
    is_code(anchor_address())
}

#[cfg(target_os = "linux")]
fn read_code() -> Vec<(usize, usize)> {
    extern "C" fn first_image(
        info: *mut libc::dl_phdr_info,
        _size: libc::size_t,
        found: *mut libc::c_void,
    ) -> libc::c_int {
        // SAFETY: the loader passes a valid record and our own pointer back, and
        // neither is used after this call.
        let (info, found) = unsafe { (&*info, &mut *found.cast::<Vec<(usize, usize)>>()) };
        for header in 0..usize::from(info.dlpi_phnum) {
            // SAFETY: the record says that there are so many headers.
            let header = unsafe { &*info.dlpi_phdr.add(header) };
            if header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_X != 0 {
                let start = (info.dlpi_addr as usize).wrapping_add(header.p_vaddr as usize);
                found.push((start, start.wrapping_add(header.p_memsz as usize)));
            }
        }
        // The main image is the first that is reported; no other is wanted.
        1
    }
    let mut found = Vec::new();
    // SAFETY: the callback has the type that is asked for and gets a pointer to
    // a vector that outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(first_image), (&raw mut found).cast()) };
    found
}

#[cfg(not(target_os = "linux"))]
fn read_code() -> Vec<(usize, usize)> {
    Vec::new()
}

/// Which program an image is: equal in two processes if they run the same file,
/// even when that has been replaced since they started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ImageId {
    device: u64,
    inode: u64,
    size: u64,
    /// A hash of its code, where files may differ.
    code: Option<u64>,
}

impl ImageId {
    /// The image of this process; `by_code` if it may be a copy of the parent's.
    pub(crate) fn of_this_process(by_code: bool) -> io::Result<Self> {
        // The link leads to the file that was started, also if it was unlinked.
        let stat = rustix::fs::stat("/proc/self/exe")?;
        Ok(Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            size: stat.st_size as u64,
            code: by_code.then(hash_of_code),
        })
    }

    /// Whether functions have the same place in both.
    pub(crate) fn is_same_program(&self, other: &Self) -> bool {
        let same_file = (self.device, self.inode) == (other.device, other.inode);
        let same_code = self.code.is_some() && self.code == other.code;
        self.size == other.size && (same_file || same_code)
    }
}

/// FNV-1a over the code of the main image, eight bytes at a time. It tells
/// different builds apart, and need not withstand an attack: whoever chooses
/// the worker's program owns the worker anyway.
fn hash_of_code() -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for &(start, end) in code() {
        for address in (start..end & !7).step_by(8) {
            let word = std::ptr::with_exposed_provenance::<u64>(address);
            // SAFETY: the loader has mapped this range as code of the main image,
            // which is readable, is never unmapped, and starts at a page.
            let word = unsafe { word.read_unaligned() };
            hash = (hash ^ word).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use executor_core::{CallFault, Trampoline};

    fn trampoline(_: &mut Vec<u8>, _: &mut Vec<u8>) -> Result<(), CallFault> {
        Ok(())
    }

    #[test]
    fn a_function_of_the_image_is_found_by_its_offset() {
        // SAFETY: the address is that of a function of the right type.
        let entry = unsafe { Entry::from_address(trampoline as Trampoline as usize) };
        let offset = offset_of(entry).unwrap();
        // SAFETY: the offset was just given.
        let found = unsafe { entry_at(offset) };
        assert_eq!(found.unwrap().address(), entry.address());
        assert!(anchor_is_code());
    }

    #[test]
    fn an_address_outside_the_code_of_the_image_is_refused() {
        let data = Box::new(0_u8);
        let outside = [
            &raw const *data as usize,
            0,
            libc::malloc as *const () as usize,
        ];
        for address in outside {
            assert!(!is_code(address), "{address:#x}");
        }
    }

    #[test]
    fn a_program_is_the_same_by_its_file_or_by_its_code() {
        let by_file = ImageId::of_this_process(false).unwrap();
        let by_code = ImageId::of_this_process(true).unwrap();
        assert!(by_file.is_same_program(&by_code));
        let copy = ImageId {
            inode: by_code.inode + 1,
            ..by_code
        };
        assert!(by_code.is_same_program(&copy));
        assert!(!by_file.is_same_program(&copy));
        let other = ImageId {
            code: Some(1),
            ..copy
        };
        assert!(!by_code.is_same_program(&other));
    }
}
