//! The queue against a model of it, and its counts against those who cancel.

use executor_core::queue::{Husks, JobQueue, Ledger, Next, STEP};
use executor_core::{Job, JobOptions, Task};
use std::collections::VecDeque;
use std::sync::{Arc, Barrier, Mutex};

fn job(n: u64) -> (Job, Task<u64>) {
    Job::from_closure(move || n, JobOptions::default())
}

/// A generator of numbers that look random; the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// What a queue must do: the numbers that wait, in order.
struct Model {
    waiting: VecDeque<u64>,
    tasks: Vec<Option<Task<u64>>>,
}

impl Model {
    fn submit(&mut self) -> Job {
        let (job, task) = job(self.tasks.len() as u64);
        self.tasks.push(Some(task));
        job
    }

    fn newest(&self) -> u64 {
        self.tasks.len() as u64 - 1
    }

    fn task(&mut self, n: u64) -> Task<u64> {
        self.tasks[usize::try_from(n).unwrap()].take().unwrap()
    }
}

fn next<T>(mut ask: impl FnMut() -> Next<T>) -> Option<T> {
    loop {
        match ask() {
            Next::Job(job) => return Some(job),
            Next::Again => {}
            Next::Empty => return None,
        }
    }
}

#[test]
fn a_queue_does_what_its_model_does() {
    for seed in 1..=40 {
        let mut dice = Dice(u64::wrapping_mul(seed, 0x9e37_79b9_7f4a_7c15));
        let mut queue = JobQueue::new(Ledger::new());
        let mut model = Model {
            waiting: VecDeque::new(),
            tasks: Vec::new(),
        };
        // Some runs grow, some cancel much, some stay short.
        let (pushes, cancels) = (2 + dice.below(6), dice.below(5));
        for _ in 0..6000 {
            let mut husks = Husks::new();
            match dice.below(pushes + cancels + 4) {
                0 => {
                    let job = model.submit();
                    queue.push_front(job);
                    model.waiting.push_front(model.newest());
                }
                1 => {
                    let job = next(|| queue.begin_next(&mut husks));
                    assert_eq!(job.is_some(), !model.waiting.is_empty());
                    if let Some(job) = job {
                        job.run_with(|| (), || ());
                        let n = model.waiting.pop_front().unwrap();
                        assert_eq!(model.task(n).wait().unwrap(), n);
                    }
                }
                2 => {
                    let job = next(|| queue.pop(&mut husks));
                    let expected = model.waiting.pop_front().map(|n| model.task(n));
                    assert_eq!(job.as_ref().map(Job::id), expected.as_ref().map(Task::id));
                    // Withdrawn outside the queue: that is not its business.
                    let _ = expected.map(|task| task.cancel());
                }
                3 => {
                    let most = usize::try_from(dice.below(5)).unwrap();
                    for job in queue.pop_up_to(most, &mut husks) {
                        let n = model.waiting.pop_front().unwrap();
                        job.run();
                        assert_eq!(model.task(n).wait().unwrap(), n);
                    }
                }
                4 if !model.waiting.is_empty() => {
                    let place = dice.below(model.waiting.len() as u64);
                    let n = model
                        .waiting
                        .remove(usize::try_from(place).unwrap())
                        .unwrap();
                    let task = model.task(n);
                    assert!(queue.has(task.id()));
                    let job = queue.begin_task(task.id(), &mut husks).unwrap();
                    assert!(!queue.has(task.id()));
                    job.run_with(|| (), || ());
                    assert_eq!(task.wait().unwrap(), n);
                }
                choice if choice < 4 + cancels && !model.waiting.is_empty() => {
                    let place = dice.below(model.waiting.len() as u64);
                    let n = model
                        .waiting
                        .remove(usize::try_from(place).unwrap())
                        .unwrap();
                    model.task(n).cancel();
                }
                _ => {
                    let job = model.submit();
                    queue.push_back(job);
                    queue.tidy(&mut husks);
                    model.waiting.push_back(model.newest());
                }
            }
            assert_eq!(queue.waiting(), model.waiting.len());
            assert!(husks.len() <= 2 * STEP);
        }
        let mut husks = Husks::new();
        while let Some(job) = next(|| queue.begin_next(&mut husks)) {
            job.run_with(|| (), || ());
            let n = model.waiting.pop_front().unwrap();
            assert_eq!(model.task(n).wait().unwrap(), n);
        }
        assert!(model.waiting.is_empty() && queue.is_empty());
    }
}

#[test]
fn husks_do_not_pile_up_and_no_step_takes_out_many() {
    let mut queue = JobQueue::new(Ledger::new());
    let (first, kept) = job(0);
    queue.push_back(first);
    for n in 0..20_000 {
        let (job, task) = job(n);
        let mut husks = Husks::new();
        queue.push_back(job);
        queue.tidy(&mut husks);
        task.cancel();
        assert!(husks.len() <= STEP);
        assert!(queue.entries() <= 4 * STEP, "{} at {n}", queue.entries());
        assert_eq!(queue.waiting(), 1);
    }
    drop(queue);
    assert!(kept.wait().unwrap_err().is_pool_broken());
}

