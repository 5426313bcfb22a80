//! The supervisor: one thread for each seat, which starts the worker, feeds it,
//! collects its results, and replaces it when it dies.
//!
//! It depends on nobody holding the pool: it goes on until there is no job left.

mod ending;
mod feeding;

use crate::boot::{Boot, BootError, Worker};
use crate::config::back_off;
use crate::dispatch::{Dispatch, Next};
use crate::flight::{Flight, Harvest, Violation};
use crate::seat::{Occupant, Seat};
use crate::signals::Blocked;
use crate::transport::{REPLY_HEAD, read_reply};
use executor_core::{Job, ShutdownMode};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

/// Starts the supervisor of a new seat.
pub(crate) fn start(dispatch: &Arc<Dispatch>, seat: &Arc<Seat>) -> io::Result<()> {
    let (of, its) = (dispatch.clone(), seat.clone());
    let name = format!("{}-supervisor", dispatch.config.name);
    let builder = std::thread::Builder::new().name(name);
    let supervise = move || {
        // Callbacks run here.
        executor_core::exit::this_thread_runs_jobs();
        // A worker's own mask is a fresh one.
        let _quiet = Blocked::all();
        if let Err(report) = executor_core::panic::catch(|| run(&of, &its)) {
            tracing::error!(%report, "a supervisor panicked");
            clear(&of, &its);
        }
    };
    builder.spawn(supervise).map(drop)
}

/// Ends a seat whose supervisor failed, so that nobody waits for it.
fn clear(dispatch: &Dispatch, seat: &Arc<Seat>) {
    if let Some(occupant) = seat.occupant() {
        let exit = occupant.process.end();
        if let Some(flight) = occupant.flight {
            let remains = flight.bury(exit);
            for (job, error) in remains.lost {
                job.fail(error);
            }
            dispatch.put_back(remains.unharmed);
        }
    }
    seat.seat(None);
    dispatch.abandon(seat, "its supervisor failed");
}

fn run(dispatch: &Arc<Dispatch>, seat: &Arc<Seat>) {
    seat.take();
    let mut boot = begin(dispatch, seat);
    loop {
        let served = match boot.and_then(Boot::finish) {
            Ok(worker) => Supervisor::new(dispatch, seat, worker).serve(),
            Err(error) => Served::Useless(error),
        };
        boot = match served {
            Served::Replace(next) => next,
            Served::Left => return,
            Served::Useless(error) => {
                seat.seat(None);
                tracing::warn!(pool = dispatch.config.name, %error, "a worker did not start");
                let Some(failures) = dispatch.failed_to_boot(seat, &error) else {
                    return;
                };
                seat.sleep_for(back_off(failures));
                begin(dispatch, seat)
            }
        };
    }
}

fn begin(dispatch: &Dispatch, seat: &Arc<Seat>) -> Result<Boot, BootError> {
    let its = seat.clone();
    let boot = Boot::begin(&dispatch.config, move || its.wake())?;
    seat.seat(Some(Occupant {
        process: boot.process(),
        flight: None,
    }));
    // A kill that came before there was anybody to be killed.
    if dispatch.mode() == Some(ShutdownMode::Kill) {
        boot.process().kill();
    }
    Ok(boot)
}

/// How a worker's service ended.
enum Served {
    /// It died; this one is on its way.
    Replace(Result<Boot, BootError>),
    /// It is not needed any more, and the seat is given up.
    Left,
    /// It ended before it was of any use.
    Useless(BootError),
}

/// Why a worker can serve no longer.
enum Down {
    Exited,
    Violation(Violation),
    Channel(io::Error),
}

impl From<Violation> for Down {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

struct Supervisor<'a> {
    dispatch: &'a Arc<Dispatch>,
    seat: &'a Arc<Seat>,
    worker: Worker,
    flight: Arc<Flight>,
    /// Jobs that were taken off the queue and are to be packed.
    hand: VecDeque<Job>,
    message: Vec<u8>,
    /// A packed job, with its ticket, that is too large to be sent before the
    /// worker has finished all others.
    kept: Option<(u64, Vec<u8>)>,
    /// Whether the worker has run, or died over, any job.
    proved: bool,
}

