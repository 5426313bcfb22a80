//! A stream that is read while the test does something else.

use futures::{Stream, StreamExt as _};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// How long an item is waited for before the test fails.
const LONG: Duration = Duration::from_secs(120);

/// Reads a stream on a thread of its own, which sleeps until it is woken.
pub fn read<S>(make: impl FnOnce() -> S + Send + 'static) -> Receiver<S::Item>
where
    S: Stream<Item: Send + 'static>,
{
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let each = |item| {
            let _ = tell.send(item);
            std::future::ready(())
        };
        futures::executor::block_on(make().for_each(each));
    });
    told
}

/// Those that come next.
///
/// # Panics
/// If one does not come within two minutes, or if the stream ends before.
#[track_caller]
pub fn next<T>(items: &Receiver<T>, count: usize) -> Vec<T> {
    let one = |n| match items.recv_timeout(LONG) {
        Ok(item) => item,
        Err(error) => panic!("{n} items have come of {count}: {error}"),
    };
    (0..count).map(one).collect()
}

/// Whatever comes up to the end.
///
/// # Panics
/// If nothing comes for two minutes, and the stream does not end.
#[track_caller]
pub fn rest<T>(items: &Receiver<T>) -> Vec<T> {
    let mut all = Vec::new();
    loop {
        match items.recv_timeout(LONG) {
            Ok(item) => all.push(item),
            Err(RecvTimeoutError::Disconnected) => return all,
            Err(RecvTimeoutError::Timeout) => panic!("after {} items nothing comes", all.len()),
        }
    }
}
