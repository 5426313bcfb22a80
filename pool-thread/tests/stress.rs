//! Many threads that do everything at once; every task must resolve.

mod common;

use common::{LONG, finish};
use executor_core::{Executor as _, Job, JobOptions, Shutdown};
use pool_thread::ThreadPool;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// A generator of numbers that look random, the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

fn pool(dice: &mut Dice) -> ThreadPool {
    let mut builder = ThreadPool::builder().max_workers(1 + dice.roll(4) as usize);
    if dice.roll(3) == 0 {
        builder = builder.max_queued(1 + dice.roll(20) as usize);
    }
    builder.build().unwrap()
}

fn submit_all_sorts(pool: &ThreadPool, dice: &mut Dice, ran: &Arc<AtomicUsize>) {
    let mut tasks = Vec::new();
    for n in 0..60 {
        let (captured, kind) = (ran.clone(), dice.roll(8));
        let closure = move || {
            captured.fetch_add(1, Ordering::Relaxed);
            assert!(kind != 1, "on purpose");
            if kind == 2 {
                thread::yield_now();
            }
            n
        };
        let mut options = JobOptions::default();
        if kind == 3 {
            options.name = Some("limited".to_owned());
            options.timeout = Some(Duration::from_micros(dice.roll(50)));
        }
        let (job, task) = Job::from_closure(closure, options);
        pool.execute(job);
        match kind {
            4 => drop(task.cancel_on_drop()),
            5 => task.detach(),
            6 => {
                task.cancel();
                tasks.push(task);
            }
            7 => drop(finish(task)),
            _ => tasks.push(task),
        }
    }
    for task in tasks {
        if let Err(error) = finish(task) {
            let known = error.is_panicked()
                || error.is_cancelled()
                || error.is_timed_out()
                || error.is_rejected();
            assert!(known, "{error}");
        }
    }
}

#[test]
fn everything_at_once() {
    // The panics are on purpose, so nobody wants to read them.
    std::panic::set_hook(Box::new(|info| {
        if !info.to_string().contains("on purpose") {
            eprintln!("{info}");
        }
    }));
    for round in 1..=60 {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(round));
        let pool = pool(&mut dice);
        let ran = Arc::new(AtomicUsize::new(0));
        let shutdown = dice.roll(4);
        thread::scope(|scope| {
            for thread in 0..4 {
                let (pool, ran) = (pool.clone(), ran.clone());
                let mut dice = Dice(round * 1000 + thread);
                scope.spawn(move || submit_all_sorts(&pool, &mut dice, &ran));
            }
            let how = match shutdown {
                0 => return,
                1 => Shutdown::drain(),
                2 => Shutdown::cancel_pending(),
                _ => Shutdown::drain().within(Duration::from_micros(200)),
            };
            finish(pool.shutdown(how)).unwrap();
        });
        let ended = pool.shutdown(Shutdown::drain().within(LONG));
        let report = finish(ended).unwrap();
        // Only a function past its limit may still run, unless some were killed.
        let limited = report.abandoned.iter().all(|name| name == "limited");
        assert!(shutdown == 3 || limited, "{report:?}");
        assert_eq!(
            (pool.queued(), pool.max_workers() >= pool.workers()),
            (0, true)
        );
        drop(pool);
        // What the jobs captured is all freed, once the last of them has ended.
        let since = std::time::Instant::now();
        while Arc::strong_count(&ran) > 1 {
            assert!(since.elapsed() < LONG, "captures leak");
            thread::yield_now();
        }
    }
}

#[test]
fn idle_and_busy_by_turns() {
    for workers in 1..=4 {
        let pool = common::pool(workers);
        for round in 0..500 {
            let tasks: Vec<_> = (0..round % 7).map(|n| pool.spawn(move || n)).collect();
            for (n, task) in (0..).zip(tasks) {
                assert_eq!(finish(task).unwrap(), n);
            }
        }
        assert!(pool.workers() <= workers);
    }
}
