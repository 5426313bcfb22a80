//! Starting one worker: from the command to the moment it can take jobs.
//!
//! [`Boot::begin`] starts the process, and [`Boot::finish`] waits for it. Neither starts
//! a thread. `begin` belongs on a thread that lives as long as the worker may, because
//! the kernel kills the worker when the thread that started it ends; `finish` blocks, and
//! may be called on any.
//!
//! A boot ends in one of three ways, whichever comes first: the worker is ready, its wire
//! ends, or the deadline passes. All that is waited for comes over the wire, so a boot
//! also ends when the wire is cut, by whoever learns that the process has ended.

mod command;
mod error;
mod place;
#[cfg(test)]
mod tests;

pub(crate) use self::error::BootError;
use self::error::Stage;

use self::command::command;
use self::place::Place;
use crate::blame::oom_kills;
use crate::config::Config;
use crate::handshake::{Hello, Invitation, fresh_nonce};
use crate::image::ImageId;
use crate::process::Process;
use crate::transport::{Board, Cutter, Ends, Incoming, Wire, hand_over, kind};
use executor_core::{codec, timer};
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::{ChildStderr, Stdio};
use std::sync::Arc;
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

/// A process that was started. Somebody has to reap it, and to cut its wire then.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) process: Arc<Process>,
    /// Its standard error, if that goes through the pool.
    pub(crate) stderr: Option<ChildStderr>,
    /// Cuts its wire, which ends the boot.
    pub(crate) cutter: Cutter,
    pub(crate) boot: Boot,
}

/// A worker that was started, and may still fail.
#[derive(Debug)]
pub(crate) struct Boot {
    process: Arc<Process>,
    board: Arc<Board>,
    wire: Wire,
    /// Those of the channels, if there are any.
    ends: Option<Ends>,
    /// Removed when the boot is over.
    place: Option<Place>,
    invitation: Invitation,
    orders: Vec<u8>,
    longest: u64,
    /// `None` is no deadline.
    until: Option<Instant>,
    limit: Duration,
    oom_kills: Option<u64>,
}

impl Boot {
    /// Starts the process, which the kernel kills when the thread that calls this ends.
    ///
    /// `number` is the lowest that no other worker of the pool has: it says which
    /// processor is this one's.
    ///
    /// # Errors
    /// The process cannot be started. Then nothing is left of it.
    pub(crate) fn begin(config: &Config, number: usize) -> Result<Begun, BootError> {
        let failed = |what: &'static str| move |error| BootError::Start(what, error);
        let until = Instant::now().checked_add(config.boot_deadline);
        let (board, board_fd) = Board::create().map_err(failed("no shared memory"))?;
        let nonce = fresh_nonce().map_err(failed("no random numbers"))?;
        let place = Place::find();
        // Whatever prevents it: the wire is there.
        let channels = place.as_ref();
        let channels = channels.and_then(|place| hand_over(place.path(), nonce).ok());
        let (ends, connection) = channels.unzip();
        let its_end = connection.as_ref().map(OwnedFd::as_fd);
        let (wire, theirs) =
            Wire::create([board_fd.as_fd(), board.bell()], its_end).map_err(failed("no socket"))?;
        // They are on their way, and starting a process takes descriptors.
        drop((board_fd, connection));
        let invitation = Invitation {
            nonce,
            parent: std::process::id(),
            depth: config.depth + 1,
            umask: config.snapshot.umask.clone(),
            signals: config.snapshot.signals,
            by_contents: config.worker_exe.is_some(),
            place: place.as_ref().map(|place| place.path().to_owned()),
        };
        let mut command = command(config, &invitation);
        let mut child = command
            .stdin(Stdio::from(theirs))
            .spawn()
            .map_err(failed("the program does not start"))?;
        let stderr = child.stderr.take();
        let process = Process::new(child, config.kill_tree);
        let process = Arc::new(process.map_err(failed("no descriptor for the process"))?);
        let board = Arc::new(board);
        let cutter = wire.cutter();
        let boot = Self {
            process: process.clone(),
            board,
            wire,
            ends,
            place,
            invitation,
            orders: orders(config, number),
            longest: config.max_result,
            until,
            limit: config.boot_deadline,
            oom_kills: oom_kills(),
        };
        Ok(Begun {
            process,
            stderr,
            cutter,
            boot,
        })
    }

