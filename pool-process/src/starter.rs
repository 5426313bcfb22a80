//! The thread that starts processes, and those that wait for them to be ready.
//!
//! One thread starts all the processes of a pool and stays until the pool is at its end:
//! the kernel ends a worker when the *thread* that has started it ends. To get a worker
//! ready takes a while and may block; that is the work of a thread that lives no longer
//! than this takes.

use crate::boot::{Begun, Boot, BootError, Worker};
use crate::dispatch::Dispatch;
use crate::signals::Blocked;
use executor_core::say;
use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The way to the thread, and back.
#[derive(Debug, Default)]
pub(crate) struct Starter {
    orders: Mutex<Option<Sender<Order>>>,
    ready: Mutex<VecDeque<Ready>>,
}

/// Start a process for this occupant, with this number.
#[derive(Clone, Copy, Debug)]
struct Order {
    id: u64,
    number: usize,
}

/// What became of a start.
pub(crate) type Ready = (u64, Result<Worker, BootError>);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Starter {
    /// A start that has come to its end. One at a time: who takes it may be held up.
    pub(crate) fn take_ready(&self) -> Option<Ready> {
        lock(&self.ready).pop_front()
    }

    /// The pool is at its end: the thread goes.
    pub(crate) fn dismiss(&self) {
        lock(&self.orders).take();
    }
}

/// Has a process started.
///
/// # Errors
/// There is no thread to be had.
pub(crate) fn start(dispatch: &Arc<Dispatch>, id: u64, number: usize) -> io::Result<()> {
    let order = Order { id, number };
    let mut orders = lock(&dispatch.starter.orders);
    if let Some(sender) = &*orders
        && sender.send(order).is_ok()
    {
        return Ok(());
    }
    let (sender, receiver) = channel();
    let its = dispatch.clone();
    let name = format!("{}-starter", dispatch.config.name);
    let builder = std::thread::Builder::new().name(name);
    builder.spawn(move || serve(&its, &receiver))?;
    // It cannot have gone already.
    let _ = sender.send(order);
    *orders = Some(sender);
    Ok(())
}

fn serve(dispatch: &Arc<Dispatch>, orders: &Receiver<Order>) {
    let _quiet = Blocked::all();
    for order in orders {
        let begun = executor_core::panic::catch(|| Boot::begin(&dispatch.config, order.number));
        match begun.unwrap_or_else(|report| Err(BootError::bug(&report))) {
            Ok(begun) => finish(dispatch, order.id, begun),
            Err(error) => tell(dispatch, order.id, Err(error)),
        }
    }
}

/// Gets a process ready, on a thread of its own if there is one.
fn finish(dispatch: &Arc<Dispatch>, id: u64, begun: Begun) {
    let Begun {
        process,
        stderr,
        cutter,
        boot,
    } = begun;
    match stderr {
        Some(stderr) => {
            if let Err(error) = dispatch.relay.follow(process.clone(), stderr) {
                dispatch.tell(move |pool| {
                    say!(warn, pool, %error, "a worker's standard error is not read");
                });
            }
        }
        None => process.stderr.close(),
    }
    dispatch.started(id, process.clone(), cutter);
    if let Err(error) = dispatch.poller.watch_end(id, &*process) {
        // It is found when somebody looks.
        dispatch.tell(move |pool| {
            say!(warn, pool, %error, "the end of a worker cannot be watched for");
        });
    }
    let get_ready = move |dispatch: &Arc<Dispatch>, boot: Boot| {
        let _quiet = Blocked::all();
        let ready = executor_core::panic::catch(|| boot.finish());
        let ready = ready.unwrap_or_else(|report| Err(BootError::bug(&report)));
        tell(dispatch, id, ready);
    };
    let boot = Arc::new(Mutex::new(Some(boot)));
    let (its, its_boot) = (dispatch.clone(), boot.clone());
    let run = move || {
        if let Some(boot) = lock(&its_boot).take() {
            get_ready(&its, boot);
        }
    };
    let builder = std::thread::Builder::new().name(format!("boot-{}", process.pid()));
    if builder.spawn(run).is_err()
        && let Some(boot) = lock(&boot).take()
    {
        get_ready(dispatch, boot);
    }
}

fn tell(dispatch: &Dispatch, id: u64, ready: Result<Worker, BootError>) {
    lock(&dispatch.starter.ready).push_back((id, ready));
    dispatch.poller.poke();
}
