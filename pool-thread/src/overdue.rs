//! The net under workers that are held up on their way back to the queue.
//!
//! A worker whose function is over is counted on for the next job, so none is
//! woken or started for it. On its way the worker resolves the task, and that
//! may call a done callback, which is the user's and may take long: it may even
//! wait for that very job. So while somebody is counted on, a timer looks in now
//! and then, and sends another for the job if the same worker is still not back.
//!
//! It looks in as well some time after a thread could not be started, as long as jobs wait.
//!
//! It is a net, not the usual way: nearly always the worker is back within
//! microseconds, and the timer finds nothing to do and is not set again.

use crate::shared::{Call, Shared};
use executor_core::timer;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// A worker that was late at two looks is overdue.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// Looks in from now on, for as long as a job waits for a returning worker.
pub(crate) fn watch(shared: &Arc<Shared>) {
    let mut both = shared.lock();
    if std::mem::replace(&mut both.intake.watched, true) {
        return;
    }
    drop(both);
    arm(Arc::downgrade(shared), BETWEEN_LOOKS);
}

/// Looks in after so long, since a thread that could not be started may be had by then.
pub(crate) fn try_again(shared: &Arc<Shared>, pause: Duration) {
    arm(Arc::downgrade(shared), pause);
}

fn arm(shared: Weak<Shared>, pause: Duration) {
    timer::after(pause, move || {
        if let Some(shared) = shared.upgrade() {
            look(&shared);
        }
    })
    .detach();
}

fn look(shared: &Arc<Shared>) {
    let mut both = shared.lock();
    both.intake.watched = false;
    both.dispatch.mark_overdue();
    drop(both);
    loop {
        let call = shared.lock().call(shared.settings.max_workers);
        let more = matches!(call, Call::Wake(_) | Call::Start(..));
        shared.carry_out(call);
        if !more {
            return;
        }
    }
}
