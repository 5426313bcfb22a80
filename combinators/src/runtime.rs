//! The seam to the runtime: the one module that names async-std, or smol.
//!
//! Three things are asked of a runtime: to run a future by itself, to sleep, and
//! to drive one future on the calling thread with timers and I/O at work. Each
//! runtime has a file of its own; a Cargo feature chooses.

#[cfg(all(feature = "async-std", not(feature = "smol")))]
mod async_std;
#[cfg(feature = "smol")]
mod smol;

#[cfg(all(feature = "async-std", not(feature = "smol")))]
use self::async_std as chosen;
#[cfg(feature = "smol")]
use self::smol as chosen;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// Runs `future` by itself, from now on; it needs nobody to poll it.
pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    chosen::spawn(future);
}

/// Drives `future` on this thread until it is ready. What it awaits may be I/O
/// and timers of the runtime.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    chosen::block_on(future)
}

/// A future that is ready once some time has passed.
pub(crate) struct Sleep(Pin<Box<dyn Future<Output = ()> + Send + Sync>>);

impl Sleep {
    /// The time counts from the first poll at the latest.
    pub(crate) fn new(time: Duration) -> Self {
        Self(Box::pin(chosen::sleep(time)))
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(context)
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sleep")
    }
}
