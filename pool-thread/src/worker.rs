//! A worker's loop: take a job, run it, until there are no more and the pool is
//! closed.

use crate::bell::Bell;
use crate::doze::Doze;
use crate::meanwhile::Meanwhile;
use crate::shared::{Next, Shared};
use executor_core::panic::catch;
use executor_core::{current, exit, say, token};
use std::cell::Cell;
use std::sync::Arc;

thread_local! {
    /// The pool, as an address, and the seat that this thread works for.
    static HERE: Cell<Option<(usize, usize)>> = const { Cell::new(None) };
}

fn address(shared: &Shared) -> usize {
    std::ptr::from_ref(shared).addr()
}

/// The seat of the calling thread, if it is a worker of this pool.
pub(crate) fn seat_here(shared: &Shared) -> Option<usize> {
    // A job's thread-locals may be dropped after ours.
    let here = HERE.try_with(Cell::get).ok().flatten();
    here.and_then(|(pool, seat)| (pool == address(shared)).then_some(seat))
}

/// What a worker's thread does, from its start to its end.
pub(crate) fn work(shared: &Arc<Shared>, seat: usize, bell: &Arc<Bell>) {
    HERE.set(Some((address(shared), seat)));
    exit::this_thread_runs_jobs();
    bell.hang();
    current::set_helper(Some(Arc::new(Meanwhile::new(
        shared.clone(),
        seat,
        bell.clone(),
    ))));
    token::set_parent(Some(shared.killed.clone()));
    // Jobs keep their panics to themselves. This is for what would be a bug of
    // ours: the worker goes on, and `threadpool` never learns of it.
    while let Err(report) = catch(|| serve(shared, seat, bell)) {
        say!(error, %report, pool = shared.settings.name, "a worker panicked");
    }
    token::set_parent(None);
    current::set_helper(None);
    HERE.set(None);
}

fn serve(shared: &Arc<Shared>, seat: usize, bell: &Bell) {
    // Whoever starts or wakes a worker counts on its arrival.
    let mut called = true;
    let mut doze = Doze::default();
    loop {
        if shared.made.is_foreign() {
            // A job has forked, and this is what is left of its thread.
            return;
        }
        match shared.next(seat, std::mem::take(&mut called)) {
            Next::Run(job, number) => {
                doze.found(true);
                let returned = || bell.set_returned();
                if job.timeout().is_none() {
                    job.run_with(returned, || ());
                } else {
                    let pool = shared.clone();
                    job.run_with(returned, move || pool.expired(seat, number));
                }
            }
            Next::Sleep => {
                doze.found(false);
                if let Some(_awake) = shared.stay_awake() {
                    doze.stay_awake(|| bell.is_rung());
                }
                bell.sleep();
                called = true;
            }
            Next::Leave => return,
        }
    }
}
