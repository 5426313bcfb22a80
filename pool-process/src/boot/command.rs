//! The command of a worker: this program again.

use crate::config::Config;
use crate::handshake::{self, Invitation};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Nothing here needs code between fork and exec, so that the standard library
/// can use `posix_spawn`; everything else is set up by the worker itself.
pub(super) fn command(config: &Config, invitation: &Invitation) -> Command {
    let snapshot = &config.snapshot;
    // The link, not the path: the file may have been replaced meanwhile.
    let this = Path::new("/proc/self/exe");
    let mut command = Command::new(config.worker_exe.as_deref().unwrap_or(this));
    command
        .arg0(&snapshot.program)
        .env_clear()
        .envs(&snapshot.environment)
        .env(handshake::VARIABLE, invitation.to_string())
        .current_dir(&snapshot.directory)
        .process_group(0);
    if config.capture_stderr {
        command.stderr(Stdio::piped());
    }
    match config.libtest {
        None => {
            command.args(&snapshot.arguments);
        }
        Some(test) => {
            command.args(["--exact", test, "--nocapture", "--quiet"]);
            command.arg("--test-threads=1");
            // The harness reports on its standard output, which the worker then
            // replaces.
            command.stdout(Stdio::null());
        }
    }
    command
}
