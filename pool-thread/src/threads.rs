//! The seam to the `threadpool` crate, which owns the threads.
//!
//! Each worker is a `threadpool` pool of one thread, because all threads of such
//! a pool have the same name. It is given one closure, the worker's loop, and
//! its handle is dropped, so that the thread ends when the loop does. The loop
//! lets no panic out: `threadpool` would lose its message and start a thread
//! again.

use executor_core::panic::catch;

/// Starts a thread that runs `body`.
///
/// # Errors
/// The system's reason, if it has no thread to give.
pub(crate) fn start(
    name: String,
    stack_size: Option<usize>,
    body: impl FnOnce() + Send + 'static,
) -> Result<(), String> {
    let mut builder = threadpool::Builder::new().num_threads(1).thread_name(name);
    if let Some(bytes) = stack_size {
        builder = builder.thread_stack_size(bytes);
    }
    // `threadpool` panics where the standard library returns an error.
    let thread = catch(|| builder.build()).map_err(|report| report.message().to_owned())?;
    thread.execute(body);
    Ok(())
}