impl<'a> Supervisor<'a> {
    fn new(dispatch: &'a Arc<Dispatch>, seat: &'a Arc<Seat>, worker: Worker) -> Self {
        let flight = Flight::new(worker.board.clone(), worker.process.clone());
        seat.seat(Some(Occupant {
            process: worker.process.clone(),
            flight: Some(flight.clone()),
        }));
        Self {
            dispatch,
            seat,
            worker,
            flight,
            hand: VecDeque::new(),
            message: Vec::new(),
            kept: None,
            proved: false,
        }
    }

    fn serve(mut self) -> Served {
        loop {
            let down = if self.flight.is_empty() {
                match self.idle() {
                    Ok(true) => continue,
                    Ok(false) => return self.leave(),
                    Err(down) => down,
                }
            } else {
                match self.collect() {
                    Ok(()) => continue,
                    Err(down) => down,
                }
            };
            return self.bury(down);
        }
    }

    /// Finds work for a worker that has none. False if there will be none.
    fn idle(&mut self) -> Result<bool, Down> {
        if self.worker.process.exit().is_some() {
            return Err(Down::Exited);
        }
        let (room, _) = self.flight.load();
        match self.dispatch.next(self.seat, room) {
            Next::Run(jobs) => self.hand.extend(jobs),
            Next::Leave => {
                let more = self.dispatch.take_back(self.seat);
                if more.is_empty() {
                    return Ok(false);
                }
                self.hand.extend(more);
            }
            Next::Sleep => {
                // Known to be asleep from here on: what others take for later
                // after this look, they wake this supervisor for.
                let more = self.dispatch.take_back(self.seat);
                if more.is_empty() {
                    self.seat.sleep();
                    return Ok(true);
                }
                self.dispatch.not_idle(self.seat);
                self.hand.extend(more);
            }
        }
        self.send()?;
        Ok(true)
    }

    /// Waits for a message, resolves what is finished, and tops up.
    fn collect(&mut self) -> Result<(), Down> {
        let message = self.worker.end.recv().map_err(Down::Channel)?;
        self.take_in(message)?;
        if self.worker.process.exit().is_some() {
            // All that it ever sent is there to be read.
            while let Some(message) = self.worker.end.try_recv().map_err(Down::Channel)? {
                self.take_in(message)?;
            }
            return Err(Down::Exited);
        }
        self.send_kept()?;
        self.top_up()
    }

    fn take_in(&mut self, mut message: Vec<u8>) -> Result<(), Down> {
        // Before the board is looked at: see the board's account of races.
        self.worker.board.hear();
        // What stands on the board came before what comes as a message.
        self.harvest()?;
        if message.is_empty() {
            return Ok(());
        }
        let reply = read_reply(&message).ok_or(Violation("a message too short"))?;
        let (slot, seq, kind) = (reply.slot, reply.seq, reply.kind);
        message.drain(..REPLY_HEAD);
        message.shrink_to_fit();
        let harvest = self.flight.deliver(slot, seq, kind, message)?;
        self.resolve(harvest);
        self.harvest()
    }

    fn harvest(&mut self) -> Result<(), Down> {
        let finished = self.flight.harvest()?;
        self.resolve(finished);
        Ok(())
    }

    fn resolve(&mut self, finished: impl IntoIterator<Item = Harvest>) {
        let finished: Vec<_> = finished.into_iter().collect();
        if finished.is_empty() {
            return;
        }
        self.prove();
        if self.flight.is_empty() {
            // Known before the owners learn of it: who submits again in answer
            // to a result finds this worker idle, and starts no other.
            self.dispatch.soon_idle(self.seat);
        }
        self.dispatch.count(finished.len(), 0);
        for harvest in finished {
            harvest.resolve();
        }
    }

    fn prove(&mut self) {
        if !self.proved {
            self.proved = true;
            self.dispatch.proved();
        }
    }
}
