//! How a worker process died, and what it was doing.

use std::fmt;

/// The report on a worker process that died while a job was with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerLost {
    pid: u32,
    exit: WorkerExit,
    started: bool,
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

impl WorkerLost {
    /// A report on the worker `pid`; `started` tells whether the job's function
    /// had begun to run.
    pub fn new(pid: u32, exit: WorkerExit, started: bool) -> Self {
        Self { pid, exit, started }
    }

    /// The worker's process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// How the process ended.
    pub fn exit(&self) -> WorkerExit {
        self.exit
    }

    /// Whether the job's function had begun: if not, running it again is safe.
    pub fn had_started(&self) -> bool {
        self.started
    }
}

impl fmt::Display for WorkerLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = match self.started {
            true => "while it ran the function",
            false => "before it started the function",
        };
        write!(f, "worker process {} {} {when}", self.pid, self.exit)
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
