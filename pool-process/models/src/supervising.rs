//! Models of who supervises, and of how a supervisor that sleeps is woken.

use crate::attention::Attention;
use crate::role::{Role, Shift};
use loom::sync::atomic::AtomicUsize;
use loom::sync::atomic::Ordering::{Relaxed, SeqCst};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

/// A descriptor that stays readable until somebody has slept on it.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    fn ring(&self) {
        *self.rung.lock().unwrap() = true;
        self.changed.notify_one();
    }

    fn sleep(&self) {
        let mut rung = self.rung.lock().unwrap();
        while !*rung {
            rung = self.changed.wait(rung).unwrap();
        }
        *rung = false;
    }
}

struct Pool {
    attention: Attention,
    bell: Bell,
    queue: Mutex<usize>,
}

impl Pool {
    fn submit(&self) {
        *self.queue.lock().unwrap() += 1;
        if self.attention.poke() {
            self.bell.ring();
        }
    }

    /// Takes what is there; sleeps if it was nothing.
    fn round(&self) -> usize {
        self.attention.wake();
        let taken = std::mem::take(&mut *self.queue.lock().unwrap());
        if taken == 0 && self.attention.sleep() {
            self.bell.sleep();
        }
        taken
    }
}

/// No job is left lying while the supervisor sleeps: that would be a deadlock, which loom
/// reports.
fn no_poke_is_lost(submitters: usize, each: usize) {
    let mut builder = loom::model::Builder::new();
    // With three threads, all interleavings take hours.
    builder.preemption_bound = Some(3);
    builder.check(move || {
        let pool = Arc::new(Pool {
            attention: Attention::new(),
            bell: Bell::default(),
            queue: Mutex::new(0),
        });
        let threads: Vec<_> = (0..submitters)
            .map(|_| {
                let pool = pool.clone();
                thread::spawn(move || (0..each).for_each(|_| pool.submit()))
            })
            .collect();
        let mut taken = 0;
        while taken < submitters * each {
            taken += pool.round();
        }
        threads.into_iter().for_each(|it| it.join().unwrap());
    });
}

#[test]
fn no_poke_of_two_is_lost() {
    no_poke_is_lost(2, 1);
}

#[test]
fn no_poke_of_one_after_the_other_is_lost() {
    no_poke_is_lost(1, 2);
}

/// A supervisor, and what it works at: each piece is worked at once.
struct Crew {
    role: Role,
    pieces: Mutex<Vec<usize>>,
    worked: [AtomicUsize; 3],
    /// The piece that another one waits for is done.
    done: Bell,
    /// Whether anybody is at the piece that waits for another.
    begun: AtomicUsize,
    /// The shifts that there were.
    supervising: Mutex<Vec<Shift>>,
}

impl Crew {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            role: Role::new(),
            pieces: Mutex::new(vec![2, 1, 0]),
            worked: std::array::from_fn(|_| AtomicUsize::new(0)),
            done: Bell::default(),
            begun: AtomicUsize::new(0),
            supervising: Mutex::new(Vec::new()),
        })
    }

    /// Supervises for as long as it may. Piece 0 waits for piece 1.
    fn supervise(&self, shift: Shift) {
        let mut shifts = self.supervising.lock().unwrap();
        assert!(!shifts.contains(&shift), "two threads with the same shift");
        shifts.push(shift);
        drop(shifts);
        while self.role.is(shift) {
            let piece = self.pieces.lock().unwrap().pop();
            let Some(piece) = piece else {
                if self.role.rest(shift) {
                    // It would sleep here, and cannot lose the role meanwhile.
                    assert!(self.role.is(shift));
                    self.role.wake(shift);
                }
                return;
            };
            self.role.step();
            match piece {
                0 => {
                    self.begun.fetch_add(1, SeqCst);
                    self.done.sleep();
                }
                1 => self.done.ring(),
                _ => {}
            }
            self.worked[piece].fetch_add(1, Relaxed);
        }
    }
}

/// A supervisor whose step waits for another step is relieved: the pieces are all worked
/// at, once each, whenever the watchdog looks.
#[test]
fn a_supervisor_that_is_held_up_is_relieved() {
    loom::model(|| {
        let crew = Crew::new();
        let first = crew.role.take_over(crew.role.look()).unwrap();
        let its = crew.clone();
        let held_up = thread::spawn(move || its.supervise(first));
        // The watchdog, which is also the spare thread. Should it relieve the first before
        // that is held up, there is no third to relieve this one in the model.
        while crew.begun.load(SeqCst) == 0 {
            thread::yield_now();
        }
        loop {
            let before = crew.role.look();
            if let Some(shift) = crew.role.take_over(before) {
                assert_ne!(shift, first);
                crew.supervise(shift);
                break;
            }
            thread::yield_now();
        }
        held_up.join().unwrap();
        let worked = crew.worked.iter().map(|count| count.load(SeqCst));
        assert_eq!(worked.collect::<Vec<_>>(), [1, 1, 1]);
    });
}

/// Two that want to take over from the same supervisor: one does.
#[test]
fn one_takes_over() {
    loom::model(|| {
        let role = Arc::new(Role::new());
        let before = role.look();
        let theirs = role.clone();
        let other = thread::spawn(move || theirs.take_over(before).is_some());
        let here = role.take_over(before).is_some();
        assert!(here ^ other.join().unwrap());
    });
}

/// A supervisor that sleeps keeps the role. When it wakes at the very moment at which a
/// watchdog has found it where it was, it may lose it, and knows.
#[test]
fn who_sleeps_keeps_the_role() {
    loom::model(|| {
        let role = Arc::new(Role::new());
        let shift = role.take_over(role.look()).unwrap();
        let before = role.look();
        let theirs = role.clone();
        let watchdog = thread::spawn(move || theirs.take_over(before));
        let rested = role.rest(shift);
        if rested {
            assert!(role.is(shift));
            role.wake(shift);
        }
        let next = watchdog.join().unwrap();
        assert!(rested || next.is_some());
        assert_eq!(role.is(shift), next.is_none());
    });
}
