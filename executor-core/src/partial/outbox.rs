//! [`Outbox`]: results of the chunk that runs here, on their way to another process.
//!
//! The thread that runs the chunk appends records, each whole. They leave through the
//! sink when the [pulse](super::pulse) comes, whether that thread is in the middle of
//! an input or not; what has not left when the chunk ends goes with its result. Who
//! sends holds the lock, so records leave in their order, each once, and none after
//! the end.

use super::lock;
use super::published::{Reader, Writer, published};
use super::pulse::{self, Pulse, Watched};
use std::sync::{Arc, Mutex};

/// So many bytes are kept before they are sent, pulse or none.
const ROOM: usize = 16 * 1024;

pub(crate) struct Outbox {
    writer: Writer<u8>,
    leaving: Arc<Leaving>,
    /// What was put before this beat was sent.
    beat: usize,
    _watched: Watched,
}

/// What has not left; `None` when the chunk has ended.
struct Leaving(Mutex<Option<Reader<u8>>>);

impl Pulse for Leaving {
    fn pulse(self: Arc<Self>) -> bool {
        // Who sends or takes is at it already: not to be waited for, lest one job's
        // sink hold up others.
        let Ok(mut leaving) = self.0.try_lock() else {
            return true;
        };
        leaving.as_mut().is_some_and(flush)
    }
}

/// Sends what there is. False if that is nothing.
fn flush(reader: &mut Reader<u8>) -> bool {
    let unread = reader.unread();
    let len = unread.len();
    if len == 0 || !super::send(unread) {
        return false;
    }
    reader.skip(len);
    true
}

impl Outbox {
    /// An outbox for a chunk that begins; `None` if there is no sink.
    pub(crate) fn open() -> Option<Self> {
        if !super::has_sink() {
            return None;
        }
        let (writer, reader) = published(ROOM);
        let leaving = Arc::new(Leaving(Mutex::new(Some(reader))));
        let watched = pulse::watch(leaving.clone());
        Some(Self {
            writer,
            leaving,
            beat: pulse::beat(),
            _watched: watched,
        })
    }

    /// Appends a record. It leaves now if the input took long.
    #[inline]
    pub(crate) fn put(&mut self, record: &[u8]) {
        if !self.writer.extend(record) {
            return self.put_far(record);
        }
        let beat = pulse::beat();
        // At first after a whole beat, as for the pulse itself.
        if beat.wrapping_sub(self.beat) > 1 {
            self.beat = beat.wrapping_sub(1);
            if let Some(reader) = &mut *lock(&self.leaving.0) {
                flush(reader);
            }
        }
    }

    /// Makes room for a record that finds none.
    #[cold]
    fn put_far(&mut self, record: &[u8]) {
        let mut leaving = lock(&self.leaving.0);
        let Some(reader) = &mut *leaving else {
            return;
        };
        flush(reader);
        // Nothing, unless the sink was taken away.
        let left = reader.unread();
        let room = ROOM.max(2 * (left.len() + record.len()));
        let (mut writer, next) = published(room);
        let _ = writer.extend(left);
        let _ = writer.extend(record);
        (self.writer, *reader) = (writer, next);
        if record.len() >= ROOM {
            flush(reader);
        }
    }

    /// Ends it, and appends what has not left.
    pub(crate) fn close(self, to: &mut Vec<u8>) {
        let reader = lock(&self.leaving.0).take();
        if let Some(reader) = reader {
            to.extend_from_slice(reader.unread());
        }
    }
}

impl Drop for Outbox {
    /// Nothing leaves after a chunk that has panicked.
    fn drop(&mut self) {
        lock(&self.leaving.0).take();
    }
}
