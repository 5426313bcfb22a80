//! Making a fresh process a worker: descriptors, masks, signals of death.

use crate::handshake::Invitation;
use crate::signals;
use crate::transport::{Board, WorkerWire};
use rustix::fs::{Mode, OFlags};
#[cfg(target_os = "linux")]
use rustix::process::Signal;
use std::ffi::CString;
use std::io;
use std::os::fd::OwnedFd;

/// Has the kernel end this process when the supervisor's thread ends: the second
/// line, for a worker that is stopped or starved when its parent dies.
pub(super) fn survive_only_with(parent: u32) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // It may have died before that.
    let now = rustix::process::getppid().map_or(0, |pid| pid.as_raw_nonzero().get());
    if u32::try_from(now) != Ok(parent) {
        return Err(io::Error::other("its parent is gone already"));
    }
    Ok(())
}

/// The wire is the standard input, which is then put to rest; the board comes
/// over it, and perhaps where the channels are.
pub(super) fn take_standard_input() -> io::Result<(WorkerWire, Board, Option<OwnedFd>)> {
    let (wire, [board, bell], channels) = WorkerWire::take(rustix::stdio::stdin())?;
    let board = Board::open(board, bell)?;
    let null = rustix::fs::open("/dev/null", OFlags::RDWR, Mode::empty())?;
    rustix::stdio::dup2_stdin(&null)?;
    Ok((wire, board, channels))
}

/// Takes over what the pool's snapshot says and the command could not carry.
pub(super) fn inherit(invitation: &Invitation) {
    signals::set_mask(invitation.signals);
    let umask = invitation.umask.as_deref();
    if let Some(umask) = umask.and_then(|umask| u32::from_str_radix(umask, 8).ok()) {
        rustix::process::umask(Mode::from_raw_mode(umask));
    }
    // `ps` would show "exe", after the link that was executed.
    let program = std::env::args_os().next().unwrap_or_default();
    let name = std::path::Path::new(&program).file_name();
    let name = name.map(|name| name.as_encoded_bytes().to_vec());
    if let Some(name) = name.and_then(|name| CString::new(name).ok()) {
        // It is only a label.
        let _ = rustix::thread::set_name(&name);
    }
}

/// The test harness has written its header to the standard output, which was
/// thrown away for that reason. What jobs print goes where errors go.
pub(super) fn leave_the_harness_output() -> io::Result<()> {
    Ok(rustix::stdio::dup2_stdout(rustix::stdio::stderr())?)
}
