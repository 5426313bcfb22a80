//! Python's executors, in an interpreter that measures itself on demand.

use super::partner::Partner;
use crate::peers::Fault;
use crate::peers::measure::Sample;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

const PROGRAM: &str = include_str!("python.py");

/// An interpreter that has made its pool and warmed it up.
pub(crate) struct Python {
    process: Partner,
    _script: Script,
}

impl Python {
    /// Starts it for this kind of work.
    ///
    /// # Errors
    /// Why there is no Python here.
    pub(crate) fn start(work: &str, amount: u64) -> Result<Self, Fault> {
        let script = Script::write().map_err(|error| format!("no place for it: {error}"))?;
        let mut command = Command::new("python3");
        command.arg(&script.0).arg(work).arg(amount.to_string());
        let started = Partner::spawn(&mut command).map_err(|error| match error.kind() {
            ErrorKind::NotFound => "there is no python3 here".to_owned(),
            _ => format!("python3 does not start: {error}"),
        });
        let mut process = started?;
        match process.line() {
            Ok(line) if line == "ready" => {}
            Ok(line) => return Err(format!("python3 says {line:?}").into()),
            Err(error) => return Err(format!("python3 cannot do it: {error}").into()),
        }
        let _script = script;
        Ok(Self { process, _script })
    }

    /// Has it measure; it checks its results itself.
    pub(crate) fn measure(&mut self) -> Result<f64, Fault> {
        let input = self.process.input().ok_or("its input is closed")?;
        input.write_all(b"go\n")?;
        Ok(self.process.line()?.parse()?)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }
}

/// A subject's sample in nanoseconds divided by `scale`, or why there is no Python.
pub(crate) fn sample(work: &str, amount: u64, scale: f64) -> Result<Sample, Fault> {
    let mut python = Python::start(work, amount)?;
    Ok(Box::new(move || Ok(python.measure()? / scale)))
}

/// The interpreter's version, if there is one.
pub(crate) fn version() -> Option<String> {
    let mut command = Command::new("python3");
    let output = command
        .arg("--version")
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The program, in a file: where workers are started afresh, they read it too.
struct Script(PathBuf);

impl Script {
    fn write() -> std::io::Result<Self> {
        static WRITTEN: AtomicU32 = AtomicU32::new(0);
        let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
        let name = format!("peers-{}-{number}.py", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, PROGRAM)?;
        Ok(Self(path))
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
