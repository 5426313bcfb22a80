//! A model of the dispatch: every order of events in a small pool, explored exhaustively.
//!
//! The decisions are those of the real [`Roster`](super::roster::Roster); around it stand
//! jobs that are numbers and workers that are lists, see `world`. After each event the
//! supervisor's round runs until it has nothing left to do, as it does in a pool: every
//! change pokes the supervisor, which the models of the role and of the poller check; but
//! for a job that comes while nobody could take it.
//!
//! In each state that can be reached the following holds:
//!
//! 1. Every job is in exactly one place, or is done.
//! 2. Unless few suffice, no job waits in the queue while a worker is idle, or while one
//!    could be started.
//! 3. Unless few suffice, no job waits behind one that runs while another worker is idle, or
//!    while nobody is started and somebody could be.
//! 4. If nothing happens from here on but what has to, every job comes to its end, and so
//!    does the pool if it was shut down: also if all starts fail, and if a thread that has
//!    lost its role never goes on. No round goes on for ever.
//! 5. There are never more workers than seats, and none starts that nobody asks for.
//! 6. The list of idle workers has all that are idle.
//! 7. Few suffice only while as many workers as there are processors are at work, each of
//!    which has begun its first job, or was given it, since the last look but one.

mod effects;
mod events;
mod laws;
mod rounds;
mod world;

use self::events::{Event, enabled};
use self::world::World;
use std::collections::{HashSet, VecDeque};

/// The limits of what is explored.
#[derive(Clone, Copy, Debug)]
struct Limits {
    max_workers: usize,
    min_workers: usize,
    jobs: u8,
    /// After so many jobs a worker is replaced.
    most: Option<u8>,
    /// At which gifts from now on the supervisor may lose its role.
    stalls: u8,
    /// Whether workers may be stopped from starting, die and be cancelled.
    faults: bool,
    shutdown: bool,
    warm_up: bool,
    /// Whether workers may say what they are killed for.
    distrust: bool,
    /// How many workers can run at a time, if jobs are short.
    processors: Option<usize>,
}

const ALL: Limits = Limits {
    max_workers: 2,
    min_workers: 0,
    jobs: 2,
    most: None,
    stalls: 1,
    faults: true,
    shutdown: true,
    warm_up: true,
    distrust: false,
    processors: None,
};

/// Explores everything; says how many states there are.
fn explore(limits: Limits) -> usize {
    let mut seen: HashSet<Vec<u8>> = HashSet::new();
    // The states, and for each the one before it and the event between.
    let mut states: Vec<(usize, Option<Event>)> = vec![(0, None)];
    let first = World::new(limits);
    seen.insert(first.key());
    let mut open = VecDeque::from([(0, first)]);
    while let Some((at, world)) = open.pop_front() {
        for event in enabled(&world) {
            let mut next = world.clone();
            next.apply(event);
            let fault = next.fault().or_else(|| {
                let fresh = seen.insert(next.key());
                fresh.then(|| next.settles()).flatten()
            });
            let fresh = states.len() < seen.len();
            if let Some(fault) = fault {
                let mut path = vec![event];
                let mut state = at;
                while let (before, Some(event)) = states[state] {
                    path.insert(0, event);
                    state = before;
                }
                panic!("{fault}\n{limits:?}\nafter {path:?}\nin {next:#?}");
            }
            if fresh {
                open.push_back((states.len(), next));
                states.push((at, Some(event)));
            }
        }
    }
    println!("{} states: {limits:?}", states.len());
    states.len()
}

const QUIET: Limits = Limits {
    stalls: 0,
    faults: false,
    shutdown: false,
    warm_up: false,
    ..ALL
};

#[test]
fn two_seats_and_two_jobs_with_everything() {
    assert!(explore(ALL) > 40_000);
}

#[test]
fn two_seats_and_three_jobs_with_stalls_and_ends() {
    let (stalls, shutdown) = (1, true);
    assert!(
        explore(Limits {
            jobs: 3,
            stalls,
            shutdown,
            ..QUIET
        }) > 2_000
    );
}

#[test]
fn two_seats_and_three_jobs_with_faults() {
    let faults = true;
    assert!(
        explore(Limits {
            jobs: 3,
            faults,
            ..QUIET
        }) > 10_000
    );
}

/// One that is to be killed for what it has said is given nothing, though it is idle.
#[test]
fn workers_that_are_distrusted() {
    let distrust = true;
    assert!(explore(Limits { distrust, ..QUIET }) > 100);
}

#[test]
#[ignore = "takes minutes unless it is optimised"]
fn two_seats_and_three_jobs_with_everything() {
    assert!(explore(Limits { jobs: 3, ..ALL }) > 250_000);
}

#[test]
fn one_seat_and_three_jobs_with_everything() {
    assert!(
        explore(Limits {
            max_workers: 1,
            jobs: 3,
            ..ALL
        }) > 14_000
    );
}

/// So many that some are given two at a time, and the second is held up.
#[test]
fn one_seat_and_four_jobs_with_stalls_and_ends() {
    let (stalls, shutdown) = (2, true);
    assert!(
        explore(Limits {
            max_workers: 1,
            jobs: 4,
            stalls,
            shutdown,
            ..QUIET
        }) > 900
    );
}

#[test]
fn two_seats_and_four_jobs_with_stalls() {
    assert!(
        explore(Limits {
            jobs: 4,
            stalls: 2,
            ..QUIET
        }) > 1_000
    );
}

/// So many that a thread which finds a result gives its worker several at a time.
#[test]
fn two_seats_and_six_jobs() {
    assert!(explore(Limits { jobs: 6, ..QUIET }) > 1_000);
}

#[test]
fn one_quick_worker_suffices() {
    let quick = Limits {
        processors: Some(1),
        ..QUIET
    };
    assert!(explore(Limits { jobs: 5, ..quick }) > 1_000);
    let jobs = 3;
    let faults = true;
    assert!(
        explore(Limits {
            jobs,
            faults,
            ..quick
        }) > 1_000
    );
    let (stalls, shutdown) = (1, true);
    assert!(
        explore(Limits {
            jobs,
            stalls,
            shutdown,
            ..quick
        }) > 1_000
    );
}

#[test]
fn two_quick_workers_of_three_suffice() {
    assert!(
        explore(Limits {
            max_workers: 3,
            jobs: 4,
            processors: Some(2),
            ..QUIET
        }) > 1_000
    );
}

#[test]
fn workers_that_wear_out() {
    for most in [1, 2] {
        let most = Some(most);
        assert!(
            explore(Limits {
                most,
                warm_up: false,
                ..ALL
            }) > 5_000
        );
    }
}

#[test]
fn workers_that_stay() {
    for min_workers in [1, 2] {
        assert!(
            explore(Limits {
                min_workers,
                shutdown: false,
                ..ALL
            }) > 13_000
        );
    }
}