    /// Waits until the worker can take jobs, or cannot. One that cannot is killed, and
    /// waited for a moment.
    ///
    /// # Errors
    /// It ended, it was refused, it said that it is not fit, or the deadline passed.
    pub(crate) fn finish(mut self) -> Result<Worker, BootError> {
        match self.introduce() {
            Ok(ends) => {
                drop(self.place);
                self.wire.take_up_to(self.longest);
                Ok(Worker {
                    process: self.process,
                    ends,
                    wire: self.wire,
                    board: self.board,
                    oom_kills: self.oom_kills,
                })
            }
            Err(error) => {
                let error = self.explain(error);
                self.process.kill();
                // So that it leaves nothing in its place. Somebody else reaps it, and
                // perhaps the kernel cannot end it at all.
                self.process.wait(MOMENT);
                drop(self.place);
                Err(error)
            }
        }
    }

    /// The end of the wire is mostly the end of the process, which is known a little
    /// later.
    fn explain(&self, error: BootError) -> BootError {
        let BootError::Exited(_, stage, _) = error else {
            return error;
        };
        match self.process.wait(MOMENT) {
            Some(exit) => BootError::Exited(exit, stage, self.process.stderr.last_lines()),
            None => BootError::Hung(stage),
        }
    }

    fn introduce(&mut self) -> Result<Ends, BootError> {
        let image = ImageId::of_this_process(self.invitation.by_contents)
            .map_err(|error| BootError::Start("this program's file is not known", error))?;
        let (first, hello) = self.hear(Stage::Stranger)?;
        if first != kind::HELLO {
            let why = "its first word is not a hello";
            return Err(BootError::Refused(why.to_owned()));
        }
        let hello: Hello = codec::decode(&hello)
            .map_err(|why| BootError::Refused(format!("its hello is malformed: {why}")))?;
        let (pid, nonce) = (self.process.pid(), self.invitation.nonce);
        let has_channels = hello
            .admit(pid, nonce, &image)
            .map_err(BootError::Refused)?;
        let channels = self.ends.take().filter(|_| has_channels);
        let ends = channels.unwrap_or_else(|| Ends::Wire(self.wire.writer()));
        self.give_orders()?;
        match self.hear(Stage::Ordered)? {
            (kind::READY, _) => Ok(ends),
            (kind::UNFIT, why) => {
                let why = codec::decode(&why).unwrap_or_else(|cause: String| cause);
                Err(BootError::Unfit(why))
            }
            _ => Err(BootError::Refused(
                "its first word is neither that it is ready nor that it is not".to_owned(),
            )),
        }
    }

    /// What the worker says next.
    fn hear(&mut self, stage: Stage) -> Result<(u32, Vec<u8>), BootError> {
        self.wire
            .be_quiet_after(self.left())
            .map_err(|error| BootError::Start("its wire is broken", error))?;
        match self.wire.recv() {
            Ok(Incoming::Message(head, bytes)) => Ok((head.kind, bytes)),
            Ok(Incoming::Quiet) => Err(BootError::Silent(self.limit, stage)),
            Ok(Incoming::End) => Err(BootError::ended(stage)),
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                let why = format!("what it says makes no sense: {error}");
                Err(BootError::Refused(why))
            }
            Err(_) => Err(BootError::ended(stage)),
        }
    }

    fn give_orders(&self) -> Result<(), BootError> {
        let (process, cutter) = (self.process.clone(), self.wire.cutter());
        // One that does not read them would be waited for without end.
        let _deadline = timer::after(self.left(), move || {
            cutter.cut();
            process.kill();
        });
        let len = self.orders.len() as u64;
        for part in [&len.to_le_bytes(), self.orders.as_slice()] {
            self.wire.send(part).map_err(|_| match self.left() {
                Duration::ZERO => BootError::Silent(self.limit, Stage::Ordered),
                _ => BootError::ended(Stage::Ordered),
            })?;
        }
        Ok(())
    }

    fn left(&self) -> Duration {
        self.until.map_or(Duration::MAX, |until| {
            until.saturating_duration_since(Instant::now())
        })
    }
}

/// How long the news of an exit may be behind the end of the wire, and how long a worker
/// that was killed is waited for.
const MOMENT: Duration = Duration::from_secs(1);

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
