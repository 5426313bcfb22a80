//! Blocking a thread until a task is done.

use super::Task;
use super::help::Help;
use crate::current;
use crate::error::TaskError;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

impl<T: Send + 'static> Task<T> {
    /// Blocks this thread until there is an outcome.
    ///
    /// Not for asynchronous code, which awaits the task instead. A job that calls
    /// this for another job of its own pool, which still waits in the queue, runs
    /// that one meanwhile, on this very thread: so jobs may submit jobs and wait
    /// for them, however few workers there are. In a forked child, a job of the parent
    /// that is not done is an error, since nobody here will run it.
    ///
    /// Before it blocks, the executor may use this thread for some microseconds to look for
    /// the result where it comes in. If it comes, it is decoded here.
    ///
    /// # Errors
    /// The task's own error; or one of the kind
    /// [`WouldDeadlock`](crate::TaskErrorKind::WouldDeadlock) if it is known that
    /// the task cannot complete while this thread waits: a job that waits for
    /// itself or for one that its pool cannot run, a coroutine's task on the
    /// thread that drives it or whose loop was stopped. The work goes on,
    /// detached.
    pub fn wait(mut self) -> Result<T, TaskError> {
        self.block(None)?;
        self.take_or_invalid()
    }

    /// Blocks this thread until there is an outcome, but no longer than `limit`.
    ///
    /// `None` means that the limit passed: the work goes on, and the task may be
    /// asked again. [`Duration::MAX`] is no limit, and with zero this asks how things
    /// are and neither blocks nor runs anything.
    ///
    /// A job that calls this for a queued job of its own pool leaves that to another
    /// worker, if one is free or at work. If none is, because there is no other or all
    /// of them wait for jobs as well, or at the latest when half of the limit has
    /// passed, it runs that job itself, as [`wait`](Self::wait) does: nothing can stop
    /// it there, so the limit then counts for its start alone, and this returns its
    /// outcome when it ends. Give that job a time limit of its own.
    ///
    /// # Errors
    /// As for [`wait`](Self::wait).
    pub fn wait_timeout(&mut self, limit: Duration) -> Option<Result<T, TaskError>> {
        // A limit that no clock can represent is no limit.
        if let Err(error) = self.block(Instant::now().checked_add(limit)) {
            return Some(Err(error));
        }
        self.is_done().then(|| self.take_or_invalid())
    }

    /// Blocks this thread until there is an outcome, but no longer than `limit`;
    /// then the task is cancelled, and so it is if to wait would be in vain. What is said
    /// of the limit at [`wait_timeout`](Self::wait_timeout) holds here too.
    ///
    /// It does not wait for the end of what was cancelled: a coroutine ends at its
    /// next await, and a function on a thread may go on.
    ///
    /// # Errors
    /// The task's own error; one of the kind
    /// [`TimedOut`](crate::TaskErrorKind::TimedOut) that says what became of the
    /// work; or as for [`wait`](Self::wait).
    ///
    /// ```
    /// use executor_core::promise;
    /// use std::time::Duration;
    ///
    /// let (_promise, task) = promise::<u8>("never");
    /// let error = task.wait_or_cancel(Duration::from_millis(1)).unwrap_err();
    /// assert!(error.is_timed_out());
    /// ```
    pub fn wait_or_cancel(mut self, limit: Duration) -> Result<T, TaskError> {
        if let Err(in_vain) = self.block(Instant::now().checked_add(limit)) {
            self.cancel();
            return Err(in_vain);
        }
        if self.is_done() {
            return self.take_or_invalid();
        }
        let took_effect = self.cancel().took_effect();
        // It may have completed in that moment after all.
        match self.take() {
            Some(Err(error)) if !error.is_cancelled() => return Err(error),
            Some(Ok(value)) => return Ok(value),
            Some(Err(_)) | None => {}
        }
        let what_now = match took_effect {
            true => "it was cancelled",
            false => "it cannot be stopped where it runs and goes on",
        };
        let error = TaskError::timed_out(limit, what_now);
        Err(self.shared.meta().name_it(error))
    }

    /// Parks this thread until the task is done or the deadline has passed.
    ///
    /// # Errors
    /// Why that would be in vain.
    fn block(&mut self, deadline: Option<Instant>) -> Result<(), TaskError> {
        if self.is_done() {
            return Ok(());
        }
        if current::is(self.id()) {
            return Err(self.waits_for_itself());
        }
        let meta = self.shared.meta();
        if meta.is_job() && meta.is_foreign() {
            let why = "its executor is in the process that this one was forked from";
            return Err(meta.name_it(TaskError::would_deadlock(why)));
        }
        // Not with a limit: nothing could stop a `Deserialize` that runs here.
        if deadline.is_none() {
            self.shared.await_briefly();
            if self.is_done() {
                return Ok(());
            }
        }
        let mut help = Help::new(deadline);
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let mut context = Context::from_waker(&waker);
        loop {
            let look_again = help.run_or_wait(&*self.shared);
            let look_again = look_again.map_err(|error| self.shared.meta().name_it(error))?;
            if self.poll_done(&mut context).is_ready() {
                return Ok(());
            }
            if let Some(error) = self.shared.stuck() {
                self.unwatch();
                return Err(self.shared.meta().name_it(error));
            }
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            match (left, look_again) {
                (None, _) => std::thread::park(),
                (Some(Duration::ZERO), _) => return Ok(()),
                (Some(left), None) => std::thread::park_timeout(left),
                (Some(left), Some(pause)) => std::thread::park_timeout(left.min(pause)),
            }
        }
    }

    pub(super) fn waits_for_itself(&self) -> TaskError {
        let error = TaskError::would_deadlock("it waits for itself");
        self.shared.meta().name_it(error)
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
