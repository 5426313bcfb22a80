//! Results that leave a job while it runs: for those who write executors.
//!
//! A chunk of [`map`](crate::ExecutorExt::map) is one job for many inputs. What is
//! finished leaves it at once, lest an input that hangs keep the results of its
//! neighbours. Where jobs run in this process that needs nobody's help. An executor
//! that runs them in another one carries *parts*:
//!
//! * **there**, it calls [`set_sink`] once, before the first job. While a job runs,
//!   the sink is given parts: bytes, each to be carried as they are, in their order,
//!   and before the job's own result. It is called by the thread that runs the job,
//!   between inputs, or by a thread of ours while that one is inside a function;
//!   never by both, and never after [`Entry::call`](crate::Entry::call) has
//!   returned, so a part belongs to the job that runs. A sink may block until there
//!   is room: the job then waits at its next input;
//! * **here**, it gives each part to the job's [`Parts`], which it has from
//!   [`HeldJob::parts`](crate::HeldJob::parts), and then completes or fails the job as
//!   ever.
//!
//! Without a sink everything comes with the job's own result. Of a job whose worker is
//! lost, those inputs count as finished whose results have arrived; parts that went down
//! with it are no fault. But of a job that completes, none may be missing: what comes
//! after a gap is not believed.
//!
//! Parts are rare. A chunk that ends within a millisecond sends none; one that runs
//! for longer sends what it has about once a millisecond, and all it has when an
//! input takes long.

mod outbox;
mod parts;
pub(crate) mod published;
pub(crate) mod pulse;

pub(crate) use self::outbox::Outbox;
pub(crate) use self::parts::Intake;
pub use self::parts::Parts;

use crate::panic::discard;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Where parts go.
type Sink = Box<dyn FnMut(&[u8]) + Send>;

static SINK: Mutex<Option<Sink>> = Mutex::new(None);

/// Has `sink` given the parts of the jobs that run in this process by
/// [`Entry::call`](crate::Entry::call), in place of another one.
///
/// It is called while a lock of ours is held: it must not run a job, nor set a sink.
/// For processes that run one such job at a time: a sink is not told whose part it is.
pub fn set_sink(sink: impl FnMut(&[u8]) + Send + 'static) {
    let former = lock(&SINK).replace(Box::new(sink));
    discard(former);
}

/// Sends results with their jobs again.
pub fn clear_sink() {
    let former = lock(&SINK).take();
    discard(former);
}

fn has_sink() -> bool {
    lock(&SINK).is_some()
}

/// Gives a part to the sink, if there is one. False if not.
fn send(part: &[u8]) -> bool {
    match &mut *lock(&SINK) {
        Some(sink) => {
            sink(part);
            true
        }
        None => false,
    }
}

/// Locks a mutex that no model is about.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
