//! The program's image: naming a function so that another process of the same
//! program finds it.
//!
//! Where an image is loaded differs from process to process; distances within it
//! do not. So a function travels as its offset from an anchor, and both sides
//! check that it lies in the code of the main image: a function in a dynamic
//! library may be elsewhere or absent on the other side, and is refused.

mod id;

pub(crate) use self::id::ImageId;

use executor_core::Entry;
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

/// A part of the main image, as addresses.
type Range = (usize, usize);

/// What the main image consists of.
#[derive(Debug, Default)]
struct Image {
    /// Its code.
    code: Vec<Range>,
    /// What is never written, code and constants, as far as it can be read.
    constant: Vec<Range>,
    notes: Vec<Range>,
}

fn image() -> &'static Image {
    static IMAGE: OnceLock<Image> = OnceLock::new();
    IMAGE.get_or_init(read_image)
}

/// The code segments of the main image, as address ranges.
fn code() -> &'static [Range] {
    &image().code
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
fn read_image() -> Image {
    extern "C" fn first_image(
        info: *mut libc::dl_phdr_info,
        _size: libc::size_t,
        found: *mut libc::c_void,
    ) -> libc::c_int {
        // SAFETY: the loader passes a valid record and our own pointer back, and
        // neither is used after this call.
        let (info, found) = unsafe { (&*info, &mut *found.cast::<Image>()) };
        for header in 0..usize::from(info.dlpi_phnum) {
            // SAFETY: the record says that there are so many headers.
            let header = unsafe { &*info.dlpi_phdr.add(header) };
            let start = (info.dlpi_addr as usize).wrapping_add(header.p_vaddr as usize);
            let range = (start, start.wrapping_add(header.p_memsz as usize));
            let has = |flag| header.p_flags & flag != 0;
            match header.p_type {
                libc::PT_LOAD => {
                    if has(libc::PF_X) {
                        found.code.push(range);
                    }
                    if has(libc::PF_R) && !has(libc::PF_W) {
                        found.constant.push(range);
                    }
                }
                libc::PT_NOTE => found.notes.push(range),
                _ => {}
            }
        }
        // The main image is the first that is reported; no other is wanted.
        1
    }
    let mut found = Image::default();
    // SAFETY: the callback has the type that is asked for and gets a pointer to
    // an image that outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(first_image), (&raw mut found).cast()) };
    // Notes are read where they are part of what is loaded for good.
    let constant = std::mem::take(&mut found.constant);
    let lies_in = |note: &Range| constant.iter().any(|c| c.0 <= note.0 && note.1 <= c.1);
    found.notes.retain(lies_in);
    found.constant = constant;
    found
}

#[cfg(not(target_os = "linux"))]
fn read_image() -> Image {
    Image::default()
}

/// The bytes of a part of the image that is never written.
fn bytes((start, end): Range) -> &'static [u8] {
    let start = std::ptr::with_exposed_provenance::<u8>(start);
    let len = end.saturating_sub(start.addr());
    // SAFETY: only ranges of `constant`, or within those, come here. The loader has
    // mapped them as readable and not as writable, and never unmaps the main image.
    unsafe { std::slice::from_raw_parts(start, len) }
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
}
