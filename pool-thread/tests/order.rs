//! Jobs begin in the order in which they came, with any number of workers.

mod common;

use common::{LONG, finish, pool};
use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex};

/// How many jobs are over, for those that wait for a number of them.
#[derive(Default)]
struct Over(Mutex<usize>, Condvar);

impl Over {
    fn one_more(&self) {
        *self.0.lock().unwrap() += 1;
        self.1.notify_all();
    }

    fn wait_for(&self, number: usize) {
        let over = self.0.lock().unwrap();
        let short = |over: &mut usize| *over < number;
        let (_over, waited) = self.1.wait_timeout_while(over, LONG, short).unwrap();
        assert!(!waited.timed_out(), "an earlier job was not begun");
    }
}

/// Each job waits for all before it, without the pool's knowing: none may be begun
/// while an earlier one waits, least of all behind it.
#[test]
fn a_job_may_wait_for_those_before_it() {
    for workers in [1, 2, 3, 8] {
        let pool = pool(workers);
        let over = Arc::new(Over::default());
        let tasks: Vec<_> = (0..2000)
            .map(|n| {
                let over = over.clone();
                pool.spawn(move || {
                    over.wait_for(n);
                    over.one_more();
                })
            })
            .collect();
        tasks.into_iter().for_each(|task| finish(task).unwrap());
    }
}

/// The same while short jobs keep the queue moving: none of them is stuck behind one
/// that takes long, as long as there is another worker.
#[test]
fn a_long_job_holds_up_none_of_those_that_came_with_it() {
    let pool = pool(2);
    for _ in 0..50 {
        let (release, released) = channel::<()>();
        let short = |n: u64| (0..n).map(|n| pool.spawn(move || n)).collect::<Vec<_>>();
        let before = short(100);
        let long = pool.spawn(move || released.recv_timeout(LONG));
        let after = short(100);
        for (n, task) in (0..100).chain(0..100).zip(before.into_iter().chain(after)) {
            assert_eq!(finish(task).unwrap(), n);
        }
        release.send(()).unwrap();
        finish(long).unwrap().unwrap();
    }
}

/// With one worker the order is the order of the submits, from wherever they come.
#[test]
fn one_worker_runs_each_threads_jobs_in_their_order() {
    let pool = pool(1);
    let ran = Arc::new(Mutex::new(vec![0_usize; 4]));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (pool, ran) = (&pool, ran.clone());
            scope.spawn(move || {
                let job = |n| {
                    let ran = ran.clone();
                    pool.spawn(move || {
                        let mut ran = ran.lock().unwrap();
                        assert_eq!(ran[thread], n);
                        ran[thread] += 1;
                    })
                };
                let tasks: Vec<_> = (0..1000).map(job).collect();
                tasks.into_iter().for_each(|task| finish(task).unwrap());
            });
        }
    });
    assert_eq!(*ran.lock().unwrap(), [1000; 4]);
}