#[test]
fn many_cancelled_jobs_are_passed_by_in_steps() {
    let mut queue = JobQueue::new(Ledger::new());
    let tasks: Vec<_> = (0..100_000)
        .map(|n| {
            let (job, task) = job(n);
            queue.push_back(job);
            task
        })
        .collect();
    for task in &tasks[..99_999] {
        task.cancel();
    }
    assert_eq!(queue.waiting(), 1);
    let mut steps = 0;
    let last = loop {
        let mut husks = Husks::new();
        match queue.begin_next(&mut husks) {
            Next::Job(job) => break job,
            Next::Again => assert_eq!(husks.len(), STEP),
            Next::Empty => panic!("one waits"),
        }
        steps += 1;
    };
    assert_eq!(steps, 99_999 / STEP);
    assert_eq!(last.id(), tasks[99_999].id());
    last.run_with(|| (), || ());
}

/// While one thread adds and takes, others cancel: the count is exact whenever no cancel
/// is under way, never too low, and no job is lost or found twice.
#[test]
fn the_count_is_exact_whoever_cancels_meanwhile() {
    const ROUNDS: u64 = 50;
    const JOBS: u64 = 400;
    let queue = Arc::new(Mutex::new(JobQueue::new(Ledger::new())));
    for round in 0..ROUNDS {
        let start = Arc::new(Barrier::new(3));
        let tasks: Vec<_> = (0..JOBS)
            .map(|n| {
                let (job, task) = job(n);
                queue.lock().unwrap().push_back(job);
                task
            })
            .collect();
        let (even, odd): (Vec<_>, Vec<_>) = tasks.into_iter().partition(|t| t.id().get() % 2 == 0);
        let cancellers = [even, odd].map(|tasks| {
            let start = start.clone();
            std::thread::spawn(move || {
                start.wait();
                let took = |task: &&Task<u64>| task.cancel().took_effect();
                let cancelled = tasks.iter().filter(took).count();
                // Those that were not cancelled have run.
                let ran = tasks.into_iter().filter(|task| !task.is_cancelled());
                (cancelled, ran.filter_map(|task| task.wait().ok()).count())
            })
        });
        start.wait();
        let mut begun = 0;
        for _ in 0..JOBS / 2 {
            let mut husks = Husks::new();
            let mut queue = queue.lock().unwrap();
            let job = next(|| queue.begin_next(&mut husks));
            drop(queue);
            if let Some(job) = job {
                begun += 1;
                job.run_with(|| (), || ());
            }
        }
        let (mut cancelled, mut ran) = (0, 0);
        for canceller in cancellers {
            let (its, others) = canceller.join().unwrap();
            (cancelled, ran) = (cancelled + its, ran + others);
        }
        assert_eq!(begun, ran);
        assert_eq!(cancelled + begun, usize::try_from(JOBS).unwrap());
        let queue = queue.lock().unwrap();
        assert_eq!(queue.waiting(), 0, "in round {round}");
    }
}

#[test]
fn a_queue_that_is_dropped_fails_its_jobs_and_its_ledger_starts_anew() {
    for _ in 0..1000 {
        let ledger = Ledger::new();
        assert_eq!((ledger.admitted(), ledger.withdrawn()), (0, 0));
        let mut queue = JobQueue::new(ledger.clone());
        let [a, b] = [1, 2].map(|n| {
            let (job, task) = job(n);
            assert!(ledger.try_admit(&job, 2));
            queue.push_back(job);
            task
        });
        a.cancel();
        assert_eq!((queue.waiting(), ledger.admitted()), (1, 1));
        drop(queue);
        assert!(b.wait().unwrap_err().is_pool_broken());
        assert_eq!((ledger.admitted(), ledger.withdrawn()), (0, 1));
    }
}

#[test]
fn cancelling_jobs_of_one_queue_is_nothing_to_another() {
    let (mut one, mut other) = (JobQueue::new(Ledger::new()), JobQueue::new(Ledger::new()));
    let (first, task) = job(1);
    let (second, kept) = job(2);
    one.push_back(first);
    other.push_back(second);
    task.cancel();
    assert_eq!(
        (one.ledger().withdrawn(), other.ledger().withdrawn()),
        (1, 0)
    );
    assert_eq!((one.waiting(), other.waiting()), (0, 1));
    kept.ignore_error();
}

#[test]
fn one_queue_takes_over_what_stands_behind_it() {
    let ledger = Ledger::new();
    let (mut front, mut behind) = (JobQueue::new(ledger.clone()), JobQueue::new(ledger));
    front.take_over(&mut behind);
    assert!(front.is_empty() && behind.is_empty());
    let tasks: Vec<_> = (0..2000)
        .map(|n| {
            let (job, task) = job(n);
            behind.push_back(job);
            task
        })
        .collect();
    tasks[3].cancel();
    behind.sweep(&mut Husks::new());
    tasks[1999].cancel();
    front.take_over(&mut behind);
    assert_eq!((front.entries(), behind.entries()), (1999, 0));
    assert_eq!(JobQueue::waiting_in([&front, &behind]), 1998);
    let mut order = Vec::new();
    let mut husks = Husks::new();
    while let Some(job) = next(|| front.pop(&mut husks)) {
        order.push(job.id());
        job.run();
    }
    let expected = tasks.iter().map(Task::id);
    let expected: Vec<_> = expected
        .filter(|id| ![tasks[3].id(), tasks[1999].id()].contains(id))
        .collect();
    assert_eq!(order, expected);
}
