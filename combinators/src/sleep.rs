//! [`sleep`]: letting others run, for a while or just once.

use crate::deadline::Deadline;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// Waits for `time`, without holding up the thread.
///
/// This is Python's `asyncio.sleep`: the time counts from the first poll, and a
/// sleep of zero yields exactly once, so that whatever else is ready on this
/// thread has its turn. A time too long for the clock never ends.
///
/// # Cancel safety
/// Dropping it removes its timer. To start it again is to make a new one.
///
/// ```
/// use combinators::{create_task, sleep};
/// use std::time::Duration;
///
/// let task = create_task(async {
///     sleep(Duration::from_millis(1)).await;
///     "awake"
/// });
/// assert_eq!(task.wait()?, "awake");
/// # Ok::<(), executor_core::TaskError>(())
/// ```
pub fn sleep(time: Duration) -> Sleep {
    Sleep(State::New(time))
}

/// The future of having waited: made by [`sleep`].
#[derive(Debug)]
#[must_use = "it waits for nothing unless it is awaited"]
pub struct Sleep(State);

#[derive(Debug)]
enum State {
    New(Duration),
    /// It has given way; nothing is left to wait for.
    Yielded,
    Waiting(Deadline),
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let state = &mut self.0;
        match state {
            State::Yielded => return Poll::Ready(()),
            State::Waiting(deadline) => return deadline.poll(context),
            State::New(time) => {
                let mut deadline = Deadline::after(*time);
                if deadline.poll(context).is_pending() {
                    *state = State::Waiting(deadline);
                } else {
                    *state = State::Yielded;
                    context.waker().wake_by_ref();
                }
            }
        }
        Poll::Pending
    }
}
