//! Streams that are read while the test does something else.

use crate::common::LONG;
use futures::{Stream, StreamExt as _};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

/// Reads a stream on a thread of its own.
pub(crate) fn read<S>(make: impl FnOnce() -> S + Send + 'static) -> Receiver<S::Item>
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
#[track_caller]
pub(crate) fn next<T>(items: &Receiver<T>, count: usize) -> Vec<T> {
    let one = |n| match items.recv_timeout(LONG) {
        Ok(item) => item,
        Err(error) => panic!("{n} items have come of {count}: {error}"),
    };
    (0..count).map(one).collect()
}

/// Whatever comes up to the end.
#[track_caller]
pub(crate) fn rest<T>(items: &Receiver<T>) -> Vec<T> {
    let mut all = Vec::new();
    loop {
        match items.recv_timeout(LONG) {
            Ok(item) => all.push(item),
            Err(RecvTimeoutError::Disconnected) => return all,
            Err(RecvTimeoutError::Timeout) => panic!("after {} items nothing comes", all.len()),
        }
    }
}
