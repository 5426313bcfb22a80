//! Starting one worker: from the command to the moment it can take jobs.
//!
//! A boot ends in one of three ways, whichever comes first: the worker is ready,
//! it exits, or the deadline passes. The one-shot server can only block, so it is
//! served by a thread of its own; when the boot fails, that thread is released
//! by connecting to it.

mod command;
mod error;

pub(crate) use self::error::BootError;
use self::error::Stage;

use self::command::command;
use crate::blame::oom_kills;
use crate::config::Config;
use crate::handshake::{Hello, Invitation, fresh_nonce};
use crate::image::ImageId;
use crate::process::Process;
use crate::transport::{Board, Ends, Incoming, Wire, kind};
use executor_core::{codec, timer};
use ipc_channel::IpcError;
use ipc_channel::ipc::IpcOneShotServer;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::fs::Permissions;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// A worker that can take jobs.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) process: Arc<Process>,
    pub(crate) ends: Ends,
    pub(crate) wire: Wire,
    pub(crate) board: Arc<Board>,
    /// How often the kernel had run out of memory when it started.
    pub(crate) oom_kills: Option<u64>,
}

/// A worker that was started, and may still fail.
#[derive(Debug)]
pub(crate) struct Boot {
    process: Arc<Process>,
    board: Arc<Board>,
    wire: Wire,
    events: Receiver<Event>,
    invitation: Invitation,
    orders: Vec<u8>,
    until: Instant,
    limit: Duration,
    oom_kills: Option<u64>,
}

enum Event {
    /// Somebody's first message: a hello, or something else, or nothing.
    Hello(Box<Result<Hello, Option<String>>>),
    Exited,
}

impl Boot {
    /// Starts the process. `on_exit` is called, from the watcher's thread, when
    /// it has ended. `number` tells the seats of a pool apart.
    pub(crate) fn begin(
        config: &Config,
        number: usize,
        on_exit: impl FnOnce() + Send + 'static,
    ) -> Result<Self, BootError> {
        let failed = |what: &'static str| move |error| BootError::Start(what, error);
        let until = Instant::now() + config.boot_deadline;
        let (board, board_fd) = Board::create().map_err(failed("no shared memory"))?;
        let (wire, theirs) =
            Wire::create(board_fd.as_fd(), config.max_result).map_err(failed("no socket"))?;
        let (server, name) = private_server().map_err(failed("no bootstrap socket"))?;
        let invitation = Invitation {
            nonce: fresh_nonce().map_err(failed("no random numbers"))?,
            parent: std::process::id(),
            depth: config.depth + 1,
            umask: config.snapshot.umask.clone(),
            signals: config.snapshot.signals,
            by_code: config.worker_exe.is_some(),
            server: name,
        };
        let (tell, events) = channel();
        serve(server, tell.clone()).map_err(failed("no thread for the handshake"))?;
        let mut command = command(config, &invitation);
        let mut child = match command.stdin(Stdio::from(theirs)).spawn() {
            Ok(child) => child,
            Err(error) => {
                release(&invitation.server);
                return Err(BootError::Start("the program does not start", error));
            }
        };
        let stderr = child.stderr.take();
        let process = Arc::new(Process::new(child, config.kill_tree));
        let boot = Self {
            process,
            board: Arc::new(board),
            wire,
            events,
            invitation,
            orders: orders(config, number),
            until,
            limit: config.boot_deadline,
            oom_kills: oom_kills(),
        };
        boot.watch(tell, on_exit)?;
        match stderr {
            Some(stderr) => boot.follow(stderr)?,
            None => boot.process.stderr.close(),
        }
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
        let (process, cutter) = (self.process.clone(), self.wire.cutter());
        let board = self.board.clone();
        let watch = move || {
            process.watch();
            let _ = tell.send(Event::Exited);
            cutter.cut();
            board.alarm();
            on_exit();
        };
        self.thread("watch", watch).inspect_err(|_| {
            // Nobody else would reap it.
            self.process.kill();
            self.process.watch();
        })
    }

    /// Passes the worker's standard error on.
    fn follow(&self, stderr: impl io::Read + Send + 'static) -> Result<(), BootError> {
        let process = self.process.clone();
        let follow = move || process.stderr.follow(stderr);
        self.thread("stderr", follow).inspect_err(|_| {
            self.process.end();
        })
    }

    fn thread(&self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), BootError> {
        let name = format!("{name}-{}", self.process.pid());
        let started = std::thread::Builder::new().name(name).spawn(run);
        started.map(drop).map_err(|error| {
            release(&self.invitation.server);
            BootError::Start("no thread to look after the worker", error)
        })
    }

    /// Waits until the worker can take jobs.
    pub(crate) fn finish(mut self) -> Result<Worker, BootError> {
        match self.introduce() {
            Ok(ends) => Ok(Worker {
                process: self.process,
                ends,
                wire: self.wire,
                board: self.board,
                oom_kills: self.oom_kills,
            }),
            Err(error) => {
                release(&self.invitation.server);
                let exit = self.process.end();
                self.wait_for_the_server();
                match error {
                    // The end of the wire, or of the handshake, is mostly the end
                    // of the process.
                    BootError::Exited(_, stage, _) => {
                        let words = self.process.stderr.last_lines();
                        Err(BootError::Exited(exit, stage, words))
                    }
                    other => Err(other),
                }
            }
        }
    }

