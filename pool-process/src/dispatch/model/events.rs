//! What may happen in the world, and what has to.

use super::world::{Mode, Slot, Worker, World};
use crate::seat::{Phase, Seat};

#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    Submit,
    /// A thread that posts what it has submitted goes on where it was.
    Posts,
    Cancel(u8),
    WarmUp,
    /// The supervisor will lose its role when the next worker but so many is given jobs.
    Stall(u8),
    /// The thread that has lost its role goes on where it was.
    StepEnds,
    /// There are no threads for starts, or there are again.
    Threads(bool),
    Ready(u64),
    NotStarted(u64),
    /// A worker goes on: it sees that its first job was taken back, or begins it.
    GoesOn(u64),
    Finishes(u64),
    /// The same, and a thread that waits for the job finds its result before the supervisor.
    IsFound(u64),
    /// That thread goes on where it was, and sees to a worker that had nothing then.
    Rests,
    /// The supervisor looks after a busy worker.
    Round(u64),
    /// The supervisor looks whether the quick ones get on.
    Look,
    /// All that are idle have been so for long.
    Idle,
    Dies(u64),
    Left(u64),
    /// A worker says what it must not, and is killed.
    Misbehaves(u64),
    /// The time until which starts were put off is over.
    TimePasses,
    Shutdown(Mode),
}

/// What may happen.
pub(super) fn enabled(world: &World) -> Vec<Event> {
    let limits = world.limits;
    let mut events = Vec::new();
    if world.over {
        return events
            .into_iter()
            .chain(world.step.is_some().then_some(Event::StepEnds))
            .collect();
    }
    if world.submitted < limits.jobs && world.mode.is_none() && world.posting.is_none() {
        events.push(Event::Submit);
    }
    if world.posting.is_some() {
        events.push(Event::Posts);
    } else if world.resting.is_some() {
        events.push(Event::Rests);
    }
    if limits.warm_up && !world.warmed && world.mode.is_none() {
        events.push(Event::WarmUp);
    }
    if world.step.is_none() && world.stall.is_none() {
        events.extend((0..limits.stalls).map(Event::Stall));
    }
    if limits.faults {
        let open = (0..world.submitted).filter(|job| world.done & 1 << job == 0);
        events.extend(open.map(Event::Cancel));
        events.push(Event::Threads(world.no_threads));
    }
    if limits.shutdown {
        let modes = [Mode::Drain, Mode::CancelPending, Mode::Kill];
        let tighter = modes.into_iter().filter(|mode| Some(*mode) > world.mode);
        events.extend(tighter.map(Event::Shutdown));
    }
    if world.step.is_some() {
        events.push(Event::StepEnds);
    }
    if world.roster.may_shrink() && world.roster.idlers().next().is_some() {
        events.push(Event::Idle);
    }
    if time_matters(world) {
        events.push(Event::TimePasses);
    }
    if limits.processors.is_some() {
        events.push(Event::Look);
    }
    for seat in &world.roster.seats {
        match &seat.phase {
            Phase::Starting => {
                let kills = world.mode == Some(Mode::Kill);
                events.extend((!kills).then_some(Event::Ready(seat.id)));
                events.extend((limits.faults || kills).then_some(Event::NotStarted(seat.id)));
            }
            Phase::Leaving(_) => events.push(Event::Left(seat.id)),
            Phase::Serving(worker) => {
                let next = next_of(worker);
                events.extend(next);
                if let Some(Event::Finishes(id)) = next
                    && limits.most.is_none()
                    && world.posting.is_none()
                    && world.resting.is_none()
                {
                    events.push(Event::IsFound(id));
                }
                events.push(Event::Round(seat.id));
                let obeys = limits.distrust && !worker.distrusted;
                events.extend(obeys.then_some(Event::Misbehaves(seat.id)));
                events.extend((limits.faults || worker.killed).then_some(Event::Dies(seat.id)));
            }
        }
    }
    events
}

/// What a worker does next by itself.
fn next_of(worker: &Worker) -> Option<Event> {
    match worker.flight.first()? {
        _ if worker.killed => None,
        Slot::Running(_) => Some(Event::Finishes(worker.id)),
        _ => Some(Event::GoesOn(worker.id)),
    }
}

/// Whether the supervisor sleeps no longer than until a start.
fn time_matters(world: &World) -> bool {
    !world.is_past && world.roster.next_start(world.waiting()).is_some()
}

/// Something that happens sooner or later by itself, if there is anything.
pub(super) fn necessary(world: &World, step_ends: bool, starts_fail: bool) -> Option<Event> {
    if step_ends && world.step.is_some() {
        return Some(Event::StepEnds);
    }
    if world.posting.is_some() {
        return Some(Event::Posts);
    }
    if world.resting.is_some() {
        return Some(Event::Rests);
    }
    if world.over {
        return None;
    }
    let of_seat = |seat: &Seat<Worker>| match &seat.phase {
        Phase::Starting if starts_fail || world.mode == Some(Mode::Kill) => {
            Some(Event::NotStarted(seat.id))
        }
        Phase::Starting => Some(Event::Ready(seat.id)),
        Phase::Leaving(_) => Some(Event::Left(seat.id)),
        Phase::Serving(worker) if worker.killed => Some(Event::Dies(seat.id)),
        Phase::Serving(worker) => next_of(worker),
    };
    let seats = world.roster.seats.iter().find_map(of_seat);
    seats.or_else(|| time_matters(world).then_some(Event::TimePasses))
}
