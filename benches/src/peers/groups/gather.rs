//! Waiting for very many tasks at a time.

use super::{Plan, thread};
use crate::jobs::increment;
use crate::peers::measure::{Sample, Scale, Subject};
use crate::peers::report::Unit;
use crate::peers::sum::{check, summing};
use crate::peers::{Fault, WORKERS};
use combinators::gather;
use executor_core::{ExecutorExt as _, Promise, Task, TaskError, promise};
use futures::StreamExt as _;
use futures::future::{join_all, try_join_all};
use futures::stream::FuturesUnordered;
use futures_concurrency::future::Join as _;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread::scope;
use std::time::Instant;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

const TASKS: u64 = 100_000;

pub(super) const DONE: Plan = Plan {
    name: "gather-done",
    title: "Waiting for 100,000 tasks that are done, for each task",
    about: "All tasks have their results before anybody waits for them.",
    unit: Unit::Nanoseconds,
    once: false,
    start: |_: Scale| subjects(When::Before),
};

pub(super) const RACING: Plan = Plan {
    name: "gather-racing",
    title: "Waiting for 100,000 tasks while a thread completes them, for each task",
    about: "Another thread starts to give the tasks their results when the waiting \
            starts.",
    unit: Unit::Nanoseconds,
    once: false,
    start: |_: Scale| subjects(When::Meanwhile),
};

pub(super) const POOL: Plan = Plan {
    name: "gather-pool",
    title: "Submitting 100,000 tiny jobs and waiting for all, for each job",
    about: "A pool of two threads of ours runs the jobs while they are submitted and \
            waited for.",
    unit: Unit::Nanoseconds,
    once: false,
    start: |_: Scale| {
        Ok(vec![
            Subject::ours("ours", pooled(gather)?).note("`gather`"),
            Subject::rival("in order", || pooled(in_order)).note("`await` in a loop"),
            Subject::rival("join_all", || pooled(|tasks| values(join_all(tasks)))),
        ])
    },
};

/// When the tasks get their results.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Before,
    Meanwhile,
}

fn subjects(when: When) -> Result<Vec<Subject>, Fault> {
    let over_ours = "over our tasks";
    Ok(vec![
        Subject::ours("ours", waiting(when, gather)).note("`gather`"),
        Subject::rival("in order", || Ok(waiting(when, in_order)))
            .note("`await` in a loop, over our tasks")
            .ours_at_most(1.3),
        Subject::rival("join_all", || {
            Ok(waiting(when, |tasks| values(join_all(tasks))))
        })
        .note(over_ours)
        .ours_at_most(0.4),
        Subject::rival("try_join_all", || Ok(waiting(when, try_join_all))).note(over_ours),
        Subject::rival("FuturesUnordered", || Ok(waiting(when, unordered)))
            .note("over our tasks, results in any order"),
        Subject::rival("futures-concurrency", || {
            Ok(waiting(when, |tasks| values(tasks.join())))
        })
        .note("`join`, over our tasks"),
        Subject::rival("tokio JoinSet", || join_set(when)).note("over its own tasks"),
    ])
}

async fn in_order(tasks: Vec<Task<u64>>) -> Result<Vec<u64>, TaskError> {
    let mut values = Vec::with_capacity(tasks.len());
    for task in tasks {
        values.push(task.await?);
    }
    Ok(values)
}

async fn unordered(tasks: Vec<Task<u64>>) -> Result<Vec<u64>, TaskError> {
    let mut tasks: FuturesUnordered<_> = tasks.into_iter().collect();
    let mut values = Vec::with_capacity(tasks.len());
    while let Some(value) = tasks.next().await {
        values.push(value?);
    }
    Ok(values)
}

async fn values(
    outcomes: impl Future<Output = Vec<Result<u64, TaskError>>>,
) -> Result<Vec<u64>, TaskError> {
    outcomes.await.into_iter().collect()
}

/// A sample of what waits for our tasks.
fn waiting<W>(when: When, wait: impl Fn(Vec<Task<u64>>) -> W + 'static) -> Sample
where
    W: Future<Output = Result<Vec<u64>, TaskError>>,
{
    Box::new(move || {
        // Without a name, which nobody would read and each would allocate.
        let pairs = (1..=TASKS).map(|_| promise(""));
        let (promises, tasks): (Vec<Promise<u64>>, Vec<Task<u64>>) = pairs.unzip();
        let resolve = move || {
            for (number, promise) in (1..).zip(promises) {
                promise.resolve(Ok(number));
            }
        };
        let (values, elapsed) = timed(when, resolve, || {
            Ok(futures::executor::block_on(wait(tasks))?)
        })?;
        check(values.iter().sum(), TASKS)?;
        Ok(elapsed)
    })
}

/// A sample of what waits for the jobs of a pool.
fn pooled<W>(wait: impl Fn(Vec<Task<u64>>) -> W + 'static) -> Result<Sample, Fault>
where
    W: Future<Output = Result<Vec<u64>, TaskError>>,
{
    let pool = thread::pool()?;
    Ok(summing(TASKS, 1.0, move |jobs| {
        let jobs = (0..jobs).map(|number| pool.submit(increment, number));
        let values = futures::executor::block_on(wait(jobs.collect()))?;
        Ok(values.iter().sum())
    }))
}

/// Tasks that a tokio runtime has spawned into a set.
fn join_set(when: When) -> Result<Sample, Fault> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(WORKERS).build()?;
    Ok(Box::new(move || {
        let ended = Arc::new(AtomicU64::new(0));
        let (senders, set) = spawn(&runtime, &ended);
        let resolve = move || {
            for (number, sender) in (1..).zip(senders) {
                // Who does not wait any more has failed, and says so.
                let _ = sender.send(number);
            }
            if when == When::Before {
                while ended.load(Ordering::Acquire) < TASKS {
                    std::thread::yield_now();
                }
            }
        };
        let (values, elapsed) = timed(when, resolve, || Ok(runtime.block_on(set.join_all())))?;
        check(values.iter().sum(), TASKS)?;
        Ok(elapsed)
    }))
}

fn spawn(runtime: &Runtime, ended: &Arc<AtomicU64>) -> (Vec<oneshot::Sender<u64>>, JoinSet<u64>) {
    let mut set = JoinSet::new();
    let mut senders = Vec::with_capacity(TASKS as usize);
    for _ in 0..TASKS {
        let (sender, receiver) = oneshot::channel();
        let ended = ended.clone();
        let task = async move {
            let number = receiver.await.unwrap_or(0);
            ended.fetch_add(1, Ordering::Release);
            number
        };
        set.spawn_on(task, runtime.handle());
        senders.push(sender);
    }
    (senders, set)
}

/// What `wait` returns, and the nanoseconds for each task that it took; `resolve`
/// runs before it, or on another thread at the same time.
fn timed<V>(
    when: When,
    resolve: impl FnOnce() + Send,
    wait: impl FnOnce() -> Result<V, Fault>,
) -> Result<(V, f64), Fault> {
    let per_task = |start: Instant| start.elapsed().as_nanos() as f64 / TASKS as f64;
    match when {
        When::Before => {
            resolve();
            let start = Instant::now();
            let values = wait()?;
            Ok((values, per_task(start)))
        }
        When::Meanwhile => {
            let meet = &Barrier::new(2);
            scope(|scope| {
                scope.spawn(move || {
                    meet.wait();
                    resolve();
                });
                meet.wait();
                let start = Instant::now();
                let values = wait()?;
                Ok((values, per_task(start)))
            })
        }
    }
}
