//! The seam to the runtime: the one file that names async-std.
//!
//! Two things are asked of a runtime, to run a future by itself and to sleep.
//! Another one (smol, tokio) can take its place here and nowhere else.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// Runs `future` by itself, from now on; it needs nobody to poll it.
pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    // Dropping async-std's handle detaches the future.
    drop(async_std::task::spawn(future));
}

/// A future that is ready once some time has passed.
pub(crate) struct Sleep(Pin<Box<dyn Future<Output = ()> + Send + Sync>>);

impl Sleep {
    /// The time counts from the first poll.
    pub(crate) fn new(time: Duration) -> Self {
        Self(Box::pin(async_std::task::sleep(time)))
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
