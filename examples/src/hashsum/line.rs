//! [`write_line`]: a sum as `sha256sum` prints it, and `sha256sum -c` reads it.

use super::Digest;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// Writes the line of one file.
///
/// The name is written as its raw bytes, whatever their encoding. If it would
/// break the line, or looks as if it were escaped, it is escaped, and a backslash
/// before the sum says so.
///
/// # Errors
/// Those of `out`.
///
/// ```
/// use examples::hashsum::{File, sha256, write_line};
///
/// let mut line = Vec::new();
/// let empty = sha256(File::named("/dev/null"))?;
/// write_line(&mut line, &empty, "new\nline".as_ref())?;
/// assert_eq!(
///     String::from_utf8(line)?,
///     "\\e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  new\\nline\n",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_line(out: &mut impl Write, digest: &Digest, path: &Path) -> io::Result<()> {
    let name = path.as_os_str().as_bytes();
    if !name.iter().any(|&byte| escape(byte).is_some()) {
        write!(out, "{digest}  ")?;
        out.write_all(name)?;
        return out.write_all(b"\n");
    }
    write!(out, "\\{digest}  ")?;
    for &byte in name {
        match escape(byte) {
            Some(escaped) => out.write_all(escaped)?,
            None => out.write_all(&[byte])?,
        }
    }
    out.write_all(b"\n")
}

/// How a byte is written that cannot stand for itself.
fn escape(byte: u8) -> Option<&'static [u8]> {
    match byte {
        b'\\' => Some(br"\\"),
        b'\n' => Some(br"\n"),
        b'\r' => Some(br"\r"),
        _ => None,
    }
}
