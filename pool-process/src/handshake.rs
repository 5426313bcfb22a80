//! How a worker and its parent come to know each other.
//!
//! The parent starts the worker with an [`Invitation`] in its environment. The worker
//! says one [`Hello`] over the wire: who it is, the nonce it was invited with, which
//! program it runs, and whether it has found its channels. Who says anything else is
//! refused. The parent gives the worker its orders, and the worker says when it is ready.
//!
//! | over the wire | what |
//! |---|---|
//! | to the worker | a byte, with the board, and its ends of the channels |
//! | from it | [`Hello`] |
//! | to it | the length of its orders, its orders |
//! | from it | that it is ready, or why it is not |

use crate::image::ImageId;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The variable that makes a process a worker. Removed as soon as it is read.
pub(crate) const VARIABLE: &str = "POOL_PROCESS_WORKER";

/// Changes whenever parent and worker would no longer understand each other.
/// They run the same image, so this matters only for a wrong `worker_exe`.
const PROTOCOL: u32 = 2;

pub(crate) type Nonce = u128;

/// A number that nobody else can guess.
pub(crate) fn fresh_nonce() -> std::io::Result<Nonce> {
    let mut bytes = [0; 16];
    let flags = rustix::rand::GetRandomFlags::empty();
    // So few bytes are always given whole.
    rustix::rand::getrandom(&mut bytes[..], flags)?;
    Ok(Nonce::from_le_bytes(bytes))
}

/// What a worker is told when it is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invitation {
    pub(crate) nonce: Nonce,
    pub(crate) parent: u32,
    /// How many pools this worker is inside of.
    pub(crate) depth: u32,
    /// The mask for new files, in octal.
    pub(crate) umask: Option<String>,
    /// The signals that it blocks, one bit for each.
    pub(crate) signals: u64,
    /// Whether the worker is another file, which its contents have to identify.
    pub(crate) by_contents: bool,
    /// The directory for the worker's sockets, if there is one.
    pub(crate) place: Option<String>,
}

impl fmt::Display for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let umask = self.umask.as_deref().unwrap_or("-");
        let (nonce, parent, depth) = (self.nonce, self.parent, self.depth);
        let code = u8::from(self.by_contents);
        let place = self.place.as_deref().unwrap_or_default();
        let signals = self.signals;
        write!(
            f,
            "{PROTOCOL}:{nonce:x}:{parent}:{depth}:{umask}:{signals:x}:{code}:{place}"
        )
    }
}

impl FromStr for Invitation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let mut parts = text.splitn(8, ':');
            let protocol: u32 = parts.next()?.parse().ok()?;
            Some((
                protocol,
                Self {
                    nonce: Nonce::from_str_radix(parts.next()?, 16).ok()?,
                    parent: parts.next()?.parse().ok()?,
                    depth: parts.next()?.parse().ok()?,
                    umask: Some(parts.next()?.to_owned()).filter(|umask| umask != "-"),
                    signals: u64::from_str_radix(parts.next()?, 16).ok()?,
                    by_contents: parts.next()? == "1",
                    place: Some(parts.next()?.to_owned()).filter(|place| !place.is_empty()),
                },
            ))
        };
        match parse() {
            Some((PROTOCOL, invitation)) => Ok(invitation),
            Some((other, _)) => Err(format!("protocol {other}, this program has {PROTOCOL}")),
            None => Err("it is not an invitation".to_owned()),
        }
    }
}

/// What a worker says first.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) protocol: u32,
    pub(crate) pid: u32,
    pub(crate) nonce: Nonce,
    pub(crate) image: ImageId,
    /// Whether it has its channels. If not, the wire takes their place.
    pub(crate) channels: bool,
}

impl Hello {
    pub(crate) fn new(nonce: Nonce, image: ImageId, channels: bool) -> Self {
        Self {
            protocol: PROTOCOL,
            pid: std::process::id(),
            nonce,
            image,
            channels,
        }
    }

    /// Admits the worker that was invited, and nobody else; says whether it has its channels.
    pub(crate) fn admit(self, pid: u32, nonce: Nonce, image: &ImageId) -> Result<bool, String> {
        if self.protocol != PROTOCOL {
            let theirs = self.protocol;
            return Err(format!("it speaks protocol {theirs}, not {PROTOCOL}"));
        }
        if self.nonce != nonce {
            return Err("it does not know the nonce of its invitation".to_owned());
        }
        if self.pid != pid {
            return Err(format!("it is process {}, not {pid}", self.pid));
        }
        if self.image != *image {
            return Err("it runs another program than its parent".to_owned());
        }
        Ok(self.channels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invitation() -> Invitation {
        Invitation {
            nonce: Nonce::MAX,
            parent: 7,
            depth: 2,
            umask: None,
            signals: 1 << 63 | 5,
            by_contents: true,
            place: Some("/tmp/a:b".to_owned()),
        }
    }

    #[test]
    fn an_invitation_is_read_as_it_was_written() {
        let given = |text: &str| Some(text.to_owned());
        for (umask, place) in [(None, given("/tmp/a:b")), (given("0022"), None)] {
            let invitation = Invitation {
                umask,
                place,
                ..invitation()
            };
            assert_eq!(invitation.to_string().parse(), Ok(invitation));
        }
    }

    #[test]
    fn other_protocols_and_other_texts_are_refused() {
        let text = invitation().to_string().replacen('2', "9", 1);
        assert!(
            text.parse::<Invitation>()
                .unwrap_err()
                .contains("protocol 9")
        );
        for text in ["", "2", "2:2:3", "x:0:0:0:-:0:0:s", "2:zz:0:0:-:0:0:s"] {
            assert!(text.parse::<Invitation>().is_err(), "{text}");
        }
    }

    #[test]
    fn only_the_invited_is_admitted() {
        let image = ImageId::of_this_process(false).unwrap();
        let hello = || Hello::new(5, image.clone(), true);
        let pid = std::process::id();
        assert_eq!(hello().admit(pid, 5, &image), Ok(true));
        assert!(hello().admit(pid, 6, &image).unwrap_err().contains("nonce"));
        assert!(hello().admit(1, 5, &image).unwrap_err().contains("process"));
        let mut other = hello();
        other.protocol += 1;
        assert!(
            other
                .admit(pid, 5, &image)
                .unwrap_err()
                .contains("protocol")
        );
    }

    #[test]
    fn nonces_differ() {
        assert_ne!(fresh_nonce().unwrap(), fresh_nonce().unwrap());
    }
}
