//! The supervisor: one thread for each seat, which starts the worker, feeds it,
//! collects its results, and replaces it when it dies.
//!
//! It depends on nobody holding the pool: it goes on until there is no job left.

mod ending;
mod feeding;
mod rounds;
mod watched;

use self::rounds::Rounds;
use self::watched::Watched;
use crate::boot::{self, Boot, BootError, Worker};
use crate::config::{ROUND, back_off};
use crate::dispatch::{BootSlot, Dispatch, Next};
use crate::flight::{Flight, Found, Loss, Violation};
use crate::process::Process;
use crate::seat::{Occupant, Seat};
use crate::signals::Blocked;
use crate::transport::{Head, Incoming, Outbox, Patience, Transport, kind};
use executor_core::{HeldJob, Job, ShutdownMode, TaskError};
use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The stack of a supervisor: results are decoded on it, which a worker has encoded
/// on one of this size.
const STACK: usize = 8 << 20;

/// A worker that has had no job for so long is not in constant use.
const SOON: Duration = Duration::from_millis(100);

/// Starts the supervisor of a new seat.
pub(crate) fn start(dispatch: &Arc<Dispatch>, seat: &Arc<Seat>) -> io::Result<()> {
    let (of, its) = (dispatch.clone(), seat.clone());
    let name = format!("{}-supervisor", dispatch.config.name);
    let builder = std::thread::Builder::new().name(name).stack_size(STACK);
    let supervise = move || {
        // Callbacks run here.
        executor_core::exit::this_thread_runs_jobs();
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
            let mut remains = flight.bury(exit);
            let first = remains.first_was_waiting.and_then(HeldJob::release);
            remains.unharmed.splice(0..0, first);
            for (job, loss) in remains.lost {
                job.fail(match loss {
                    Loss::Stopped(error) => error,
                    Loss::Death(lost) => TaskError::worker_lost(lost),
                });
            }
            dispatch.put_back(remains.unharmed);
        }
    }
    seat.seat(None);
    dispatch.abandon(seat, "its supervisor failed");
}

fn run(dispatch: &Arc<Dispatch>, seat: &Arc<Seat>) {
    seat.take();
    let mut begun = None;
    loop {
        let begun_now: Box<Begun> = begun.take().unwrap_or_else(|| {
            let slot = dispatch.boot_slot();
            Box::new(Begun::begin(dispatch, seat, slot))
        });
        let served = match begun_now.finish() {
            Ok(worker) => Supervisor::new(dispatch, seat, worker).serve(),
            Err(error) => Served::Useless(error),
        };
        match served {
            Served::Replace(next) => begun = next,
            Served::Left => return,
            Served::Useless(error) => {
                seat.seat(None);
                tracing::warn!(pool = dispatch.config.name, %error, "a worker did not start");
                let Some(failures) = dispatch.failed_to_boot(seat, &error) else {
                    return;
                };
                // Nothing to be kept secret: the number of a new hasher will do.
                let chance = RandomState::new().hash_one(seat.number);
                back_off_unless_ending(dispatch, seat, back_off(failures, chance));
            }
        }
    }
}

/// Waits. The end of the process that has failed wakes the seat as well, which is
/// no reason to try again sooner.
fn back_off_unless_ending(dispatch: &Dispatch, seat: &Seat, limit: Duration) {
    let until = Instant::now() + limit;
    while dispatch.mode().is_none() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || !seat.sleep(Some(left)) {
            return;
        }
    }
}

/// Reaps the process when it ends, and passes its standard error on.
fn look_after(seat: &Arc<Seat>, begun: boot::Begun) -> Result<(Arc<Process>, Boot), BootError> {
    let boot::Begun {
        process,
        stderr,
        breaker,
        boot,
    } = begun;
    let thread = |name: &str, run: Box<dyn FnOnce() + Send>| {
        let builder = std::thread::Builder::new().name(format!("{name}-{}", process.pid()));
        let no_thread = |error| BootError::Start("no thread to look after the worker", error);
        builder.spawn(run).map(drop).map_err(no_thread)
    };
    let (its, watched) = (seat.clone(), process.clone());
    let watch = move || {
        watched.watch();
        breaker.trip();
        its.wake();
    };
    thread("watch", Box::new(watch)).inspect_err(|_| {
        // Nobody else would reap it.
        process.kill();
        process.watch();
    })?;
    match stderr {
        Some(stderr) => {
            let heard = process.clone();
            let follow = move || heard.stderr.follow(stderr);
            thread("stderr", Box::new(follow)).inspect_err(|_| {
                process.end();
            })?;
        }
        None => process.stderr.close(),
    }
    Ok((process.clone(), boot))
}

