//! What the tests of event loops share: a watchdog, and a loop in a side thread.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use super::common::DEADLINE;
use combinators::{EventLoop, ExceptionContext, Handle};
use executor_core::TaskError;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

/// Runs `test` on a thread of its own and panics, rather than hang, if it does not
/// end in time.
pub(crate) fn guarded<R: Send + 'static>(test: impl FnOnce() -> R + Send + 'static) -> R {
    let (tell, told) = channel::<()>();
    let thread = std::thread::Builder::new().name("test".into());
    let thread = thread.spawn(move || {
        let _tell = tell;
        test()
    });
    let thread = thread.unwrap();
    match told.recv_timeout(DEADLINE) {
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        _ => thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
    }
}

/// A callback that tells its number.
pub(crate) fn telling(tell: &Sender<u8>, n: u8) -> impl FnOnce() + Send + 'static {
    let tell = tell.clone();
    move || tell.send(n).unwrap()
}

/// A loop that runs in a side thread until this is dropped (seed 002).
pub(crate) struct SideLoop {
    pub(crate) handle: Handle,
    thread: Option<JoinHandle<Result<EventLoop, TaskError>>>,
    ended: Receiver<()>,
}

impl SideLoop {
    pub(crate) fn start() -> Self {
        Self::run(EventLoop::new())
    }

    pub(crate) fn run(mut event_loop: EventLoop) -> Self {
        let handle = event_loop.handle();
        let (tell, ended) = channel();
        let thread = std::thread::Builder::new().name("side loop".into());
        let thread = thread.spawn(move || {
            let _tell: Sender<()> = tell;
            event_loop.run_forever().map(|()| event_loop)
        });
        Self {
            handle,
            thread: Some(thread.unwrap()),
            ended,
        }
    }

    /// Stops it and gives the loop back.
    pub(crate) fn stop(mut self) -> EventLoop {
        self.handle.stop();
        self.join().expect("it is joined once").unwrap()
    }

    fn join(&mut self) -> Option<Result<EventLoop, TaskError>> {
        let ended = self.ended.recv_timeout(DEADLINE);
        assert_ne!(
            ended,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout),
            "the loop does not stop"
        );
        self.thread.take().map(|thread| thread.join().unwrap())
    }
}

impl Drop for SideLoop {
    fn drop(&mut self) {
        self.handle.stop();
        if !std::thread::panicking() {
            self.join();
        }
    }
}

/// Has the loop send what its exception handler is told.
pub(crate) fn exceptions(handle: &Handle) -> Receiver<ExceptionContext> {
    let (tell, told) = channel();
    handle.set_exception_handler(move |context| {
        let _ = tell.send(context.clone());
    });
    told
}

/// One round of the loop.
pub(crate) fn one_round(event_loop: &mut EventLoop) {
    event_loop.handle().stop();
    event_loop.run_forever().unwrap();
}
