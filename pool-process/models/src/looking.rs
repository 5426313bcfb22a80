//! A thread that looks for a result in the supervisor's place, see `dispatch/direct.rs`.

use crate::bell::Bell;
use loom::sync::Arc;
use loom::sync::atomic::AtomicBool;
use loom::sync::atomic::Ordering::Relaxed;

const JOB: u64 = 7;

struct World {
    bell: Bell,
    done: AtomicBool,
}

impl World {
    /// The worker ends the job, and rings now or a little later. True if it has rung.
    fn end(&self) -> bool {
        self.done.store(true, Relaxed);
        self.bell.must_ring_for(JOB)
            || self.bell.is_looked_for(JOB) && self.bell.must_ring_after_all(JOB)
    }

    /// A thread looks for the end. True if it has seen to it that somebody collects: itself,
    /// or the supervisor, whom it pokes.
    fn look(&self) -> bool {
        self.bell.look_for(JOB);
        let found = self.done.load(Relaxed);
        self.bell.look_no_more(JOB);
        found || self.done.load(Relaxed)
    }

    /// The supervisor goes to sleep. True if it sees the end before.
    fn sleep(&self) -> bool {
        self.bell.announce();
        self.done.load(Relaxed)
    }
}

fn model(asleep: bool, check: fn(Arc<World>)) {
    loom::model(move || {
        let bell = Bell::new();
        if asleep {
            bell.announce();
        }
        let done = AtomicBool::new(false);
        check(Arc::new(World { bell, done }));
    });
}

/// The supervisor sleeps.
#[test]
fn loom_the_end_of_a_job_is_found_or_rung_for() {
    model(true, |world| {
        let theirs = world.clone();
        let worker = loom::thread::spawn(move || theirs.end());
        let seen = world.look();
        assert!(worker.join().unwrap() || seen);
    });
}

/// The supervisor goes to sleep, or wakes and sleeps again.
#[test]
fn loom_nor_is_it_lost_while_the_supervisor_falls_asleep() {
    for wakes in [false, true] {
        let check: fn(Arc<World>) = match wakes {
            false => |world| falls_asleep(world, false),
            true => |world| falls_asleep(world, true),
        };
        model(wakes, check);
    }
}

fn falls_asleep(world: Arc<World>, wakes: bool) {
    let (worker, looker) = (world.clone(), world.clone());
    let worker = loom::thread::spawn(move || worker.end());
    let looker = loom::thread::spawn(move || looker.look());
    if wakes {
        world.bell.withdraw();
    }
    let seen = world.sleep();
    let rung = worker.join().unwrap();
    assert!(looker.join().unwrap() || rung || seen);
}

/// Two look for the ends of jobs that follow one another: the second is not taken for the
/// first.
#[test]
fn loom_who_looks_for_one_job_does_not_keep_the_end_of_another_quiet() {
    loom::model(|| {
        let bell = Arc::new(Bell::new());
        bell.announce();
        bell.look_for(JOB + 1);
        assert!(bell.must_ring_for(JOB));
    });
}
