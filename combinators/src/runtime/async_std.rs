//! async-std, the default.

use ::async_std::task;
use std::future::Future;
use std::time::Duration;

pub(super) fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    // Dropping async-std's handle detaches the future.
    drop(task::spawn(future));
}

pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    task::block_on(future)
}

pub(super) fn sleep(time: Duration) -> impl Future<Output = ()> + Send + Sync {
    task::sleep(time)
}
