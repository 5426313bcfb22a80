//! How a worker process died, and what it was doing.

use std::fmt;
use std::time::Duration;

/// The report on a worker process that died while a job was with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerLost {
    pid: u32,
    exit: WorkerExit,
    cause: DeathCause,
    started: bool,
    ran_for: Option<Duration>,
    attempt: u32,
    quarantined: bool,
    stderr: String,
}

/// How a worker process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WorkerExit {
    /// It exited by itself with this code, for example through
    /// `std::process::exit`.
    Code(i32),
    /// This signal killed it.
    Signal(i32),
    /// The system did not tell.
    Unknown,
}

/// Why a worker process ended, as far as that can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DeathCause {
    /// The function ended the process, through `std::process::exit` or the like.
    Exit,
    /// The process aborted.
    Abort,
    /// A thread used up its stack.
    StackOverflow,
    /// It touched memory that is not its own, or is gone.
    MemoryFault,
    /// It ran out of memory: an allocation failed, or the kernel chose it.
    OutOfMemory,
    /// It broke the protocol between worker and parent, or went silent, and the
    /// pool killed it.
    Misbehaved,
    /// Somebody else's signal killed it.
    Killed,
    /// The system did not tell.
    Unknown,
}

impl WorkerLost {
    /// A report on the worker `pid`; `started` tells whether the job's function
    /// had begun to run.
    pub fn new(pid: u32, exit: WorkerExit, started: bool) -> Self {
        Self {
            pid,
            exit,
            cause: DeathCause::of(exit),
            started,
            ran_for: None,
            attempt: 1,
            quarantined: false,
            stderr: String::new(),
        }
    }

    /// Says why, where more is known than the exit tells.
    #[must_use]
    pub fn with_cause(mut self, cause: DeathCause) -> Self {
        self.cause = cause;
        self
    }

    /// Says how long the function had run.
    #[must_use]
    pub fn with_run_time(mut self, ran_for: Duration) -> Self {
        self.ran_for = Some(ran_for);
        self
    }

    /// Says which attempt this was, counted from one, and whether the job is
    /// given up because it has killed too many workers.
    #[must_use]
    pub fn with_attempt(mut self, attempt: u32, quarantined: bool) -> Self {
        self.attempt = attempt;
        self.quarantined = quarantined;
        self
    }

    /// Adds the last lines that the worker wrote to its standard error.
    #[must_use]
    pub fn with_stderr(mut self, lines: impl Into<String>) -> Self {
        self.stderr = lines.into();
        self
    }

    /// The worker's process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// How the process ended.
    pub fn exit(&self) -> WorkerExit {
        self.exit
    }

    /// Why it ended, as far as that can be told.
    pub fn cause(&self) -> DeathCause {
        self.cause
    }

    /// Whether the job's function had begun: if not, running it again is safe.
    pub fn had_started(&self) -> bool {
        self.started
    }

    /// How long the function had run, if it had begun.
    pub fn ran_for(&self) -> Option<Duration> {
        self.ran_for
    }

    /// Which attempt this was, counted from one.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Whether the job was declared safe to run again, and has killed a worker
    /// each time until its attempts were used up.
    pub fn is_quarantined(&self) -> bool {
        self.quarantined
    }

    /// The last lines that the worker wrote to its standard error, or nothing.
    pub fn stderr(&self) -> &str {
        &self.stderr
    }
}

impl DeathCause {
    /// What an exit alone tells.
    fn of(exit: WorkerExit) -> Self {
        match exit {
            WorkerExit::Code(_) => Self::Exit,
            WorkerExit::Signal(6) => Self::Abort,
            WorkerExit::Signal(11) => Self::MemoryFault,
            WorkerExit::Signal(7) if cfg!(target_os = "linux") => Self::MemoryFault,
            WorkerExit::Signal(_) => Self::Killed,
            WorkerExit::Unknown => Self::Unknown,
        }
    }

    /// What is worth adding to the exit.
    fn note(self) -> Option<&'static str> {
        match self {
            Self::StackOverflow => Some("its stack overflowed"),
            Self::OutOfMemory => Some("it ran out of memory"),
            Self::Misbehaved => Some("it misbehaved"),
            _ => None,
        }
    }
}

impl fmt::Display for WorkerLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "worker process {} {}", self.pid, self.exit)?;
        if let Some(note) = self.cause.note() {
            write!(f, " ({note})")?;
        }
        match (self.started, self.ran_for) {
            (true, Some(time)) => write!(f, " while it ran the function, after {time:.1?}")?,
            (true, None) => f.write_str(" while it ran the function")?,
            (false, _) => f.write_str(" before it started the function")?,
        }
        match (self.quarantined, self.attempt) {
            (true, attempt) => write!(
                f,
                "; the job is quarantined: it has killed {attempt} workers and is not run again"
            )?,
            (false, 1) => {}
            (false, attempt) => write!(f, "; this was attempt {attempt}")?,
        }
        match self.stderr.trim_end() {
            "" => Ok(()),
            lines => write!(f, "; its last words: {lines}"),
        }
    }
}

impl fmt::Display for WorkerExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Code(code) => write!(f, "exited with code {code}"),
            Self::Signal(signal) => match signal_name(signal) {
                Some(name) => write!(f, "was killed by {name} (signal {signal})"),
                None => write!(f, "was killed by signal {signal}"),
            },
            Self::Unknown => f.write_str("ended, how is not known,"),
        }
    }
}

/// The name of a signal; the numbers are those of Linux on every architecture
/// but MIPS and SPARC, restricted to those that all Unix systems share.
fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        _ if cfg!(target_os = "linux") => match signal {
            7 => "SIGBUS",
            10 => "SIGUSR1",
            12 => "SIGUSR2",
            24 => "SIGXCPU",
            25 => "SIGXFSZ",
            31 => "SIGSYS",
            _ => return None,
        },
        _ => return None,
    })
}
