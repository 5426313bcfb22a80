//! The seam to the `threadpool` crate, which owns the threads.
//!
//! Each worker is a `threadpool` pool of one thread, because all threads of such
//! a pool have the same name. It is given one closure, the worker's loop, and
//! its handle is dropped, so that the thread ends when the loop does. The loop
//! lets no panic out: `threadpool` would lose its message and start a thread
//! again.
//!
//! `threadpool` panics where the system has no thread to give. That it has none is no
//! mistake of the program, and must not end it where panics abort. So the standard
//! library, which returns an error, starts a thread first that ends at once: if that
//! cannot be had, no other can. Between the two somebody else may take the last thread;
//! then the panic is caught, and the standard library tries once more, for good. A
//! program whose panics abort cannot catch it, so there the standard library owns the
//! threads.

use executor_core::panic::catch;
use std::thread::Builder;

/// Starts a thread that runs `body`.
///
/// # Errors
/// The system's reason, if it has no thread to give.
pub(crate) fn start(
    name: String,
    stack_size: Option<usize>,
    body: impl FnOnce() + Send + 'static,
) -> Result<(), String> {
    let plain = || {
        let builder = Builder::new().name(name.clone());
        match stack_size {
            Some(bytes) => builder.stack_size(bytes),
            None => builder,
        }
    };
    if cfg!(panic = "abort") {
        return spawn(plain(), body);
    }
    let probe = plain().spawn(|| ()).map_err(|error| error.to_string())?;
    // It has no reason to panic.
    let _ = probe.join();
    let mut builder = threadpool::Builder::new()
        .num_threads(1)
        .thread_name(name.clone());
    if let Some(bytes) = stack_size {
        builder = builder.thread_stack_size(bytes);
    }
    match catch(|| builder.build()) {
        Ok(thread) => {
            thread.execute(body);
            Ok(())
        }
        Err(_) => spawn(plain(), body),
    }
}

fn spawn(builder: Builder, body: impl FnOnce() + Send + 'static) -> Result<(), String> {
    let spawned = builder.spawn(body);
    spawned.map(drop).map_err(|error| error.to_string())
}