    fn introduce(&mut self) -> Result<Ends, BootError> {
        let image = ImageId::of_this_process(self.invitation.by_code)
            .map_err(|error| BootError::Start("this program's file is not known", error))?;
        let hello = match self.events.recv_timeout(self.left()) {
            Ok(Event::Hello(hello)) => *hello,
            // Perhaps because somebody else came first, which may be known in a
            // moment and says more.
            Ok(Event::Exited) => match self.events.recv_timeout(MOMENT) {
                Ok(Event::Hello(hello)) => hello.and(Err(None)),
                _ => Err(None),
            },
            Err(RecvTimeoutError::Disconnected) => Err(None),
            Err(RecvTimeoutError::Timeout) => {
                return Err(BootError::Silent(self.limit, Stage::Stranger));
            }
        };
        let hello = hello.map_err(|why| match why {
            Some(why) => BootError::Refused(why),
            None => BootError::ended(Stage::Stranger),
        })?;
        // Refused, it loses its channels and exits, which is not what is wrong.
        let ends = hello
            .admit(self.process.pid(), self.invitation.nonce, image)
            .map_err(BootError::Refused)?;
        self.give_orders()?;
        self.wire
            .be_quiet_after(self.left())
            .map_err(|error| BootError::Start("its wire is broken", error))?;
        match self.wire.recv() {
            Ok(Incoming::Message(head, _)) if head.kind == kind::READY => Ok(ends),
            Ok(Incoming::Message(head, why)) if head.kind == kind::UNFIT => {
                let why = codec::decode(&why).unwrap_or_else(|cause: String| cause);
                Err(BootError::Unfit(why))
            }
            Ok(Incoming::Message(..)) => Err(BootError::Refused(
                "its first word is neither that it is ready nor that it is not".to_owned(),
            )),
            Ok(Incoming::Quiet) => Err(BootError::Silent(self.limit, Stage::Ordered)),
            Ok(Incoming::End) | Err(_) => Err(BootError::ended(Stage::Ordered)),
        }
    }

    fn give_orders(&self) -> Result<(), BootError> {
        let process = self.process.clone();
        // One that does not read them would be waited for without end.
        let _deadline = timer::after(self.left(), move || process.kill());
        let len = self.orders.len() as u64;
        for part in [&len.to_le_bytes(), self.orders.as_slice()] {
            self.wire.send(part).map_err(|_| match self.left() {
                Duration::ZERO => BootError::Silent(self.limit, Stage::Ordered),
                _ => BootError::ended(Stage::Ordered),
            })?;
        }
        Ok(())
    }

    /// Waits until the bootstrap socket is gone, directory and all; unless a
    /// stranger has connected to it and keeps it waiting.
    fn wait_for_the_server(&self) {
        let limit = Duration::from_secs(1);
        while let Ok(Event::Exited) = self.events.recv_timeout(limit) {}
    }

    fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }
}

/// The first message to a worker.
fn orders(config: &Config, number: usize) -> Vec<u8> {
    let mut orders = config.orders.clone();
    orders.transport = config.transport;
    orders.processor = config.pin_processors.then_some(number);
    orders.keeps_memory = orders.memory_limit.is_none() && config.recycle_above.is_none();
    let mut bytes = Vec::new();
    // Numbers and bytes only: it cannot fail, and if it did, the worker would
    // not understand its orders and say so.
    let _ = codec::encode(&orders, &mut bytes);
    bytes
}

/// A one-shot server that no other user can reach, whatever the file mask is.
///
/// ipc-channel makes the directory as the mask says. Until it is closed, an
/// instant later, a stranger may connect; not knowing the nonce, it is refused,
/// and costs one boot.
fn private_server() -> io::Result<(IpcOneShotServer<Hello>, String)> {
    // ipc-channel panics, and leaks a descriptor, where it cannot make its
    // directory there, or where the name of its socket is too long.
    let place = std::env::temp_dir();
    if place.as_os_str().len() > LONGEST_PLACE {
        let why = format!("{} is too long a path for a socket in it", place.display());
        return Err(io::Error::new(io::ErrorKind::InvalidFilename, why));
    }
    let access = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
    rustix::fs::access(&place, access).map_err(|error| {
        let error = io::Error::from(error);
        io::Error::new(error.kind(), format!("{}: {error}", place.display()))
    })?;
    let (server, name) = executor_core::panic::catch(IpcOneShotServer::new)
        .map_err(|report| io::Error::other(report.to_string()))??;
    if let Some(directory) = Path::new(&name).parent() {
        std::fs::set_permissions(directory, Permissions::from_mode(0o700))?;
    }
    Ok((server, name))
}

/// How long the news of a stranger may be behind that of the worker's exit.
const MOMENT: Duration = Duration::from_millis(50);

/// The longest path, in bytes, below which a socket can be made: an address
/// holds 108, and the rest is `/.tmpXXXXXX/socket`.
const LONGEST_PLACE: usize = 85;

/// Accepts one client on a thread of its own.
fn serve(server: IpcOneShotServer<Hello>, tell: Sender<Event>) -> io::Result<()> {
    let accept = move || {
        // ipc-channel panics over some malformed messages.
        let accepted = executor_core::panic::catch(|| server.accept());
        let hello = match accepted {
            // The bootstrap channel has served; the worker's own replace it.
            Ok(Ok((_bootstrap, hello))) => Ok(hello),
            Ok(Err(IpcError::Disconnected)) => Err(None),
            Ok(Err(error)) => Err(Some(format!("its first message is not a hello: {error}"))),
            Err(report) => Err(Some(format!("its first message is malformed: {report}"))),
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
