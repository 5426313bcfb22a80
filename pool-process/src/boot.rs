//! Starting one worker: from the command to the handshake.
//!
//! A boot ends in one of three ways, whichever comes first: the worker says
//! hello, it exits, or the deadline passes. The one-shot server can only block,
//! so it is served by a thread of its own; when the boot fails, that thread is
//! released by connecting to it.

use crate::config::Config;
use crate::handshake::{self, Hello, Invitation, fresh_nonce};
use crate::image::ImageId;
use crate::process::Process;
use crate::transport::{Board, ParentEnd, Ringer};
use executor_core::WorkerExit;
use ipc_channel::ipc::IpcOneShotServer;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::fmt;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A worker that has said hello.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) process: Arc<Process>,
    pub(crate) end: ParentEnd,
    pub(crate) board: Arc<Board>,
}

/// A worker that was started, and may still fail.
#[derive(Debug)]
pub(crate) struct Boot {
    process: Arc<Process>,
    board: Board,
    events: Receiver<Event>,
    invitation: Invitation,
    ringer: Arc<OnceLock<Ringer>>,
    deadline: Duration,
}

enum Event {
    Hello(Box<Result<Hello, String>>),
    Exited,
}

impl Boot {
    /// Starts the process. `on_exit` is called, from the watcher's thread, when
    /// it has ended, after the bell was rung.
    pub(crate) fn begin(
        config: &Config,
        on_exit: impl FnOnce() + Send + 'static,
    ) -> Result<Self, BootError> {
        let failed = |what: &'static str| move |error| BootError::Start(what, error);
        let (board, board_fd) = Board::create().map_err(failed("no shared memory"))?;
        let (server, name) = IpcOneShotServer::<Hello>::new().map_err(failed("no socket"))?;
        let invitation = Invitation {
            nonce: fresh_nonce().map_err(failed("no random numbers"))?,
            parent: std::process::id(),
            depth: config.depth + 1,
            umask: config.snapshot.umask.clone(),
            server: name,
        };
        let (tell, events) = channel();
        serve(server, tell.clone()).map_err(failed("no thread for the handshake"))?;
        let started = command(config, &invitation)
            .stdin(Stdio::from(board_fd))
            .spawn();
        let process = match started {
            Ok(child) => Arc::new(Process::new(child)),
            Err(error) => {
                release(&invitation.server);
                return Err(BootError::Start("the program does not start", error));
            }
        };
        let boot = Self {
            process,
            board,
            events,
            invitation,
            ringer: Arc::new(OnceLock::new()),
            deadline: config.boot_deadline,
        };
        boot.watch(tell, on_exit)?;
        Ok(boot)
    }

    pub(crate) fn process(&self) -> Arc<Process> {
        self.process.clone()
    }

    fn watch(
        &self,
        tell: Sender<Event>,
        on_exit: impl FnOnce() + Send + 'static,
    ) -> Result<(), BootError> {
        let (process, ringer) = (self.process.clone(), self.ringer.clone());
        let watch = move || {
            process.watch();
            let _ = tell.send(Event::Exited);
            if let Some(ringer) = ringer.get() {
                ringer.ring();
            }
            on_exit();
        };
        let name = format!("watch-{}", self.process.pid());
        let started = std::thread::Builder::new().name(name).spawn(watch);
        started.map(drop).map_err(|error| {
            // Nobody else would reap it.
            self.process.kill();
            self.process.watch();
            release(&self.invitation.server);
            BootError::Start("no thread to watch the worker", error)
        })
    }

    /// Waits for the handshake.
    pub(crate) fn finish(self) -> Result<Worker, BootError> {
        let image = ImageId::of_this_process()
            .map_err(|error| BootError::Start("this program's file is not known", error))?;
        let admitted = match self.events.recv_timeout(self.deadline) {
            Ok(Event::Hello(hello)) => {
                let (pid, nonce) = (self.process.pid(), self.invitation.nonce);
                hello
                    .and_then(|hello| hello.admit(pid, nonce, image))
                    .map_err(BootError::Refused)
            }
            Ok(Event::Exited) | Err(RecvTimeoutError::Disconnected) => {
                release(&self.invitation.server);
                Err(BootError::Exited(self.process.end()))
            }
            Err(RecvTimeoutError::Timeout) => {
                release(&self.invitation.server);
                Err(BootError::Silent(self.deadline))
            }
        };
        match admitted {
            Ok(ends) => {
                let (end, ringer) = ends.split();
                // The watcher may have looked for it before it was there.
                let ringer = self.ringer.get_or_init(|| ringer);
                if self.process.exit().is_some() {
                    ringer.ring();
                }
                Ok(Worker {
                    process: self.process,
                    end,
                    board: Arc::new(self.board),
                })
            }
            Err(error) => {
                self.process.end();
                Err(error)
            }
        }
    }
}

/// Accepts one client on a thread of its own.
fn serve(server: IpcOneShotServer<Hello>, tell: Sender<Event>) -> io::Result<()> {
    let accept = move || {
        // ipc-channel panics over some malformed messages.
        let accepted = executor_core::panic::catch(|| server.accept());
        let hello = match accepted {
            // The bootstrap channel has served; the worker's own replace it.
            Ok(Ok((_bootstrap, hello))) => Ok(hello),
            Ok(Err(error)) => Err(format!("its first message is not a hello: {error}")),
            Err(report) => Err(format!("its first message is malformed: {report}")),
        };
        let _ = tell.send(Event::Hello(Box::new(hello)));
    };
    let builder = std::thread::Builder::new().name("handshake".to_owned());
    builder.spawn(accept).map(drop)
}

/// Ends a server that nobody will say hello to: a client that connects and goes
/// away is a failed handshake. Without effect if it has ended already.
fn release(server: &str) {
    let connect = || {
        let address = SocketAddrUnix::new(server)?;
        let kind = (AddressFamily::UNIX, SocketType::SEQPACKET);
        let socket = rustix::net::socket_with(kind.0, kind.1, SocketFlags::CLOEXEC, None)?;
        rustix::net::connect(&socket, &address)
    };
    let _ = connect();
}

/// The command of a worker: this program again.
///
/// Nothing here needs code between fork and exec, so that the standard library
/// can use `posix_spawn`; everything else is set up by the worker itself.
fn command(config: &Config, invitation: &Invitation) -> Command {
    let snapshot = &config.snapshot;
    // The link, not the path: the file may have been replaced meanwhile.
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0(&snapshot.program)
        .env_clear()
        .envs(&snapshot.environment)
        .env(handshake::VARIABLE, invitation.to_string())
        .current_dir(&snapshot.directory);
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

/// Why a worker did not start.
#[derive(Debug)]
pub(crate) enum BootError {
    Start(&'static str, io::Error),
    Exited(WorkerExit),
    /// It said hello, and ended before it ran any job.
    Died(WorkerExit),
    Silent(Duration),
    Refused(String),
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(what, error) => write!(f, "{what}: {error}"),
            Self::Exited(exit) => write!(
                f,
                "it {exit} before it said hello; does the program call `pool_process::init()` \
                 first thing in `main`?"
            ),
            Self::Died(exit) => write!(f, "it {exit} before it ran any job"),
            Self::Silent(limit) => write!(
                f,
                "it did not say hello within {limit:?}; does the program call \
                 `pool_process::init()` first thing in `main`?"
            ),
            Self::Refused(why) => write!(f, "it was refused: {why}"),
        }
    }
}

impl std::error::Error for BootError {}
