//! [`sha256`]: the function that runs in the workers.

use super::File;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::io::{self, ErrorKind, Read as _};

/// A SHA-256 sum, shown in hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest([u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The SHA-256 sum of a file, of which no more than a buffer is in memory.
///
/// # Errors
/// Why it cannot be read, as text: an `io::Error` cannot cross to another
/// process.
pub fn sha256(file: File) -> Result<Digest, String> {
    read(&file).map_err(|error| error.to_string())
}

fn read(file: &File) -> io::Result<Digest> {
    let mut file = file.open()?;
    let mut hasher = Sha256::new();
    let mut buffer = [0; 64 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(Digest(hasher.finalize().into())),
            Ok(length) => hasher.update(&buffer[..length]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
