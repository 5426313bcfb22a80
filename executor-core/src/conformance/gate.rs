//! Where a job and the test meet, wherever the job runs.

use super::DEADLINE;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};

/// A meeting point: jobs arrive at it, and those that [`pass`] it wait there
/// until the test lets them go.
#[derive(Debug)]
pub struct Gate {
    port: u16,
    arrivals: Receiver<(u64, TcpStream)>,
    waiting: HashMap<u64, TcpStream>,
}

impl Gate {
    /// A closed gate.
    ///
    /// # Panics
    /// If the loopback interface cannot be used.
    pub fn new() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a socket on loopback");
        let port = listener.local_addr().expect("it is bound").port();
        let (tell, arrivals) = channel();
        // Ends with the process, or with the first arrival nobody waits for.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let mut ticket = [0; 8];
                if stream.read_exact(&mut ticket).is_ok()
                    && tell.send((u64::from_le_bytes(ticket), stream)).is_err()
                {
                    return;
                }
            }
        });
        Self {
            port,
            arrivals,
            waiting: HashMap::new(),
        }
    }

    /// The argument for [`pass`] and [`visit`].
    pub fn ticket(&self, number: u64) -> (u16, u64) {
        (self.port, number)
    }

    /// Waits until somebody arrives, and says who.
    ///
    /// # Panics
    /// If nobody does within the deadline.
    pub fn arrival(&mut self) -> u64 {
        match self.arrivals.recv_timeout(DEADLINE) {
            Ok((number, stream)) => {
                self.waiting.insert(number, stream);
                number
            }
            Err(RecvTimeoutError::Timeout) => panic!("nobody came within {DEADLINE:?}"),
            Err(RecvTimeoutError::Disconnected) => panic!("the gate is gone"),
        }
    }

    /// Whoever has arrived without having been waited for.
    pub fn unexpected(&mut self) -> Vec<u64> {
        self.arrivals.try_iter().map(|(number, _)| number).collect()
    }

    /// Lets one job go on that has arrived.
    pub fn open_for(&mut self, number: u64) {
        drop(self.waiting.remove(&number));
    }

    /// Lets go on whoever has arrived.
    pub fn open(&mut self) {
        self.waiting.clear();
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

fn arrive((port, number): (u16, u64)) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the gate stands");
    stream
        .write_all(&number.to_le_bytes())
        .expect("the gate listens");
    stream
}

/// A job that arrives at a gate and waits until it is let go. Its number is its
/// result.
///
/// # Panics
/// If it is not let go within the deadline.
pub fn pass(ticket: (u16, u64)) -> u64 {
    let mut stream = arrive(ticket);
    stream
        .set_read_timeout(Some(DEADLINE))
        .expect("the deadline is not zero");
    // The end of the stream, or its being torn down with the test, lets it go.
    if let Err(error) = stream.read(&mut [0]) {
        let late = matches!(
            error.kind(),
            std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
        );
        assert!(!late, "not let go within {DEADLINE:?}");
    }
    ticket.1
}

/// A job that shows at a gate that it ran. Its number is its result.
pub fn visit(ticket: (u16, u64)) -> u64 {
    drop(arrive(ticket));
    ticket.1
}

/// An argument whose drop, in this process, can be seen.
#[derive(Debug, Serialize, Deserialize)]
pub struct Canary {
    ticket: (u16, u64),
}

static DROPPED: Mutex<Vec<(u16, u64)>> = Mutex::new(Vec::new());

impl Canary {
    /// A canary for [`Gate::ticket`]s, which tell canaries apart.
    pub fn new(ticket: (u16, u64)) -> Self {
        Self { ticket }
    }

    /// The ticket it carries.
    pub fn ticket(&self) -> (u16, u64) {
        self.ticket
    }

    /// Whether the canary with this ticket has been dropped in this process.
    pub fn is_dropped(ticket: (u16, u64)) -> bool {
        let dropped = DROPPED.lock().unwrap_or_else(PoisonError::into_inner);
        dropped.contains(&ticket)
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        let mut dropped = DROPPED.lock().unwrap_or_else(PoisonError::into_inner);
        dropped.push(self.ticket);
    }
}
