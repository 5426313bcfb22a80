//! What takes a function and gives a future of its result.
//!
//! All are asked the same way: a function from a number to a future, and something
//! that blocks on futures.

use crate::jobs::increment;
use crate::peers::measure::Sample;
use crate::peers::sum::summing;
use crate::peers::{Fault, WORKERS};
use futures::channel::oneshot;
use futures::task::SpawnExt as _;
use std::future::Future;

/// What drives the futures of a subject.
pub(crate) trait Drive: 'static {
    fn block_on<F: Future>(&self, future: F) -> F::Output;
}

/// `futures::executor::block_on`, for all that ask for nothing else.
pub(crate) struct Plain;

impl Drive for Plain {
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        futures::executor::block_on(future)
    }
}

impl Drive for tokio::runtime::Runtime {
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        tokio::runtime::Runtime::block_on(self, future)
    }
}

/// async-std's own.
pub(crate) struct AsyncStd;

impl Drive for AsyncStd {
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        async_std::task::block_on(future)
    }
}

/// What is done with a subject.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// So many jobs in flight at a time: nanoseconds for each.
    Many(u64),
    /// One job after the other, so many: microseconds for each.
    RoundTrips(u64),
}

impl Shape {
    /// A sample of jobs that `submit` starts.
    pub(crate) fn sample<D, F>(self, drive: D, submit: impl Fn(&D, u64) -> F + 'static) -> Sample
    where
        D: Drive,
        F: Future<Output = Result<u64, Fault>>,
    {
        match self {
            Self::Many(jobs) => summing(jobs, 1.0, move |jobs| {
                let started: Vec<F> = (0..jobs).map(|number| submit(&drive, number)).collect();
                drive.block_on(async {
                    let mut sum = 0;
                    for job in started {
                        sum += job.await?;
                    }
                    Ok(sum)
                })
            }),
            Self::RoundTrips(times) => summing(times, 1e3, move |times| {
                let mut sum = 0;
                for number in 0..times {
                    sum += drive.block_on(submit(&drive, number))?;
                }
                Ok(sum)
            }),
        }
    }
}

/// `tokio::task::spawn_blocking` on a runtime of its own.
pub(crate) fn tokio(shape: Shape) -> Result<Sample, Fault> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let sized = builder
        .worker_threads(WORKERS)
        .max_blocking_threads(WORKERS);
    let runtime = sized.build()?;
    Ok(shape.sample(runtime, |runtime, number| {
        let job = runtime.spawn_blocking(move || increment(number));
        async { Ok(job.await?) }
    }))
}

/// The `threadpool` crate, each result through a oneshot.
pub(crate) fn threadpool(shape: Shape) -> Sample {
    let pool = threadpool::ThreadPool::new(WORKERS);
    shape.sample(Plain, move |_, number| {
        let (sender, receiver) = oneshot::channel();
        // A receiver that is gone wants no result.
        pool.execute(move || {
            let _ = sender.send(increment(number));
        });
        async { Ok(receiver.await?) }
    })
}

/// A rayon pool, each result through a oneshot.
pub(crate) fn rayon(shape: Shape) -> Result<Sample, Fault> {
    let builder = rayon::ThreadPoolBuilder::new().num_threads(WORKERS);
    let pool = builder.build()?;
    Ok(shape.sample(Plain, move |_, number| {
        let (sender, receiver) = oneshot::channel();
        pool.spawn(move || {
            let _ = sender.send(increment(number));
        });
        async { Ok(receiver.await?) }
    }))
}

/// `async_std::task::spawn_blocking`.
pub(crate) fn async_std(shape: Shape) -> Sample {
    shape.sample(AsyncStd, |_, number| {
        let job = async_std::task::spawn_blocking(move || increment(number));
        async { Ok(job.await) }
    })
}

/// `blocking::unblock`.
pub(crate) fn unblock(shape: Shape) -> Sample {
    shape.sample(Plain, |_, number| {
        let job = blocking::unblock(move || increment(number));
        async { Ok(job.await) }
    })
}

/// The thread pool of `futures`, with `spawn_with_handle`.
pub(crate) fn futures(shape: Shape) -> Result<Sample, Fault> {
    let mut builder = futures::executor::ThreadPool::builder();
    let pool = builder.pool_size(WORKERS).create()?;
    Ok(shape.sample(Plain, move |_, number| {
        let job = pool.spawn_with_handle(async move { increment(number) });
        async { Ok(job?.await) }
    }))
}
