//! A directory for the sockets of a worker that starts, and for nothing else.
//!
//! ipc-channel needs names in the file system, and the directory that the environment
//! says is for temporary files need not be there, or be writable, or have so short a
//! name that a socket fits below it. So several are tried. Those in memory come first:
//! on a disk, making and removing what a start needs may take longer than all the rest
//! of it (2026-11-28, on a machine at work: 10 ms in place of 3.4 ms). If none will do, the
//! worker goes without ipc-channel (see `transport/ipc.rs`): it starts all the same.
//!
//! The directory is closed to other users whatever the file mask is, since ipc-channel
//! makes its own within it as the mask says. It is removed when the start is over,
//! through a descriptor that was opened with it: also when no other can be had.

use rustix::fs::{AtFlags, CWD, Mode, OFlags, RawDir};
use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// A directory that goes when this is dropped, with the socket of a worker that has not
/// come to remove it.
#[derive(Debug)]
pub(super) struct Place {
    path: String,
    descriptor: OwnedFd,
}

impl Place {
    /// Makes a directory in the first place that will do.
    pub(super) fn find() -> Option<Self> {
        let candidates = [
            std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from),
            Some("/dev/shm".into()),
            Some(std::env::temp_dir()),
            Some("/tmp".into()),
            Some("/var/tmp".into()),
        ];
        let mut candidates = candidates.into_iter().flatten();
        candidates.find_map(|directory| Self::make(&directory).ok())
    }

    fn make(directory: &Path) -> io::Result<Self> {
        // The worker may be in another one.
        let directory = std::path::absolute(directory)?;
        let mut number = [0; 8];
        rustix::rand::getrandom(&mut number[..], rustix::rand::GetRandomFlags::empty())?;
        let number = u64::from_le_bytes(number);
        let path = directory.join(format!("{PREFIX}{number:016x}"));
        let unfit = || io::Error::from(io::ErrorKind::InvalidFilename);
        let path = path.into_os_string().into_string().map_err(|_| unfit())?;
        if path.len() > LONGEST {
            return Err(unfit());
        }
        rustix::fs::mkdir(&path, Mode::RWXU)?;
        // The mask may have taken rights from its owner as well.
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
        let opened = rustix::fs::chmod(&path, Mode::RWXU)
            .and_then(|()| rustix::fs::open(&path, flags, Mode::empty()));
        match opened {
            Ok(descriptor) => Ok(Self { path, descriptor }),
            Err(error) => {
                let _ = rustix::fs::rmdir(&path);
                Err(error.into())
            }
        }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Removes what a worker has left that was killed before its server had served:
    /// directories with a socket in them, or none.
    fn clear(&self) {
        let mut space = [MaybeUninit::uninit(); 1024];
        let mut entries = RawDir::new(&self.descriptor, &mut space);
        while let Some(Ok(entry)) = entries.next() {
            let name = entry.file_name();
            if name != c"." && name != c".." {
                self.remove(name);
            }
        }
    }

    /// What is not as it should be stays where it is.
    fn remove(&self, name: &CStr) {
        let socket = [name.to_bytes(), b"/socket"].concat();
        let _ = rustix::fs::unlinkat(&self.descriptor, socket, AtFlags::empty());
        let _ = rustix::fs::unlinkat(&self.descriptor, name, AtFlags::REMOVEDIR);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if rustix::fs::unlinkat(CWD, &self.path, AtFlags::REMOVEDIR).is_err() {
            self.clear();
            let _ = rustix::fs::unlinkat(CWD, &self.path, AtFlags::REMOVEDIR);
        }
    }
}

const PREFIX: &str = "pool-process-";

/// The longest path, in bytes, below which a socket can be made: an address holds 108
/// with the zero at its end, and the rest is `/.tmpXXXXXX/socket`.
const LONGEST: usize = 107 - 18;

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::net::UnixListener;

    #[test]
    fn it_is_private_and_goes_with_what_is_in_it() {
        let directory = tempfile::tempdir().unwrap();
        let place = Place::make(directory.path()).unwrap();
        let mode = std::fs::metadata(place.path()).unwrap().permissions();
        assert_eq!(mode.mode() & 0o7777, 0o700);
        for name in [".tmp1", ".tmp2"] {
            std::fs::create_dir(Path::new(place.path()).join(name)).unwrap();
        }
        let socket = Path::new(place.path()).join(".tmp2/socket");
        drop(UnixListener::bind(socket).unwrap());
        drop(place);
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 0);
    }

    #[test]
    fn a_directory_that_will_not_do_is_left_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let long = directory.path().join("long".repeat(20));
        std::fs::create_dir(&long).unwrap();
        assert!(Place::make(&long).is_err());
        assert!(Place::make(&directory.path().join("nowhere")).is_err());
        assert_eq!(std::fs::read_dir(&long).unwrap().count(), 0);
    }

    #[test]
    fn the_longest_path_is_as_long_as_can_be() {
        let path = |len: usize| format!("/{}/.tmpXXXXXX/socket", "d".repeat(len - 1));
        assert!(rustix::net::SocketAddrUnix::new(path(LONGEST)).is_ok());
        // One more, and there is no room for the zero, which ipc-channel wants.
        assert!(path(LONGEST + 1).len() > 107);
    }
}