/// A boot on its way, with the permission for it.
struct Begun {
    boot: Result<Boot, BootError>,
    _slot: BootSlot,
}

impl Begun {
    fn begin(dispatch: &Dispatch, seat: &Arc<Seat>, slot: BootSlot) -> Self {
        let begun = Boot::begin(&dispatch.config, seat.number);
        let boot = begun.and_then(|begun| look_after(seat, begun));
        if let Ok((process, _)) = &boot {
            seat.seat(Some(Occupant {
                process: process.clone(),
                flight: None,
            }));
            // A kill that came before there was anybody to be killed.
            if dispatch.mode() == Some(ShutdownMode::Kill) {
                process.kill();
            }
        }
        let boot = boot.map(|(_, boot)| boot);
        Self { boot, _slot: slot }
    }

    fn finish(self) -> Result<Worker, BootError> {
        self.boot.and_then(Boot::finish)
    }
}

/// How a worker's service ended.
enum Served {
    /// It died or was recycled; another is to take its place, or is on its way.
    Replace(Option<Box<Begun>>),
    /// It is not needed any more, and the seat is given up.
    Left,
    /// It ended before it was of any use.
    Useless(BootError),
}

/// Why a worker can serve no longer.
enum Down {
    Exited,
    /// It does not play by the rules, and is to be killed.
    Misbehaved(&'static str),
    Channel(io::Error),
}

impl From<Violation> for Down {
    fn from(Violation(what): Violation) -> Self {
        Self::Misbehaved(what)
    }
}

struct Supervisor<'a> {
    dispatch: &'a Arc<Dispatch>,
    seat: &'a Arc<Seat>,
    worker: Worker,
    flight: Arc<Flight>,
    /// Jobs that were taken off the queue and are to be packed.
    hand: VecDeque<Job>,
    outbox: Outbox,
    /// Empty, for its memory.
    finished: Found,
    /// How long to look for news before it sleeps.
    patience: Patience,
    /// The same in the midst of a large payload.
    amid: Patience,
    /// A packed job, with its number, whose message is too large to be sent
    /// before the worker has finished all others.
    kept: Option<(u64, Vec<u8>)>,
    /// Whether the worker has run, or died over, any job.
    proved: bool,
    rounds: Rounds,
    sending: Arc<Watched>,
}

impl<'a> Supervisor<'a> {
    fn new(dispatch: &'a Arc<Dispatch>, seat: &'a Arc<Seat>, worker: Worker) -> Self {
        let config = &dispatch.config;
        let flight = Flight::new(
            worker.board.clone(),
            worker.process.clone(),
            config.transport,
            config.max_result,
        );
        seat.seat(Some(Occupant {
            process: worker.process.clone(),
            flight: Some(flight.clone()),
        }));
        dispatch.warmed();
        let sending = Watched::new(worker.process.clone());
        let patience = Patience::new();
        Self {
            dispatch,
            seat,
            worker,
            flight,
            hand: VecDeque::new(),
            outbox: Outbox::new(config.transport),
            finished: Found::default(),
            amid: patience.clone(),
            patience,
            kept: None,
            proved: false,
            rounds: Rounds::default(),
            sending,
        }
    }

