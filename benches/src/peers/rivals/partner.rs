//! [`Partner`]: another process of this program, which plays one of its roles.

use crate::peers::Fault;
use crate::peers::role::ROLE;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// A process that ends when this is dropped.
///
/// It learns of it by the end of its standard input, so that it can end what it
/// has started itself.
pub(crate) struct Partner {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

/// How long it may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

impl Partner {
    /// Starts a copy of this program in this role.
    pub(crate) fn start(role: &[&str]) -> Result<Self, Fault> {
        let mut command = Command::new("/proc/self/exe");
        command.arg(ROLE).args(role);
        Ok(Self::spawn(&mut command)?)
    }

    /// Starts another program, with pipes to its input and from its output.
    pub(crate) fn spawn(command: &mut Command) -> std::io::Result<Self> {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = piped.spawn()?;
        let missing = || std::io::Error::other("a child process has no pipes");
        let input = Some(child.stdin.take().ok_or_else(missing)?);
        let output = BufReader::new(child.stdout.take().ok_or_else(missing)?);
        let partner = Self {
            child,
            input,
            output,
        };
        Ok(partner)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The process' standard input.
    pub(crate) fn input(&mut self) -> Option<&mut ChildStdin> {
        self.input.as_mut()
    }

    /// The next line that it writes; without the end of the line.
    pub(crate) fn line(&mut self) -> Result<String, Fault> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err("its process ended".into());
        }
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Partner {
    fn drop(&mut self) {
        self.input = None;
        let until = Instant::now() + PATIENCE;
        while let Ok(None) = self.child.try_wait() {
            if Instant::now() > until {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}
