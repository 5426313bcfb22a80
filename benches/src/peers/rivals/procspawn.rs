//! `procspawn::Pool`.
//!
//! A job of it holds three file descriptors until its result was taken, and its
//! worker's thread waits until that happens. So it cannot have ten thousand jobs
//! in flight; it has [`WINDOW`] of them, and they are taken in order.

use crate::jobs::increment;
use crate::peers::{Fault, WORKERS};
use procspawn::{JoinHandle, Pool, SpawnError};
use std::collections::VecDeque;
use std::rc::Rc;

/// How many of its jobs are in flight.
pub(crate) const WINDOW: usize = 256;

/// A pool whose workers have all run a job.
pub(crate) fn pool() -> Result<Rc<Pool>, SpawnError> {
    let pool = Rc::new(Pool::new(WORKERS)?);
    sum(&pool, 100)?;
    Ok(pool)
}

/// The sum of the results of so many jobs.
pub(crate) fn sum(pool: &Pool, jobs: u64) -> Result<u64, SpawnError> {
    let mut flying: VecDeque<JoinHandle<u64>> = VecDeque::with_capacity(WINDOW);
    let mut sum = 0;
    for number in 0..jobs {
        if flying.len() == WINDOW
            && let Some(oldest) = flying.pop_front()
        {
            sum += oldest.join()?;
        }
        flying.push_back(pool.spawn(number, increment));
    }
    for handle in flying {
        sum += handle.join()?;
    }
    Ok(sum)
}

/// One job, there and back.
pub(crate) fn round_trip(pool: &Pool, number: u64) -> Result<u64, Fault> {
    Ok(pool.spawn(number, increment).join()?)
}