    fn serve(mut self) -> Served {
        if let Err(error) = self.worker.wire.be_quiet_after(ROUND) {
            return self.bury(Down::Channel(error));
        }
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

    /// Finds work for a worker that has none. False if it is to go.
    fn idle(&mut self) -> Result<bool, Down> {
        if self.worker.process.exit().is_some() {
            return Err(Down::Exited);
        }
        if self.is_worn_out() {
            self.dispatch.not_idle(self.seat);
            return Ok(false);
        }
        let room = self.room();
        match self.dispatch.next(self.seat, room) {
            Next::Run(jobs) => self.hand.extend(jobs),
            Next::Leave => {
                let more = self.dispatch.take_back(self.seat, room);
                if more.is_empty() {
                    return Ok(false);
                }
                self.hand.extend(more);
            }
            Next::Sleep => {
                // Known to be asleep from here on: what others take for later
                // after this look, they wake this supervisor for.
                let more = self.dispatch.take_back(self.seat, room);
                if more.is_empty() {
                    let woken = self.sleep(self.dispatch.config.idle_timeout);
                    return Ok(woken || !self.dispatch.may_go(self.seat));
                }
                self.dispatch.not_idle(self.seat);
                self.hand.extend(more);
            }
        }
        self.send()?;
        Ok(true)
    }

    /// Sleeps, and gives up memory that the next job would have to bring back only if it
    /// does not come soon.
    fn sleep(&self, limit: Option<Duration>) -> bool {
        let soon = limit.unwrap_or(Duration::MAX).min(SOON);
        if self.seat.sleep(Some(soon)) {
            return true;
        }
        self.worker.board.shrink();
        self.seat.sleep(limit.map(|limit| limit - soon))
    }

    /// Waits for news, resolves what is finished, and tops up.
    fn collect(&mut self) -> Result<(), Down> {
        match self.dispatch.config.transport {
            Transport::SharedMemory => self.await_news()?,
            Transport::Messages => self.await_message()?,
        }
        self.top_up()
    }

    fn await_news(&mut self) -> Result<(), Down> {
        let (board, first) = (&self.worker.board, self.flight.first());
        let feeding = self.outbox.feeding().is_some();
        let ready = || first.is_none_or(|seq| board.is_news(seq)) || feeding && board.takes_more();
        let amid = feeding || first.is_some_and(|seq| board.is_sending(seq));
        let patience = if amid {
            &mut self.amid
        } else {
            &mut self.patience
        };
        let is_news = board.await_news(patience, ROUND, ready);
        if board.is_gone() {
            return Err(Down::Exited);
        }
        self.feed()?;
        // That it takes or sends a little now and then is no reason not to look.
        if !is_news || !self.take_in(None)? {
            self.look_after()?;
        }
        Ok(())
    }

    fn await_message(&mut self) -> Result<(), Down> {
        match self.worker.wire.recv() {
            Ok(Incoming::Message(head, bytes)) => {
                if !self.take_in(Some((head, bytes)))? {
                    self.look_after()?;
                }
            }
            Ok(Incoming::Quiet) => self.look_after()?,
            // Cut when the process has ended, after all that it ever sent.
            Ok(Incoming::End) => return Err(Down::Exited),
            Err(error) => return Err(Down::Channel(error)),
        }
        self.send_kept()
    }

    /// Takes in what stands on the board, and a message. True if that led to
    /// anything.
    fn take_in(&mut self, message: Option<(Head, Vec<u8>)>) -> Result<bool, Down> {
        if self.dispatch.config.transport == Transport::Messages {
            // Before the board is looked at: see `bell.rs`.
            self.worker.board.hear();
        }
        let mut finished = std::mem::take(&mut self.finished);
        let heard = message.is_some();
        let read = self.read(message, &mut finished);
        let fruitful = !finished.is_empty();
        // What was found before a violation is as good as any.
        self.resolve(&mut finished);
        self.finished = finished;
        read?;
        if heard || fruitful {
            self.rounds.heard(fruitful)?;
        }
        Ok(fruitful)
    }

    fn read(
        &self,
        message: Option<(Head, Vec<u8>)>,
        finished: &mut Found,
    ) -> Result<(), Violation> {
        // What stands on the board came before what comes as a message.
        self.flight.harvest(finished)?;
        match message {
            Some((head, bytes)) if head.kind != kind::BELL => {
                let slot = head.slot as usize;
                let result = self.flight.deliver(slot, head.seq, head.kind, bytes)?;
                if let Some(result) = result {
                    finished.add(result);
                }
                self.flight.harvest(finished)
            }
            Some((_, bytes)) if !bytes.is_empty() => Err(Violation("its bell says something")),
            _ => Ok(()),
        }
    }

    fn resolve(&mut self, finished: &mut Found) {
        if finished.is_empty() {
            return;
        }
        self.prove();
        // Decoding is the user's code, and so are callbacks. Known before this
        // worker counts as idle, so that nobody relies on it alone.
        self.seat.set_resolving(true);
        if self.flight.is_empty() && !self.is_worn_out() {
            // Known before the owners learn of it: who submits again in answer
            // to a result finds this worker idle, and starts no other.
            self.dispatch.soon_idle(self.seat);
        }
        self.dispatch.count(finished.len(), 0);
        finished.resolve();
        self.seat.set_resolving(false);
    }

    fn prove(&mut self) {
        if !self.proved {
            self.proved = true;
            self.dispatch.proved();
        }
    }
}
