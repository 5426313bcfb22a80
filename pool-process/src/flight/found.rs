//! [`Found`]: results that were taken off the board, with their jobs.

use crate::reply;
use crate::transport::Slot;
use executor_core::{HeldJob, TaskError, Wakeups, spare};

/// Results in the order in which the worker left them. It is used again for its
/// memory.
#[derive(Default)]
pub(crate) struct Found {
    harvests: Vec<Harvest>,
    /// The small results, one after another.
    small: Vec<u8>,
    buffer: Vec<u8>,
}

/// A job and its result.
pub(crate) struct Harvest {
    pub(super) job: HeldJob,
    pub(super) kind: u32,
    pub(super) bytes: Payload,
    /// What its owner is told in place of the result.
    pub(super) overruled: Option<TaskError>,
}

/// The bytes of a result.
pub(super) enum Payload {
    /// Among the small ones.
    Small {
        start: usize,
        len: usize,
    },
    Large(Vec<u8>),
}

impl Found {
    pub(crate) fn len(&self) -> usize {
        self.harvests.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.harvests.is_empty()
    }

    pub(crate) fn add(&mut self, harvest: Harvest) {
        self.harvests.push(harvest);
    }

    /// Copies a result out of its slot. `None` if it cannot have that length.
    pub(super) fn copy(&mut self, slot: &Slot, len: u64) -> Option<Payload> {
        let start = self.small.len();
        let len = slot.read(len, &mut self.small)?;
        Some(Payload::Small { start, len })
    }

    /// Resolves the jobs. Decodes, and calls callbacks: under no lock.
    pub(crate) fn resolve(&mut self) {
        // A callback may wait for another job of the same batch.
        let mut followed = Vec::new();
        // Whoever is woken finds all results, and may run in place of this thread.
        let mut wakeups = Wakeups::new();
        for harvest in self.harvests.drain(..) {
            if harvest.job.has_followers() {
                followed.push(harvest);
            } else {
                harvest.resolve(&self.small, &mut self.buffer, &mut wakeups);
            }
        }
        // A callback may wait for whom these wake, and for whom the one before wakes.
        wakeups.wake();
        for harvest in followed {
            harvest.resolve(&self.small, &mut self.buffer, &mut wakeups);
            wakeups.wake();
        }
        self.small.clear();
    }
}

impl Harvest {
    fn resolve(self, small: &[u8], buffer: &mut Vec<u8>, wakeups: &mut Wakeups) {
        match (self.overruled, self.bytes) {
            (Some(error), _) => self.job.fail(error),
            (None, Payload::Large(mut bytes)) => {
                reply::resolve(self.job, self.kind, &mut bytes, wakeups);
                spare::give(bytes);
            }
            (None, Payload::Small { start, len }) => {
                buffer.clear();
                buffer.extend_from_slice(&small[start..start + len]);
                reply::resolve(self.job, self.kind, buffer, wakeups);
            }
        }
    }
}
