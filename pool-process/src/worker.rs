//! The other side: what a process does that was started as a worker.

mod hook;
mod obey;
mod parts;
mod run;
mod setup;

use crate::handshake::{Hello, Invitation, VARIABLE};
use crate::image::ImageId;
use crate::transport::{
    self, Board, HEAD, Head, JobSource, Jobs, Lifeline, Server, Transport, WorkerWire, kind,
};
use executor_core::codec;
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// How workers of this process are started, once `init` has run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// Through `main`.
    Program,
    /// Through this test of a libtest binary.
    Test(&'static str),
}

static HOST: OnceLock<Host> = OnceLock::new();

/// How many pools this process is inside of: zero in the program itself.
static DEPTH: OnceLock<u32> = OnceLock::new();

/// How this process starts workers; `None` if `init` has not run.
pub(crate) fn host() -> Option<Host> {
    HOST.get().copied()
}

/// How many pools this process is inside of.
pub(crate) fn depth() -> u32 {
    DEPTH.get().copied().unwrap_or(0)
}

/// Notes that workers can be started, and becomes one if this process is to be.
pub(crate) fn init(host: Host) {
    serve_if_invited(host);
    let _ = HOST.set(host);
}

/// Becomes a worker, if this process is to be one.
pub(crate) fn serve_if_invited(host: Host) {
    if let Some(invitation) = take_invitation() {
        serve(&invitation, host);
    }
}

fn take_invitation() -> Option<String> {
    // Looked for once: what a program does with the variable later is its own
    // affair.
    static LOOKED: AtomicBool = AtomicBool::new(false);
    if LOOKED.swap(true, Ordering::Relaxed) {
        return None;
    }
    let invitation = std::env::var(VARIABLE).ok()?;
    // So that what a job starts is not taken for a worker.
    // SAFETY: `init` is documented to be called before other threads start, and
    // under libtest the harness' other threads do not touch the environment.
    unsafe { std::env::remove_var(VARIABLE) };
    Some(invitation)
}

/// Serves until the parent has no more jobs, and then exits.
fn serve(invitation: &str, host: Host) -> ! {
    let served = invitation
        .parse()
        .map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, why))
        .and_then(|invitation| Service::begin(&invitation, host));
    match served {
        Ok(service) => service.run(),
        Err(error) => {
            let pid = std::process::id();
            eprintln!("worker process {pid} cannot start: {error}");
            std::process::exit(1)
        }
    }
}

/// What a worker works with.
struct Service {
    board: &'static Board,
    jobs: JobSource,
    wire: &'static WorkerWire,
}

impl Service {
    fn begin(invitation: &Invitation, host: Host) -> io::Result<Self> {
        setup::survive_only_with(invitation.parent)?;
        let (wire, board, connection) = setup::take_standard_input()?;
        setup::inherit(invitation);
        if let Host::Test(_) = host {
            setup::leave_the_harness_output()?;
        }
        let _ = HOST.set(host);
        let _ = DEPTH.set(invitation.depth);

        let handed_over = connection.zip(invitation.place.as_deref());
        let channels = handed_over.and_then(|(connection, place)| {
            // SAFETY: as for the removal of the invitation.
            let server = unsafe { Server::open(place) };
            let taken = server.and_then(|server| server.take(&connection, invitation.nonce));
            // The parent is told that there are none, which is no reason not to serve.
            taken.ok()
        });
        let image = ImageId::of_this_process(invitation.by_contents)?;
        let hello = Hello::new(invitation.nonce, image, channels.is_some());
        let (jobs, lifeline) = match channels {
            Some(channels) => channels,
            None => transport::over_the_wire(&wire)?,
        };
        watch_parent(lifeline)?;
        say(&wire, kind::HELLO, &hello);
        let board: &'static Board = Box::leak(Box::new(board));
        let wire: &'static WorkerWire = Box::leak(Box::new(wire));
        Ok(Self { board, jobs, wire })
    }

    fn run(self) -> ! {
        let len = self.read(8).try_into().map_or(0, u64::from_le_bytes);
        let way = match obey::obey(&self.read(len), |way| self.prepare(way)) {
            Ok(way) => way,
            Err(why) => {
                say(self.wire, kind::UNFIT, &why);
                std::process::exit(1);
            }
        };
        say(self.wire, kind::READY, &());
        match way {
            Transport::SharedMemory => run::posted(self.board),
            Transport::Messages => {
                while let Some(message) = self.next() {
                    run::all(self.board, self.wire, &message);
                }
            }
        }
        std::process::exit(0)
    }

    /// Before any code of the user runs.
    fn prepare(&self, way: Transport) {
        hook::install(way, self.board, self.wire);
        parts::install(self.board, self.wire);
    }

    /// The next message; `None` when there will be no more.
    fn next(&self) -> Option<Vec<u8>> {
        match self.jobs.recv()? {
            Jobs::Whole(message) => Some(message),
            Jobs::Announced(len) => Some(self.read(len)),
        }
    }

    /// Reads from the wire; without what comes there this process is of no use.
    fn read(&self, len: u64) -> Vec<u8> {
        self.wire.recv(len).unwrap_or_else(|error| {
            let pid = std::process::id();
            eprintln!("worker process {pid} cannot take {len} bytes: {error}");
            std::process::exit(1)
        })
    }
}

/// Says something to the parent that is not about a job.
fn say<T: serde::Serialize>(wire: &WorkerWire, kind: u32, what: &T) {
    let mut buffer = vec![0; HEAD];
    // Texts, numbers and nothing: it cannot fail.
    let _ = codec::encode(what, &mut buffer);
    let head = Head::plain(kind, buffer.len() - HEAD);
    // A parent that does not listen is gone, or will end this process.
    let _ = wire.send(head, &mut buffer);
}

/// Ends this process at once when the parent is gone, whatever it is doing.
fn watch_parent(lifeline: Lifeline) -> io::Result<()> {
    let watch = move || {
        if lifeline.is_cut() {
            // SAFETY: `_exit` ends the process and runs nothing of ours or of
            // the user's, which may be in the middle of anything.
            unsafe { libc::_exit(0) }
        }
    };
    let builder = std::thread::Builder::new().name("parent-watch".to_owned());
    builder.spawn(watch).map(drop)
}
