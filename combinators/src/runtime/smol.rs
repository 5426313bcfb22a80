//! smol.

use std::future::Future;
use std::time::Duration;

pub(super) fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    ::smol::spawn(future).detach();
}

pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    ::smol::block_on(future)
}

pub(super) fn sleep(time: Duration) -> impl Future<Output = ()> + Send + Sync {
    let timer = ::smol::Timer::after(time);
    async {
        timer.await;
    }
}
